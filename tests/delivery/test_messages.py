"""What people and machines are told: one golden event per announcement, and what holds for every event."""

from __future__ import annotations

import json
import os
import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from azure.core.messaging import CloudEvent
from hypothesis import given
from hypothesis import strategies as st

from delivery.message_scene import clip, cost, plain
from delivery.messages import MOST, event, event_id, wanted, with_channel
from rollouts.checks import Check, CheckKind, Counts, Limit, Measurement, Tally, Verdict
from rollouts.decided import Announce, Said
from rollouts.findings import Answer, Finding, all_of
from rollouts.model import (
    Actor,
    ActorKind,
    App,
    Cause,
    Drift,
    Image,
    Mode,
    OnDrift,
    Pause,
    Phase,
    Pin,
    Plan,
    Retire,
    Rollout,
    Stable,
    Step,
    Totals,
)
from rollouts.seen import AppSeen, RevisionSeen, TrafficEntry

ROOT = Path(__file__).parents[2]
GOLDEN = ROOT / "tests" / "golden" / "messages"
DOCS = ROOT / "docs" / "webhooks.md"

GROUP = "/subscriptions/00000000-0000-0000-0000-000000000001/resourceGroups/rg-shop"
APP_ID = f"{GROUP}/providers/Microsoft.App/containerApps/ca-web"
KEY = APP_ID.lower().strip("/").replace("/", "|")
NOW = datetime(2026, 11, 24, 9, 22, 31, tzinfo=UTC)
OLD, NEW = "ca-web--wb6-4f1c22", "ca-web--wb7-9b1e07"
COMMIT = "2d9c" * 10
STABLE = Stable(revision=OLD, digest="sha256:" + "4" * 64, tag="1.4.2", policy="contoso.azurecr.io|shop|web/production")
ANN = Actor(kind=ActorKind.PERSON, id="ann@contoso.com", name="Ann")
ERRORS = Check(
    kind=CheckKind.ERRORS, text="errors <= stable + 1%", limit=Limit(rate=0.01, above_stable=True), minimum=200
)
PROBE = Check(kind=CheckKind.PROBE, text="probe /healthz")
PLAN = Plan(
    steps=tuple(Step(weight=weight, bake=timedelta(minutes=10)) for weight in (5, 25, 50, 100)),
    checks=(PROBE, ERRORS),
    deadline=timedelta(hours=2),
    keep=timedelta(hours=1),
    notify=("team-shop", "audit all"),
    runbook="https://wiki.contoso.com/shop/web",
)
GATES = all_of(
    "policy",
    (
        Finding(gate="tags", answer=Answer.OPEN, because="1.4.3 is newer than 1.4.2"),
        Finding(
            gate="scan",
            answer=Answer.WAITING,
            because="no scan has said anything yet",
            ask_at=NOW + timedelta(minutes=30),
        ),
    ),
)
WAITING = Rollout(
    n=7,
    image=Image(
        registry="contoso.azurecr.io", repository="shop/web", tag="1.4.3", digest="sha256:" + "9b1e07" + "0" * 58
    ),
    policy="contoso.azurecr.io|shop|web/production",
    offered_at=NOW - timedelta(minutes=21),
    pushed_at=NOW - timedelta(minutes=22),
    finding=GATES,
)
LIVE = replace(
    WAITING,
    phase=Phase.BAKING,
    policy_version="v-2d9c",
    plan=PLAN,
    source_revision=COMMIT,
    source_url="https://github.com/contoso/web",
    stable=STABLE,
    canary=NEW,
    started_at=NOW - timedelta(minutes=20),
    ready_at=NOW - timedelta(minutes=19),
    step=1,
    verified_at=NOW - timedelta(minutes=6),
    weighted_at=NOW - timedelta(minutes=16),
    announced=("RolloutStarted", "step:0", "step:1"),
    created_at=NOW - timedelta(minutes=20),
    seen={OLD: 75, NEW: 25},
    finding=Finding(gate="policy", answer=Answer.OPEN, because="every gate is open"),
    read=Totals(
        at=NOW - timedelta(minutes=3),
        since=NOW - timedelta(minutes=18),
        canary=Counts(requests=1904, errors=116),
        stable=Counts(requests=9000, errors=27),
    ),
    tallies=(Tally(), Tally(canary=Counts(requests=1904, errors=116), stable=Counts(requests=9000, errors=27))),
    measurements=(
        Measurement(check="own state", verdict=Verdict.PASSED, because="Provisioned, Healthy, Running"),
        Measurement(check=PROBE.text, verdict=Verdict.PASSED, because="probe /healthz: 200", value=200, samples=1904),
        Measurement(
            check=ERRORS.text,
            verdict=Verdict.FAILED,
            because="errors 6.1 % of 1,904, limit stable + 1 % (stable 0.3 %)",
            value=116 / 1904,
            limit=0.013,
            stable=0.003,
            samples=1904,
            strikes=2,
        ),
    ),
)
BEFORE = App(key=KEY, seq=41, counter=7, stable=STABLE, live=LIVE)


