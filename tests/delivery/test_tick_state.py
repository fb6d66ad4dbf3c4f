"""The app's row stays small whatever happens, keeps what matters, and is read by every later version."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from cloud.entities import check_entity, stored
from delivery import codec, names
from delivery.errors import Malformed
from delivery.ports import Put, Row
from delivery.tick import Wake, tick
from delivery.versions import SCHEMA
from rollouts.checks import Check, CheckKind, Counts, Measurement, Tally, Verdict
from rollouts.findings import Answer, Finding
from rollouts.model import (
    Actor,
    ActorKind,
    App,
    Done,
    Image,
    Lane,
    Pause,
    Phase,
    Plan,
    Released,
    Report,
    Retire,
    Rollout,
    Stable,
    Step,
    Totals,
    Write,
    WriteAnswer,
    WriteKind,
)
from tests.delivery.schedule_stories import opened
from tests.delivery.shop import KEY, PARTITION, REGISTRY, REPOSITORY, digest
from tests.fakes.clock import START

GOLDEN = Path(__file__).parents[1] / "golden" / "rows"
POLICY = f"{PARTITION}/production"
ANN = Actor(kind=ActorKind.PERSON, id="ann@contoso.test", name="Ann")


def finding(width: int, depth: int, text: str) -> Finding:
    children = tuple(finding(width, depth - 1, text) for _ in range(width)) if depth else ()
    return Finding(gate="scan", answer=Answer.WAITING, because=text, ask_at=START, children=children)


def image(n: int) -> Image:
    return Image(registry=REGISTRY, repository=REPOSITORY, tag=f"1.{n}.0", digest=digest(n))


def waiting(n: int, found: Finding) -> Rollout:
    return Rollout(
        n=n,
        image=image(n),
        policy=POLICY,
        offered_at=START,
        pushed_at=START,
        because=found.because,
        notify=("team-shop", "audit all"),
        source_revision="2d9c" * 32,
        source_url="https://git.contoso.test/" + "w" * 231,
        finding=found,
        announced=tuple(f"RolloutWaiting:{i}" for i in range(3)),
    )


def live(n: int, found: Finding, steps: int, text: str) -> Rollout:
    checks = tuple(Check(kind=CheckKind.ERRORS, text=f"errors <= {i} % over 5m min 20") for i in range(8))
    measured = tuple(Measurement(check=check.text, verdict=Verdict.PASSED, because=text) for check in checks)
    return replace(
        waiting(n, found),
        phase=Phase.BAKING,
        because=text,
        plan=Plan(
            steps=tuple(Step(weight=i + 1, bake=timedelta(minutes=10)) for i in range(steps)),
            checks=checks,
            deadline=timedelta(hours=20),
            keep=timedelta(hours=1),
            notify=("team-shop", "audit all"),
            runbook="https://wiki.contoso.test/runbooks/web",
        ),
        stable=Stable(revision="ca-web--first", digest=digest(0), tag="1.0.0"),
        canary=f"ca-web--wb{n}-{n:06x}",
        address="x" * 200,
        announced=tuple(f"step:{i}" for i in range(80)),
        step=steps - 1,
        verified_at=START,
        paused=Pause(by=ANN, because=text, since=START),
        seen={"ca-web--first": 60, f"ca-web--wb{n}-{n:06x}": 40},
        read=Totals(at=START, since=START, canary=Counts(requests=10**9), stable=Counts(requests=10**9)),
        tallies=(Tally(worse=(-0.123456789012345,) * 7, better=(0.123456789012345,) * 4, floor=(0.5,) * 7),) * 8,
        measurements=measured,
    )


def write(n: int) -> Write:
    return Write(
        id=n,
        kind=WriteKind.TRAFFIC,
        give_up_at=START,
        weights={"ca-web--first": 60, "ca-web--wb99-000063": 40},
        answer=WriteAnswer.ACCEPTED,
        answered_at=START,
        location="https://management.azure.com/" + "o" * 5000,
    )


def biggest(text: str = "no scan yet" * 500) -> App:
    """A live rollout of 40 steps, 10 waiting with a megabyte of findings each, and all the lists full."""
    found = finding(20, 2, text)
    return App(
        key=KEY,
        seq=10**9,
        counter=120,
        ticked_at=START,
        looked_at=START,
        stable=Stable(
            revision="ca-web--first",
            digest=digest(0),
            tag="1.0.0",
            policy=POLICY,
            released=(Released(container="web", digest=digest(0), tag="1.0.0", pushed_at=START),),
        ),
        live=live(99, found, 40, text),
        waiting=tuple(waiting(100 + i, found) for i in range(10)),
        writes=tuple(write(i) for i in range(5)),
        reports=tuple(
            Report(n=i, canary=f"ca-web--wb{i}-{i:06x}", stable="ca-web--first", since=START, until=START, due=START)
            for i in range(5)
        ),
        retire=tuple(Retire(revision=f"ca-web--wb{i}-{i:06x}", not_before=START) for i in range(10)),
        hold=Pause(by=ANN, because=text, since=START),
        lanes=tuple(Lane(policy=f"{POLICY}-{i}", container="web", order="semver") for i in range(10)),
        done=tuple(
            Done(n=i, digest=digest(i), tag=f"1.{i}.0", policy=POLICY, phase=Phase.PROMOTED, at=START)
            for i in range(20)
        ),
        known=tuple(f"ca-web--manual-{i:012}" for i in range(50)),
        indexed=START,
        undelivered=True,
    )


def row_of(columns: dict[str, object]) -> Row:
    return Row(partition=KEY, key="app", columns=columns, etag="1", timestamp=START)


def test_the_biggest_row_fits_with_room_to_spare() -> None:
    app = biggest()
    assert len(app.waiting[0].finding.because) * 400 > 1_000_000  # type: ignore[union-attr]  # it has one

    columns = codec.encode(app, "t" * 32)
    assert len(str(columns["state"]).encode()) < codec.MOST_BYTES
    assert len(str(columns["lists"]).encode()) < codec.LISTS_BYTES
    assert len(str(columns["waiting"]).encode()) < codec.LISTS_BYTES
    assert len(str(columns["answers"]).encode("utf-16-le")) < 64 * 1024
    check_entity("app", KEY, "app", stored("app", columns))


def test_what_decides_survives_when_explanations_are_cut() -> None:
    app = biggest()
    back = codec.decode(row_of(codec.encode(app, "t")))

    assert back.writes == app.writes
    assert (back.retire, back.stable, back.lanes, back.done) == (app.retire, app.stable, app.lanes, app.done)
    assert back.reports == app.reports
    assert (back.seq, back.counter, back.indexed, back.undelivered) == (app.seq, app.counter, app.indexed, True)
    assert [(r.n, r.image, r.policy, r.announced) for r in back.waiting] == [
        (r.n, r.image, r.policy, r.announced) for r in app.waiting
    ]
    old, new = app.live, back.live
    assert old
    assert new
    for name in ("n", "image", "plan", "stable", "canary", "step", "verified_at", "seen", "read", "tallies"):
        assert getattr(new, name) == getattr(old, name)
    assert new.paused
    assert new.paused.by == ANN


def test_a_usual_row_comes_back_as_it_was() -> None:
    found = Finding(gate="scan", answer=Answer.WAITING, because="no scan yet")
    app = replace(biggest("short"), live=live(99, found, 4, "baking at 5 %"), waiting=(waiting(100, found),))
    assert codec.decode(row_of(codec.encode(app, "t"))) == app


def test_what_ended_under_which_version_of_its_row_fits_too() -> None:
    app = biggest("\U0001f600" * 400)
    done = tuple(replace(one, policy_version="0" * 12, attempt=10**6, phase=Phase.ROLLED_BACK) for one in app.done)
    columns = codec.encode(replace(app, done=done), "t")
    assert len(str(columns["lists"]).encode()) < codec.LISTS_BYTES
    assert codec.decode(row_of(columns)).done == done


def test_an_ended_rollout_of_before_versions_were_kept_still_loads() -> None:
    old = {"n": 1, "digest": digest(1), "tag": "1.1.0", "policy": POLICY, "phase": "rejected", "at": START.isoformat()}
    columns = codec.encode(biggest("short"), "t") | {"lists": json.dumps({"done": [old]})}
    [done] = codec.decode(row_of(columns)).done
    assert (done.policy_version, done.started, done.attempt) == ("", False, 1)


@pytest.mark.parametrize("letters", ["é", "\U0001f600", '"\\', "\x00"], ids=["accents", "emoji", "escapes", "controls"])
def test_texts_of_every_kind_fit(letters: str) -> None:
    columns = codec.encode(biggest(letters * 400), "t")
    assert len(str(columns["state"]).encode()) < codec.MOST_BYTES
    assert len(str(columns["lists"]).encode()) < codec.LISTS_BYTES
    assert len(str(columns["waiting"]).encode()) < codec.LISTS_BYTES
    check_entity("app", KEY, "app", stored("app", columns))


def golden_app() -> App:
    """What version 1 wrote; never change it: make a second file when the schema changes."""
    found = Finding(gate="gates", answer=Answer.WAITING, because="scan: no scan yet", ask_at=START)
    return replace(
        biggest("short"),
        live=live(99, found, 3, "baking at 5 %"),
        waiting=(waiting(100, found),),
        known=("ca-web--first",),
    )


@pytest.mark.parametrize("path", sorted(GOLDEN.glob("app-*.json")), ids=lambda path: path.stem)
def test_an_app_row_of_every_version_still_loads(path: Path) -> None:
    app = codec.decode(row_of(json.loads(path.read_text())))
    assert (app.key, app.seq, app.counter) == (KEY, 10**9, 120)
    assert app == golden_app()


@pytest.mark.parametrize("path", sorted(GOLDEN.glob("rollout-*.json")), ids=lambda path: path.stem)
def test_a_rollout_row_of_every_version_still_loads(path: Path) -> None:
    columns = json.loads(path.read_text())
    columns["offered"] = datetime.fromisoformat(columns["offered"])
    rollout = codec.decode_rollout(row_of(columns))
    assert rollout == golden_app().live


def test_there_is_a_golden_row_for_this_version() -> None:
    assert (GOLDEN / f"app-v{SCHEMA}.json").exists()
    assert (GOLDEN / f"rollout-v{SCHEMA}.json").exists()


@pytest.mark.parametrize(
    "columns", [{"schema": 2}, {"schema": 1, "state": "{"}, {"schema": 1, "state": "{}"}, {}], ids=str
)
async def test_a_row_of_another_version_stops_the_tick_and_is_left_as_it_is(columns: dict[str, object]) -> None:
    shop = await opened()
    await shop.rows.commit(names.ROLLOUTS, KEY, [Put(key="app", columns=columns)])
    written = shop.rows.peek(names.ROLLOUTS)

    with pytest.raises(Malformed, match=r"rollouts/.*app: "):
        await tick(shop.ports, Wake(app=KEY))

    assert shop.rows.peek(names.ROLLOUTS) == written
    assert not shop.queue.messages
    assert not shop.app.writes


async def test_a_future_version_that_only_adds_a_field_is_still_refused_by_its_number() -> None:
    """Unknown fields alone are read over; the number is what says that a save would lose something."""
    columns = codec.encode(App(key=KEY), "t")
    state = json.loads(str(columns["state"]))
    added = {**columns, "state": json.dumps({**state, "invented": 1})}

    assert codec.decode(row_of(added)) == App(key=KEY)
    with pytest.raises(Malformed):
        codec.decode(row_of({**added, "schema": SCHEMA + 1}))


def write_golden() -> None:
    """Write the files of this version: `python -m tests.delivery.test_tick_state`."""
    app = golden_app()
    columns = codec.encode(app, "0" * 32)
    (GOLDEN / f"app-v{SCHEMA}-with-waiting.json").write_text(json.dumps(columns, indent=1) + "\n")


if __name__ == "__main__":
    write_golden()