def seen(weights: dict[str, int]) -> AppSeen:
    entries = [TrafficEntry(weight=weight, revision=name) for name, weight in weights.items()]
    entries.append(TrafficEntry(weight=0, revision=OLD, label="blue"))
    revisions = [
        RevisionSeen(name=name, active=True, images={"web": "contoso.azurecr.io/shop/web"}) for name in weights
    ]
    return AppSeen(
        at=NOW,
        multiple=True,
        provisioning="Succeeded",
        traffic=tuple(entries),
        revisions=tuple(revisions),
        fqdn="ca-web.happyhill.westeurope.azurecontainerapps.io",
        images={"web": "contoso.azurecr.io/shop/web"},
        location="West Europe",
        environment=f"{GROUP}/providers/Microsoft.App/managedEnvironments/env",
    )


def make(
    said: Said,
    rollout: Rollout | None = LIVE,
    *,
    then: App | None = None,
    weights: dict[str, int] | None = None,
    **announce: Any,
) -> dict[str, Any]:
    announced = Announce(
        said=said, transition=said.value, n=rollout.n if rollout else None, **{"because": "", **announce}
    )
    return event(
        announced,
        before=BEFORE,
        after=then or replace(BEFORE, seq=42),
        rollout=rollout,
        app_id=APP_ID,
        seen=seen(weights) if weights else None,
        sequence=4,
        now=NOW,
        page="https://weighbridge.contoso.com/api",
    )


def ended(phase: Phase, cause: Cause, rollout: Rollout = LIVE) -> Rollout:
    return replace(rollout, phase=phase, cause=cause, finished_at=NOW)


APPROVING = replace(
    LIVE,
    asked_at=NOW,
    plan=replace(
        PLAN,
        steps=(
            *PLAN.steps[:1],
            replace(PLAN.steps[1], until_approved=True, approve_within=timedelta(hours=24)),
            *PLAN.steps[2:],
        ),
    ),
)
DRIFTED = replace(LIVE, drift=Drift(since=NOW, because="someone set it", weights={OLD: 90, NEW: 10}))
FAILED_CHECK = "errors 6.1 % of 1,904, limit stable + 1 % (stable 0.3 %), twice in a row"
CLOSED = all_of("policy", (Finding(gate="scan", answer=Answer.CLOSED, because="1 critical, the policy allows 0"),))
PROMOTED_APP = replace(
    BEFORE, live=None, stable=Stable(revision=NEW), retire=(Retire(revision=OLD, not_before=NOW + timedelta(hours=1)),)
)
HELD_APP = replace(BEFORE, live=None, hold=Pause(by=ANN, because="incident", since=NOW, until=NOW + timedelta(hours=2)))
PINNED_APP = replace(
    BEFORE,
    live=None,
    pin=Pin(digest=STABLE.digest, tag=STABLE.tag, by=ANN, because="pin by Ann: the audit runs", since=NOW),
)

EVENTS: dict[Said, dict[str, Any]] = {
    Said.WAITING: make(Said.WAITING, WAITING, because="scan: no scan has said anything yet", weights={OLD: 100}),
    Said.STARTED: make(
        Said.STARTED,
        replace(
            LIVE,
            phase=Phase.DEPLOYING,
            step=0,
            verified_at=None,
            ready_at=None,
            seen={OLD: 100},
            measurements=(),
            read=None,
            tallies=(),
        ),
        because="every gate is open",
        weights={OLD: 100},
    ),
    Said.STEPPED: make(
        Said.STEPPED,
        replace(LIVE, verified_at=NOW),
        because="25 % was seen live",
        before={OLD: 95, NEW: 5},
        after={OLD: 75, NEW: 25},
        weights={OLD: 75, NEW: 25},
    ),
    Said.PAUSED: make(
        Said.PAUSED,
        replace(LIVE, paused=Pause(by=Actor(kind=ActorKind.POLICY), because="too little to know", since=NOW)),
        because="the deadline is over and 80 requests are missing",
        weights={OLD: 75, NEW: 25},
    ),
    Said.RESUMED: make(Said.RESUMED, because="resume by Ann", actor=ANN, weights={OLD: 75, NEW: 25}),
    Said.APPROVAL_ASKED: make(Said.APPROVAL_ASKED, APPROVING, because="the bake is served", weights={OLD: 75, NEW: 25}),
    Said.APPROVED: make(Said.APPROVED, replace(APPROVING, approved=1), because="approve by Ann", actor=ANN),
    Said.DRIFTED: make(Said.DRIFTED, DRIFTED, because="expected 75 / 25, found 90 / 10", weights={OLD: 90, NEW: 10}),
    Said.ROLLING_BACK: make(
        Said.ROLLING_BACK, replace(LIVE, phase=Phase.ROLLING_BACK, cause=Cause.CHECK_FAILED), because=FAILED_CHECK
    ),
    Said.PROMOTED: make(
        Said.PROMOTED,
        replace(ended(Phase.PROMOTED, Cause.BAKES_SERVED), step=3, seen={NEW: 100}),
        then=PROMOTED_APP,
        because="errors 0.2 % of 31,077 (stable 0.3 %)",
        weights={NEW: 100},
    ),
    Said.ROLLED_BACK: make(
        Said.ROLLED_BACK,
        ended(Phase.ROLLED_BACK, Cause.CHECK_FAILED),
        because=FAILED_CHECK,
        before={OLD: 75, NEW: 25},
        weights={OLD: 100},
    ),
    Said.SUPERSEDED: make(
        Said.SUPERSEDED, ended(Phase.SUPERSEDED, Cause.NEWER_IMAGE), because="1.4.4 is newer and may start"
    ),
    Said.REJECTED: make(
        Said.REJECTED,
        replace(ended(Phase.REJECTED, Cause.GATE_CLOSED, WAITING), finding=CLOSED),
        because=CLOSED.because,
    ),
    Said.EXPIRED: make(Said.EXPIRED, ended(Phase.EXPIRED, Cause.LIMIT_PASSED, WAITING), because="no scan within 1 h"),
    Said.ABORTED: make(
        Said.ABORTED,
        replace(ended(Phase.ABORTED, Cause.LEFT_AS_IS), left={OLD: 90, NEW: 10}),
        because="leave by Ann",
        actor=ANN,
    ),
    Said.FAILED: make(
        Said.FAILED,
        replace(ended(Phase.FAILED, Cause.CANARY_NEVER_READY), ready_at=None),
        because="it never became ready",
    ),
    Said.HELD: make(Said.HELD, None, then=HELD_APP, because="hold by Ann: incident", actor=ANN, comment="incident"),
    Said.RELEASED: make(Said.RELEASED, None, because="release by Ann", actor=ANN),
    Said.RETRIED: make(Said.RETRIED, WAITING, because="retry by Ann: the network was down", actor=ANN),
    Said.PINNED: make(Said.PINNED, None, then=PINNED_APP, because="pin by Ann: the audit runs", actor=ANN),
    Said.GATE_CLOSED: make(
        Said.GATE_CLOSED,
        replace(LIVE, shut="freeze: frozen until 2027-01-04"),
        because="freeze: frozen until 2027-01-04; nothing rises until it opens",
        weights={OLD: 75, NEW: 25},
    ),
    Said.FOREIGN_REVISION: make(Said.FOREIGN_REVISION, None, because="ca-web--hotfix was made by someone else"),
    Said.STABLE_ADOPTED: make(Said.STABLE_ADOPTED, None, because=f"{OLD} carries the traffic instead of ca-web--x"),
    Said.ORDER_REFUSED: make(
        Said.ORDER_REFUSED, None, because="resume by Ann was refused: it is not paused", actor=ANN
    ),
    Said.REPORTED: make(
        Said.REPORTED,
        replace(
            ended(Phase.ROLLED_BACK, Cause.CHECK_FAILED),
            finished_at=NOW - timedelta(minutes=5),
            seen={OLD: 100},
            final=Totals(
                at=NOW - timedelta(minutes=5),
                since=NOW - timedelta(minutes=19),
                canary=Counts(requests=2408, errors=151),
                stable=Counts(requests=9900, errors=28),
            ),
        ),
        because="every minute of it has been counted: 151 of 2408 requests to the canary failed",
        weights={OLD: 100},
    ),
    Said.WOULD_HAVE: make(Said.WOULD_HAVE, replace(WAITING, mode=Mode.OBSERVE), because="every gate is open"),
}


@pytest.mark.parametrize("said", Said)
def test_every_announcement_has_its_golden_event(said: Said) -> None:
    """Run with UPDATE_GOLDEN=1 to write them anew, and read the difference."""
    text = json.dumps(EVENTS[said], indent=2, ensure_ascii=False) + "\n"
    file = GOLDEN / f"{said.value}.json"
    if os.environ.get("UPDATE_GOLDEN"):
        file.write_text(text, encoding="utf-8")

    assert text == file.read_text(encoding="utf-8")


def test_no_golden_event_is_left_of_an_announcement_that_is_gone() -> None:
    assert {file.stem for file in GOLDEN.iterdir()} == {said.value for said in Said}


@pytest.mark.parametrize("said", Said)
def test_every_event_is_a_cloudevent(said: Said) -> None:
    read: CloudEvent[Any] = CloudEvent.from_dict(EVENTS[said])

    assert read.type == f"Weighbridge.{said.value}"
    assert read.time == NOW
    assert set(read.extensions or ()) == {"sequence", "traceparent"}
    assert read.extensions["sequence"] == "0000000004"  # type: ignore[index]  # its keys were just compared


# ---- ids and subjects


def test_a_rollout_is_one_trace_of_which_every_edge_is_a_span_alike_in_every_channel() -> None:
    """The form is that of W3C Trace Context, version 00, sampled."""
    parts = {said: made["traceparent"].split("-") for said, made in EVENTS.items()}
    assert all(re.fullmatch(r"00-[0-9a-f]{32}-[0-9a-f]{16}-01", made["traceparent"]) for made in EVENTS.values())
    assert parts[Said.STARTED][1] == parts[Said.PROMOTED][1] != parts[Said.HELD][1] == parts[Said.RELEASED][1]
    assert parts[Said.STARTED][2] != parts[Said.PROMOTED][2]

    first = EVENTS[Said.STEPPED]
    assert first["id"].startswith(parts[Said.STEPPED][2])
    assert {with_channel(first, name)["traceparent"] for name in ("team-shop", "audit")} == {first["traceparent"]}
    assert make(Said.STARTED, replace(LIVE, n=8))["traceparent"].split("-")[1] != parts[Said.STARTED][1]


def test_an_edge_always_has_the_same_id_and_every_channel_its_own() -> None:
    first, again = EVENTS[Said.STEPPED], make(Said.STEPPED)
    assert first["id"] == again["id"] == event_id(KEY, 7, "RolloutStepped")

    ids = {with_channel(first, name)["id"] for name in ("team-shop", "audit", "audit")}
    assert len(ids) == 2
    assert first["id"] not in ids


@pytest.mark.parametrize("other", [("app2", 7, "t"), ("app", 8, "t"), ("app", None, "t"), ("app", 7, "t2")])
def test_another_app_rollout_or_edge_has_another_id(other: tuple[str, int | None, str]) -> None:
    assert event_id(*other) != event_id("app", 7, "t")


def test_the_subject_begins_with_the_repository_so_that_prefix_filters_work() -> None:
    assert EVENTS[Said.PROMOTED]["subject"] == "shop/web@production/7"
    assert EVENTS[Said.HELD]["subject"] == "ca-web"


def test_sequences_order_as_text_as_the_extension_demands() -> None:
    numbers = [1, 2, 10, 999, 1000]
    texts = [
        event(
            Announce(said=Said.HELD, transition="t", because=""),
            before=BEFORE,
            after=BEFORE,
            rollout=None,
            app_id=APP_ID,
            seen=None,
            sequence=number,
            now=NOW,
            page="",
        )["sequence"]
        for number in numbers
    ]
    assert texts == sorted(texts, key=str)


# ---- the first line


def test_the_first_line_says_what_users_have_now() -> None:
    lines = {said: made["data"]["summary"] for said, made in EVENTS.items()}
    assert lines[Said.ROLLED_BACK] == "ROLLED BACK  shop/web 1.4.3 → ca-web. 1.4.2 has 100 % again."
    assert lines[Said.PROMOTED] == "PROMOTED  shop/web 1.4.3 → ca-web. It has 100 %; took 20 min."
    assert lines[Said.STEPPED] == "STEPPED at 25 %  shop/web 1.4.3 → ca-web. 1.4.2 has 75 %."
    assert lines[Said.PAUSED] == "PAUSED at 25 %  shop/web 1.4.3 → ca-web. 1.4.2 has 75 %. A person must decide."
    assert lines[Said.REJECTED] == "NOT SHIPPED  shop/web 1.4.3 → ca-web. Users saw nothing of it."


@pytest.mark.parametrize("said", sorted(set(Said) - {Said.FOREIGN_REVISION, Said.ORDER_REFUSED}))
def test_a_rehearsal_is_never_told_like_a_release(said: Said) -> None:
    watching = replace(LIVE, plan=replace(PLAN, mode=Mode.OBSERVE))
    told = make(said, watching)["data"]

    assert told["mode"] == "observe"
    assert told["summary"].startswith("WOULD ")
    assert told["summary"].endswith("Only watching: nothing was changed.")


def test_a_revision_that_took_no_requests_is_not_said_to_have_a_share() -> None:
    worker = replace(ended(Phase.ROLLED_BACK, Cause.CHECK_FAILED), plan=replace(PLAN, replace=True))
    assert make(Said.ROLLED_BACK, worker)["data"]["summary"].endswith("1.4.2 runs again.")


def test_a_first_deployment_has_nothing_to_return_to_and_says_so() -> None:
    first = replace(ended(Phase.ROLLED_BACK, Cause.CHECK_FAILED), stable=None)
    told = make(Said.ROLLED_BACK, first)["data"]
    assert told["summary"].endswith("There was nothing to return to.")
    assert told["previous"] is None


def test_a_summary_is_one_line_of_printable_text_whatever_a_person_is_called() -> None:
    rogue = replace(ANN, name="Ann\r\nROLLED BACK\u202e everything\u0000")
    summary = make(Said.APPROVED, APPROVING, actor=rogue)["data"]["summary"]
    assert summary == "APPROVED  shop/web 1.4.3 → ca-web. By Ann ROLLED BACK everything; it goes on."


# ---- needs, next, links


def test_only_what_waits_for_a_person_asks_for_action() -> None:
    asking = {said for said, made in EVENTS.items() if made["data"]["urgency"] == "action"}
    assert asking == {Said.PAUSED, Said.APPROVAL_ASKED, Said.DRIFTED}
    assert all((made["data"]["needs"] is not None) == (said in asking) for said, made in EVENTS.items())


def test_a_pause_with_an_end_and_a_drift_the_policy_settles_need_nobody() -> None:
    pause = Pause(by=ANN, because="lunch", since=NOW, until=NOW + timedelta(hours=1))
    paused = make(Said.PAUSED, replace(LIVE, paused=pause))["data"]
    assert paused["needs"] is None
    assert paused["urgency"] == "attention"
    assert paused["next"] == {"what": "it goes on", "at": "2026-11-24T10:22:31Z"}

    restored = make(Said.DRIFTED, replace(LIVE, plan=replace(PLAN, on_drift=OnDrift.RESTORE)))["data"]
    assert restored["needs"] is None
    assert restored["summary"].endswith("it is set back.")
    adopted = make(Said.DRIFTED, replace(LIVE, left={OLD: 90, NEW: 10}), weights={OLD: 90, NEW: 10})["data"]
    assert adopted["needs"] is None
    assert adopted["summary"].endswith(f"Live traffic is {OLD} 90 %, {NEW} 10 %; it stays so.")


def test_an_approval_says_until_when_it_waits_and_what_then() -> None:
    assert EVENTS[Said.APPROVAL_ASKED]["data"]["needs"] == {
        "who": "an operator",
        "verb": "approve|abort",
        "deadline": "2026-11-25T09:22:31Z",
        "then": "rolled back",
    }


def test_what_a_person_said_with_an_order_is_told_as_they_said_it() -> None:
    assert EVENTS[Said.HELD]["data"]["actor"]["comment"] == "incident"
    assert EVENTS[Said.PROMOTED]["data"]["actor"]["comment"] is None


def test_where_an_image_was_built_from_is_told_when_its_labels_say() -> None:
    assert EVENTS[Said.STEPPED]["data"]["image"]["revisionLabel"] == COMMIT
    assert EVENTS[Said.STEPPED]["data"]["image"]["sourceUrl"] == "https://github.com/contoso/web"
    assert EVENTS[Said.WAITING]["data"]["image"]["revisionLabel"] is None
    assert EVENTS[Said.WAITING]["data"]["image"]["sourceUrl"] is None


def test_the_logs_are_a_page_of_the_app() -> None:
    links = EVENTS[Said.PROMOTED]["data"]["links"]
    assert links["logs"] == links["app"] + "/logs"


def test_no_link_acts_and_none_is_cut() -> None:
    assert set(EVENTS[Said.PROMOTED]["data"]["links"]) == {"app", "logs", "rollout", "runbook"}
    endless = replace(LIVE, plan=replace(PLAN, runbook="https://wiki/" + "x" * 2000))
    assert set(make(Said.PROMOTED, endless)["data"]["links"]) == {"app", "logs", "rollout"}
    unsafe = replace(LIVE, plan=replace(PLAN, runbook="javascript:alert(1)"))
    assert "runbook" not in make(Said.PROMOTED, unsafe)["data"]["links"]


# ---- facts, never guesses


def test_traffic_names_roles_and_keeps_labels() -> None:
    assert EVENTS[Said.STEPPED]["data"]["traffic"] == {
        "before": [
            {"revision": OLD, "role": "stable", "weight": 95, "label": "blue"},
            {"revision": NEW, "role": "canary", "weight": 5},
        ],
        "after": [
            {"revision": OLD, "role": "stable", "weight": 75, "label": "blue"},
            {"revision": NEW, "role": "canary", "weight": 25},
        ],
    }


def test_roles_are_told_whatever_case_azure_writes_a_name_in() -> None:
    told = make(Said.STEPPED, weights={OLD.upper(): 75, NEW: 25})["data"]["traffic"]["after"]
    assert [share["role"] for share in told] == ["stable", "stable", "canary"]


def test_weights_nobody_saw_are_null_and_not_empty() -> None:
    assert make(Said.STARTED, replace(LIVE, seen=None))["data"]["traffic"] == {"before": None, "after": None}


def test_a_canary_that_never_was_ready_harmed_nobody_for_certain() -> None:
    nobody = {"requests": 0, "errors": 0, "seconds": 0, "peakWeight": 0, "complete": True}
    assert EVENTS[Said.FAILED]["data"]["exposure"] == nobody
    assert EVENTS[Said.REJECTED]["data"]["exposure"] == nobody


def test_an_end_is_told_as_the_end_though_a_write_is_still_open() -> None:
    """The machine says it when stable was seen at 100 %, and ends the rollout once nothing of ours can land."""
    told = make(Said.ROLLED_BACK, replace(LIVE, phase=Phase.ROLLING_BACK, cause=Cause.CHECK_FAILED))["data"]
    assert told["rollout"] | {"phase": "rolled_back", "outcome": "rolled_back", "finishedAt": None} == told["rollout"]
    assert told["next"]["what"].startswith("this digest is not tried again")


@pytest.mark.parametrize("plan", [replace(PLAN, replace=True), PLAN])
def test_where_azure_lets_requests_in_before_it_is_ready_harm_is_unknown(plan: Plan) -> None:
    """A worker works from its creation; an app that never had a ready revision sends its requests to the newest."""
    rollout = replace(LIVE, plan=plan, ready_at=None, read=None, stable=STABLE if plan.replace else None)
    assert make(Said.FAILED, rollout)["data"]["exposure"]["requests"] is None


def test_a_peak_is_remembered_when_a_person_lowered_the_weight_later() -> None:
    lowered = replace(LIVE, verified_at=None, seen={OLD: 90, NEW: 10})
    assert make(Said.ROLLING_BACK, lowered)["data"]["exposure"]["peakWeight"] == 25


def test_a_worker_has_no_weight_to_tell() -> None:
    worker = replace(LIVE, plan=replace(PLAN, replace=True), seen=None)
    told = make(Said.STEPPED, worker)["data"]
    assert told["summary"] == "STEPPED  shop/web 1.4.3 → ca-web."


def test_harm_is_counted_and_is_complete_only_when_the_counts_reach_now() -> None:
    exposure = {"requests": 1904, "errors": 116, "seconds": 960, "peakWeight": 25, "complete": False}
    assert EVENTS[Said.ROLLED_BACK]["data"]["exposure"] == exposure

    assert LIVE.read is not None
    settled = replace(LIVE, read=replace(LIVE.read, at=NOW))
    assert make(Said.ROLLED_BACK, settled)["data"]["exposure"] == exposure | {"complete": True}


def test_a_report_tells_the_final_harm_of_a_rollout_that_ended_earlier() -> None:
    told = EVENTS[Said.REPORTED]["data"]
    final = {"requests": 2408, "errors": 151, "seconds": 660, "peakWeight": 25, "complete": True}
    assert told["exposure"] == final
    assert told["rollout"]["phase"] == told["rollout"]["previousPhase"] == told["rollout"]["outcome"] == "rolled_back"
    assert told["next"] is None
    sentence = "REPORTED  shop/web 1.4.3 → ca-web. 151 of 2,408 requests failed in 11 min at up to 25 %."
    assert told["summary"] == sentence


def test_a_report_of_what_could_not_be_counted_claims_no_more_than_is_known() -> None:
    ended_before = replace(ended(Phase.ROLLED_BACK, Cause.CHECK_FAILED), finished_at=NOW - timedelta(minutes=2))
    told = make(Said.REPORTED, ended_before)["data"]
    assert told["exposure"]["complete"] is False
    assert told["summary"].endswith("At least 116 of 1,904 requests failed in 14 min at up to 25 %.")
    uncounted = make(Said.REPORTED, replace(ended_before, read=None))["data"]
    assert uncounted["summary"].endswith("What its users met could not be counted.")


def test_without_request_counts_the_harm_is_unknown_not_zero() -> None:
    exposure = make(Said.ROLLED_BACK, replace(LIVE, read=None))["data"]["exposure"]
    assert exposure == {"requests": None, "errors": None, "seconds": 960, "peakWeight": 25, "complete": False}


def test_a_number_json_cannot_write_is_null() -> None:
    strange = Measurement(check="errors", verdict=Verdict.PASSED, because="", value=float("nan"), limit=float("inf"))
    told = make(Said.STEPPED, replace(LIVE, measurements=(strange,)))["data"]["measurements"][0]
    assert told["value"] is None
    assert told["limit"] is None


def test_only_request_counts_have_a_span() -> None:
    spans = {m["check"]: m["from"] for m in EVENTS[Said.STEPPED]["data"]["measurements"]}
    assert spans == {"own state": None, PROBE.text: None, ERRORS.text: "2026-11-24T09:04:31Z"}


# ---- who gets it

EACH_ROLLOUT = {
    Said.PROMOTED,
    Said.ROLLED_BACK,
    Said.REJECTED,
    Said.EXPIRED,
    Said.FAILED,
    Said.ABORTED,
    Said.WOULD_HAVE,
}
PEOPLE = {Said.PAUSED, Said.APPROVAL_ASKED, Said.DRIFTED, Said.GATE_CLOSED}


@pytest.mark.parametrize("said", Said)
def test_a_channel_gets_what_needs_a_person_and_the_last_word_and_with_all_everything(said: Said) -> None:
    expected = ["team-shop", "audit"] if said in EACH_ROLLOUT | PEOPLE else ["audit"]
    assert wanted(said, ("team-shop", "audit all")) == expected


def test_none_is_nobody_and_a_channel_named_twice_gets_it_once() -> None:
    assert wanted(Said.PROMOTED, ("none",)) == []
    assert wanted(Said.PROMOTED, ()) == []
    assert wanted(Said.STEPPED, ("ops", "ops all", "ops all")) == ["ops"]


# ---- sizes


def test_a_megabyte_of_findings_is_cut_and_still_says_the_worst() -> None:
    def findings(answer: Answer, count: int) -> tuple[Finding, ...]:
        return tuple(Finding(gate=f"gate-{answer}-{i}", answer=answer, because="x" * 200) for i in range(count))

    tree = all_of(
        "policy", (*findings(Answer.OPEN, 3000), *findings(Answer.CLOSED, 1), *findings(Answer.WAITING, 2000))
    )
    made = make(Said.REJECTED, replace(WAITING, finding=tree))
    told = made["data"]["findings"]

    assert len(json.dumps(made)) <= MOST
    assert told[0]["answer"] == "closed"
    assert "gate-closed-0" in {finding["gate"] for finding in told}
    assert told[-1] == {"gate": "…", "answer": "waiting", "because": "… 4982 more"}


def test_a_deep_tree_is_walked_like_a_wide_one() -> None:
    tree = Finding(gate="leaf", answer=Answer.CLOSED, because="deep down")
    for depth in range(20_000):
        tree = Finding(gate=f"{depth}", answer=Answer.OPEN, because="", children=(tree,))
    told = make(Said.REJECTED, replace(WAITING, finding=tree))["data"]["findings"]
    assert any(finding["because"] == "deep down" for finding in told)


@pytest.mark.parametrize("letter", ["x", "→", "\N{RED APPLE}", '"', "\x00"])
@pytest.mark.parametrize("said", Said)
def test_no_event_is_larger_than_promised_even_escaped_at_the_greatest_cost(said: Said, letter: str) -> None:
    long = letter * 3000
    many = range(400)
    huge = replace(
        LIVE,
        image=Image(registry=long, repository=long, tag=long, digest=long),
        policy=f"{long}/{long}",
        policy_version=long,
        source_revision=long,
        source_url=long,
        canary=long,
        stable=Stable(revision=long, digest=long, tag=long),
        plan=replace(PLAN, runbook="https://" + long),
        finding=all_of(long, tuple(Finding(gate=long, answer=Answer.CLOSED, because=long, ask_at=NOW) for _ in many)),
        measurements=tuple(
            Measurement(check=long, verdict=Verdict.FAILED, because=long, value=1 / 3, limit=1 / 3, samples=10**12)
            for _ in many
        ),
        drift=Drift(since=NOW, because=long, weights={f"{i}{long}": 0 for i in many}),
    )
    weights = {f"{i}{long}": 0 for i in many} | {long: 100}
    made = event(
        Announce(
            said=said,
            transition=long,
            because=long,
            n=7,
            actor=Actor(kind=ActorKind.PERSON, id=long, name=long),
            comment=long,
        ),
        before=replace(BEFORE, key=long),
        after=replace(BEFORE, key=long, stable=Stable(revision=long)),
        rollout=huge,
        app_id=long,
        seen=replace(seen(weights), location=long, environment=long, fqdn=long),
        sequence=2**31,
        now=NOW,
        page=long,
    )
    assert len(json.dumps(made)) <= MOST


def test_weights_that_are_cut_still_sum_to_what_they_were() -> None:
    many = {f"ca-web--{i:02}": 4 for i in range(25)}
    told = make(Said.DRIFTED, weights=many)["data"]["traffic"]["after"]
    assert sum(share["weight"] for share in told) == 100
    assert told[-1]["revision"] == "… 14 more"


@given(st.text(), st.integers(min_value=20, max_value=80))
def test_a_clipped_text_costs_no_more_than_allowed_and_an_uncut_one_is_whole(text: str, most: int) -> None:
    cut = clip(text, most)
    assert cost(cut) <= most
    assert cut == text or cut.endswith("…")
    if cost(text) <= most:
        assert cut == text


@given(st.text(st.characters()), st.integers(min_value=20, max_value=80))
def test_plain_text_is_one_printable_line(text: str, most: int) -> None:
    line = plain(text, most)
    assert line.isprintable()
    assert cost(line) <= most


# ---- the reference


def paths(value: object, at: str = "") -> set[str]:
    if isinstance(value, dict):
        return {found for key, inner in value.items() for found in paths(inner, f"{at}.{key}" if at else key)}
    if isinstance(value, list):
        return {found for inner in value for found in paths(inner, f"{at}[]")} if value else set()
    return {at}


def documented() -> set[str]:
    """First cells of the reference's tables."""
    return set(re.findall(r"^\| `([^`]+)` \|", DOCS.read_text(encoding="utf-8"), re.MULTILINE))


def emitted() -> set[str]:
    """Every path of every event, its lists and sections too."""
    many = replace(WAITING, finding=all_of("policy", (GATES,) * 40))
    leaves = {path for made in (*EVENTS.values(), make(Said.WAITING, many)) for path in paths(made)}
    sections = {path.rpartition(".")[0].removesuffix("[]") for path in leaves}
    whole = ["rollout", "policy", "image", "app", "traffic", "exposure", "actor", "links"]
    always = {"", "data", *(f"data.{name}" for name in whole)}
    return {path.removesuffix("[]") for path in leaves} | (sections - always)


def test_the_reference_names_every_field_that_is_emitted_and_no_other() -> None:
    rows = documented() - {said.value for said in Said} - {"webhook-id", "webhook-timestamp", "webhook-signature"}
    assert rows == emitted()


def test_the_reference_names_every_type() -> None:
    assert {said.value for said in Said} <= documented()


def test_the_reference_tells_who_gets_what() -> None:
    section = DOCS.read_text(encoding="utf-8").partition("## Which channel gets what")[2].partition("## Types")[0]
    named = {name for name in re.findall(r"`(\w+)`", section) if name in set(Said)}
    assert named == {said.value for said in Said if wanted(said, ("team",))}
