"""What rows would have done: stories with every edge, and properties judged by what was told alone."""

from __future__ import annotations

import itertools
from collections import defaultdict
from dataclasses import replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from policies.compare import compare
from policies.evidence import ScanEvidence
from policies.happenings import Happening, Trust, What
from policies.history import Entry, Verdict, moment_of
from policies.model import Policy
from policies.pushes import PushEvidence
from policies.simulate import LONGEST, MOST_ASKS, simulate
from policies.simulated_text import by_row, changes
from rollouts.model import Phase
from tests.policies.rows import NOON, REGISTRY, row, scan

if TYPE_CHECKING:
    from policies.happenings import Simulated

QUICK = {"Steps": "50% for 10m, 100% for 10m"}


def digest(n: int) -> str:
    return f"sha256:{n:064x}"


def at(minutes: float) -> datetime:
    return NOON + timedelta(minutes=minutes)


def push(minutes: float, tag: str, n: int, repository: str = "shop/web") -> PushEvidence:
    return PushEvidence(registry=REGISTRY, repository=repository, tag=tag, digest=digest(n), pushed_at=at(minutes))


def scanned(minutes: float, n: int, critical: int = 0) -> ScanEvidence:
    counts = replace(scan().counts, critical=critical)  # type: ignore[type-var]  # the clean scan has counts
    return scan(digest=digest(n), completed_at=at(minutes), counts=counts)


def ended(minutes: float, n: int, outcome: Phase, policy: str = "production", tag: str = "") -> Verdict:
    return Verdict(
        at=at(minutes),
        registry=REGISTRY,
        repository="shop/web",
        tag=tag,
        digest=digest(n),
        policy=policy,
        outcome=outcome,
        because="errors 6.1 %",
    )


def told(simulated: Simulated, policy: str = "") -> list[tuple[float, str, str]]:
    """(minutes after noon, tag, what) of every edge."""
    return [
        ((one.at - NOON).total_seconds() / 60, one.image.tag, one.what.value)
        for one in simulated.happenings
        if one.policy.endswith(policy)
    ]


def because(simulated: Simulated, what: What) -> list[str]:
    return [one.because for one in simulated.happenings if one.what is what]


def test_an_image_ships_takes_its_bakes_and_is_promoted():
    found = simulate([row(QUICK)], [push(0, "1.4.3", 1)])
    assert told(found) == [(0, "1.4.3", "taken"), (0, "1.4.3", "ships"), (20, "1.4.3", "promoted")]
    assert found.notes == ()


def test_what_a_row_does_not_select_is_left_out_once_with_the_reason():
    found = simulate([row({"Tags": "semver: <1"})], [push(0, "1.4.3", 1), push(5, "1.4.3", 1), push(6, "", 2)])
    assert told(found) == [(0, "1.4.3", "left out"), (6, "", "left out")]
    assert because(found, What.LEFT_OUT) == ["outside <1", "pushed without a tag"]


def test_a_row_that_is_off_takes_nothing():
    found = simulate([row({"Mode": "off"})], [push(0, "1.4.3", 1)])
    assert because(found, What.LEFT_OUT) == ["its Mode is off"]


def test_a_scan_that_comes_opens_and_one_that_never_comes_is_what_the_row_says():
    cells = {**QUICK, "Scan": "critical 0, within 1h else reject"}
    found = simulate([row(cells)], [push(0, "1.4.3", 1), scanned(30, 1), push(60, "1.4.4", 2)])
    assert told(found) == [
        (0, "1.4.3", "taken"),
        (0, "1.4.3", "waits"),
        (30, "1.4.3", "ships"),
        (50, "1.4.3", "promoted"),
        (60, "1.4.4", "taken"),
        (60, "1.4.4", "waits"),
        (120, "1.4.4", "refused"),
    ]


def test_a_scan_before_the_push_counts_and_a_bad_one_refuses():
    cells = {**QUICK, "Scan": "critical 0"}
    found = simulate(
        [row(cells)], [scanned(-5, 1), push(0, "1.4.3", 1), scanned(-4, 2, critical=1), push(1, "1.5.0", 2)]
    )
    assert told(found)[:3] == [(0, "1.4.3", "taken"), (0, "1.4.3", "ships"), (1, "1.5.0", "taken")]
    assert because(found, What.REFUSED) == ["scan: trivy at 11:56 UTC: 1 critical, allowed 0"]


def test_a_newer_image_supersedes_until_the_old_one_has_everything():
    early = simulate([row(QUICK)], [push(0, "1.4.3", 1), push(9, "1.4.4", 2)])
    assert told(early)[2:] == [
        (9, "1.4.4", "taken"),
        (9, "1.4.3", "superseded"),
        (9, "1.4.4", "ships"),
        (29, "1.4.4", "promoted"),
    ]
    late = simulate([row(QUICK)], [push(0, "1.4.3", 1), push(10, "1.4.4", 2)])
    assert told(late)[2:] == [
        (10, "1.4.4", "taken"),
        (10, "1.4.4", "waits"),
        (20, "1.4.3", "promoted"),
        (20, "1.4.4", "ships"),
        (40, "1.4.4", "promoted"),
    ]


def test_a_row_that_finishes_lets_nothing_supersede():
    found = simulate([row({**QUICK, "OnNewImage": "finish"})], [push(0, "1.4.3", 1), push(1, "1.4.4", 2)])
    assert (20, "1.4.3", "promoted") in told(found)
    assert because(found, What.WAITS) == ["shop/web 1.4.3 has the app until 2026-11-24 12:20 UTC"]


def test_who_starts_ends_the_lesser_ones_that_wait():
    cells = {**QUICK, "MinAge": "1h"}
    found = simulate([row(cells)], [push(0, "1.4.3", 1), push(0, "1.4.4", 2)])
    assert told(found)[4:] == [
        (60, "1.4.4", "ships"),
        (60, "1.4.3", "superseded"),
        (80, "1.4.4", "promoted"),
    ]


def test_no_downgrade_after_a_promotion_also_of_one_the_history_only_tells_of():
    found = simulate([row(QUICK)], [push(0, "1.5.0", 1), push(30, "1.4.9", 2)])
    assert because(found, What.REFUSED) == ["upgrade: a downgrade: 1.5.0 is running and newer than 1.4.9"]
    found = simulate([row(QUICK)], [ended(-60, 9, Phase.PROMOTED, tag="1.6.0"), push(0, "1.5.0", 1)])
    assert because(found, What.REFUSED) == ["upgrade: a downgrade: 1.6.0 is running and newer than 1.5.0"]


@pytest.mark.parametrize(
    ("outcome", "what", "again"),
    [
        (Phase.ROLLED_BACK, "rolled back", "refused"),
        (Phase.ABORTED, "aborted", "refused"),
        (Phase.FAILED, "failed", "ships"),
    ],
)
def test_a_recorded_end_is_kept_to_and_only_a_verdict_quarantines(outcome, what, again):
    found = simulate([row(QUICK)], [push(0, "1.4.3", 1), ended(7, 1, outcome), push(30, "1.4.3", 1)])
    assert told(found)[1:][:2] == [(0, "1.4.3", "ships"), (7, "1.4.3", what)]
    assert told(found)[4][2] == again


def test_a_bad_end_that_was_recorded_at_another_time_comes_when_the_bakes_are_served():
    found = simulate([row({**QUICK, "MinAge": "1h"})], [push(0, "1.4.3", 1), ended(7, 1, Phase.ROLLED_BACK)])
    assert told(found)[2:] == [(60, "1.4.3", "ships"), (80, "1.4.3", "rolled back")]


def test_a_bad_end_that_was_recorded_later_than_the_bakes_comes_with_their_end():
    found = simulate([row(QUICK)], [push(0, "1.4.3", 1), ended(45, 1, Phase.ROLLED_BACK)])
    assert told(found)[2:] == [(20, "1.4.3", "rolled back")]


def test_what_ends_in_an_instant_ends_before_what_comes_in_it():
    found = simulate([row(QUICK)], [push(0, "1.4.3", 1), push(20, "1.4.4", 2)])
    assert [what for minute, _, what in told(found) if minute == 20] == ["promoted", "taken", "ships"]


def test_no_more_than_the_service_keeps_wait_for_an_app():
    found = simulate([row({"Scan": "critical 0"})], [push(n, f"1.{n}.0", n) for n in range(12)])
    assert [one.image.tag for one in found.happenings if one.what is What.SUPERSEDED] == ["1.0.0", "1.1.0"]


def test_an_undo_takes_a_promotion_back_and_what_comes_after_it_too():
    rows = [row(QUICK), row({"App": "rg/ca-prod", "After": "production for 1h", **QUICK}, key="last")]
    history: list[Entry] = [push(0, "1.4.3", 1), ended(20, 1, Phase.PROMOTED), ended(40, 1, Phase.ROLLED_BACK)]
    found = simulate(rows, history)
    assert told(found, "/production")[2:] == [(20, "1.4.3", "promoted"), (40, "1.4.3", "rolled back")]
    assert [what for _, _, what in told(found, "/last")] == ["taken", "waits", "waits", "waits"]
    without = simulate(rows, history[:2])
    assert told(without, "/last")[-2:] == [(80, "1.4.3", "ships"), (100, "1.4.3", "promoted")]


def test_an_undone_image_is_held_and_no_second_push_of_it_ships():
    undone: list[Entry] = [push(0, "1.4.3", 1), ended(20, 1, Phase.PROMOTED), ended(40, 1, Phase.ROLLED_BACK)]
    found = simulate([row(QUICK)], [*undone, push(60, "1.4.4", 1)])
    assert told(found)[-2:] == [(60, "1.4.4", "taken"), (60, "1.4.4", "refused")]
    assert "in quarantine: rolled back at 2026-11-24 12:40 UTC" in because(found, What.REFUSED)[-1]


def test_a_verdict_on_a_promoted_image_that_is_still_baking_here_ends_it():
    history: list[Entry] = [push(0, "1.4.3", 1), ended(5, 1, Phase.PROMOTED), ended(15, 1, Phase.ROLLED_BACK)]
    assert told(simulate([row(QUICK)], history))[2:] == [(15, "1.4.3", "rolled back")]


def test_a_window_opens_by_the_clock():
    found = simulate([row({**QUICK, "Window": "Mon-Fri 14:00-17:00 UTC"})], [push(0, "1.4.3", 1)])
    assert told(found)[2] == (120, "1.4.3", "ships")


def test_people_are_taken_to_agree_and_that_is_said():
    found = simulate([row({**QUICK, "Approvers": "2 of shop-leads within 1h"})], [push(0, "1.4.3", 1)])
    assert (0, "1.4.3", "ships") in told(found)
    assert found.notes == ("people are taken to approve as soon as they are asked",)


def test_signatures_are_taken_to_be_good_and_that_is_said():
    found = simulate([row({**QUICK, "Signed": "notation: release-key"})], [push(0, "1.4.3", 1)])
    assert (0, "1.4.3", "ships") in told(found)
    assert found.notes == ("images are taken to be signed by all whom their rows name",)


def test_a_moved_tag_refuses_what_it_no_longer_names():
    cells = {**QUICK, "Tags": "exact: latest", "MinAge": "1h"}
    found = simulate([row(cells)], [push(0, "latest", 1), push(30, "latest", 2)])
    assert because(found, What.REFUSED) == [f"tag: latest names {digest(2)[:19]}… now"]
    assert told(found)[-2:] == [(90, "latest", "ships"), (110, "latest", "promoted")]


def test_a_tag_that_moves_back_to_what_runs_refuses_the_one_between():
    cells = {**QUICK, "Tags": "exact: latest", "MinAge": "1h"}
    history = [push(0, "latest", 1), push(90, "latest", 2), push(100, "latest", 1)]
    found = simulate([row(cells)], history)
    assert told(found)[-2:] == [(100, "latest", "runs already"), (100, "latest", "refused")]


def test_a_rehearsal_ends_nothing_that_is_real():
    rows = [row({**QUICK, "Mode": "observe"}), row({**QUICK, "Scan": "critical 0"}, key="live")]
    found = simulate(rows, [push(0, "1.4.3", 1), push(1, "1.5.0", 2)])
    assert [what for _, _, what in told(found, "/live")] == ["taken", "waits", "taken", "waits"]


def test_rows_that_observe_say_they_would_and_hold_nothing():
    rows = [row({**QUICK, "Mode": "observe"}), row(QUICK, key="live")]
    found = simulate(rows, [push(0, "1.4.3", 1)])
    assert [what for _, _, what in told(found, "/production")] == ["taken", "would ship"]
    assert [what for _, _, what in told(found, "/live")] == ["taken", "ships", "promoted"]


def test_an_image_of_two_rows_for_one_container_is_refused_by_both():
    found = simulate([row(QUICK), row(QUICK, key="twin")], [push(0, "1.4.3", 1)])
    assert sorted(what for _, _, what in told(found)) == ["refused", "refused", "taken", "taken"]


def test_what_runs_is_nothing_to_do():
    found = simulate([row(QUICK)], [push(0, "1.4.3", 1), push(60, "1.4.4", 1)])
    assert told(found)[-1] == (60, "1.4.4", "runs already")


def test_an_image_is_not_asked_for_without_end():
    cells = {"Freeze": "2026-01-01..2030-01-01"}
    found = simulate([row(cells)], [push(0, "1.4.3", 1)])
    assert told(found)[-1][2] == "waits"
    assert found.notes == (Trust.CUT,)
    assert (str(MOST_ASKS) in Trust.CUT, str(LONGEST.days) in Trust.CUT) == (True, True)


def test_the_text_is_in_columns_with_the_end_of_each_row():
    rows = [row(QUICK), row({"Repository": "*", "App": "rg/ca-x"}, partition=f"{REGISTRY}|*", key="all")]
    text = by_row(simulate(rows, [push(0, "1.4.3", 1)]), [*(one.key for one in rows), "x|y/none"])
    assert text.splitlines() == [
        "contoso.azurecr.io|shop|web/production",
        "  2026-11-24 12:00 UTC  1.4.3  taken     1.4.3 is taken by semver",
        "  2026-11-24 12:00 UTC  1.4.3  ships     every gate is open; takes until 2026-11-24 12:20 UTC",
        "  2026-11-24 12:20 UTC  1.4.3  promoted  every bake is served",
        "  in the end: 1 promoted",
        "",
        "contoso.azurecr.io|*/all",
        "  2026-11-24 12:00 UTC  shop/web 1.4.3  taken     1.4.3 is taken by semver",
        "  2026-11-24 12:00 UTC  shop/web 1.4.3  ships     every gate is open; takes until 2026-11-24 12:40 UTC",
        "  2026-11-24 12:40 UTC  shop/web 1.4.3  promoted  every bake is served",
        "  in the end: 1 promoted",
        "",
        "x|y/none",
        "  nothing in this history is about it",
    ]


HISTORY: list[Entry] = [push(0, "1.4.3", 1), scanned(5, 1), push(60, "1.5.0", 2), scanned(90, 2, critical=1)]


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        ({}, {"Tags": "semver: <1.5"}, ["1.5.0: no longer ships"]),
        ({"Tags": "semver: <1.5"}, {}, ["1.5.0: ships now"]),
        ({}, {"MinAge": "1h"}, ["1.4.3: ships 1 h later", "1.5.0: ships 1 h later"]),
        ({"MinAge": "1h"}, {}, ["1.4.3: ships 1 h earlier", "1.5.0: ships 1 h earlier"]),
        ({}, {"Scan": "critical 0"}, ["1.4.3: ships 5 m later", "1.5.0: no longer ships"]),
        ({}, {"Steps": "100% for 25m"}, ["1.4.3: promoted 5 m later", "1.5.0: promoted 5 m later"]),
        ({"Tags": "semver: <1"}, {"Tags": "semver: <1.1"}, ["1.4.3: for another reason", "1.5.0: for another reason"]),
        (
            {"Tags": "semver: <1"},
            {"Scan": "critical 0", "MinAge": "365d"},
            ["1.4.3: waits; before: left out", "1.5.0: refused; before: left out"],
        ),
        ({}, {"Keep": "2h", "Note": "same"}, []),
    ],
)
def test_an_edit_is_told_image_by_image(before, after, expected):
    found = compare(simulate([row({**QUICK, **before})], HISTORY), simulate([row({**QUICK, **after})], HISTORY))
    assert [f"{change.image.tag}: {change.what}" for change in found] == expected


def test_a_row_that_is_gone_or_new_is_said_to_be():
    one, two = simulate([row(QUICK)], HISTORY), simulate([row(QUICK, key="renamed")], HISTORY)
    text = changes(compare(one, two))
    assert text.splitlines()[:4] == [
        "contoso.azurecr.io|shop|web/production",
        "  1.4.3 (sha256:000000000000…): no longer ships",
        "    before  ships 2026-11-24 12:00 UTC, promoted 2026-11-24 12:20 UTC: every bake is served",
        "    after   there is no such row",
    ]
    assert text.endswith("\n\n4 images fare otherwise")
    other = simulate([row({"Tags": "semver: <1"})], HISTORY)
    assert compare(other, simulate([], HISTORY)) == ()
    assert changes(compare(one, one)) == "no image fares otherwise"


# ---- properties

_MINUTES = st.integers(0, 300)
_NUMBERS = st.integers(1, 6)
_ENTRIES = st.one_of(
    st.builds(lambda minutes, n: push(minutes, f"1.{n}.0", n), _MINUTES, _NUMBERS),
    st.builds(lambda minutes, n, bad: scanned(minutes, n, critical=bad), _MINUTES, _NUMBERS, st.integers(0, 1)),
    st.builds(
        ended,
        _MINUTES,
        _NUMBERS,
        st.sampled_from([Phase.PROMOTED, Phase.ROLLED_BACK, Phase.ABORTED, Phase.FAILED]),
        st.sampled_from(["production", "staging"]),
    ),
)
_CELLS = st.fixed_dictionaries(
    {"Steps": st.sampled_from(["50% for 10m, 100% for 10m", "100% for 1m", "canary"])},
    optional={
        "Scan": st.sampled_from(["critical 0", "critical 0, within 30m else reject"]),
        "MinAge": st.sampled_from(["10m", "2h"]),
        "Window": st.just("Mon-Fri 13:00-14:00 UTC"),
        "OnNewImage": st.just("finish"),
        "Tags": st.sampled_from(["semver: <1.4", "newest"]),
    },
)
_ROWS = st.builds(
    lambda production, staging, after: [
        row({**production, **({"After": "staging"} if after else {})}),
        row({"App": "rg-stg/ca-web", **staging}, key="staging"),
    ],
    _CELLS,
    _CELLS,
    st.booleans(),
)
_OVER = frozenset({What.PROMOTED, What.ROLLED_BACK, What.FAILED, What.ABORTED, What.SUPERSEDED})


def spans(happenings: tuple[Happening, ...], policy: str) -> list[tuple[datetime, datetime, str]]:
    """When each rollout of a row began and ended, and which image it was."""
    begun: dict[str, datetime] = {}
    found: list[tuple[datetime, datetime, str]] = []
    for one in happenings:
        if one.policy == policy and one.what is What.SHIPS:
            begun[one.image.digest] = one.at
        elif one.policy == policy and one.what in _OVER and one.image.digest in begun:
            found.append((begun.pop(one.image.digest), one.at, one.image.digest))
    assert not begun
    return found


@given(_ROWS, st.lists(_ENTRIES, max_size=25))
def test_one_rollout_has_an_app_at_a_time_and_every_one_ends(rows: list[Policy], history: list[Entry]):
    happenings = simulate(rows, history).happenings
    assert [one.at for one in happenings] == sorted(one.at for one in happenings)
    for policy in rows:
        found = spans(happenings, policy.key)
        assert all(earlier[1] <= later[0] for earlier, later in itertools.pairwise(found))


@given(_ROWS, st.lists(_ENTRIES, max_size=25))
def test_nothing_ships_that_the_row_must_not_let_out(rows: list[Policy], history: list[Entry]):
    """By what was told alone: an unscanned or badly scanned image, one too young, or one not promoted before."""
    happenings = simulate(rows, history).happenings
    first: dict[str, datetime] = {}
    for push_ in (entry for entry in history if isinstance(entry, PushEvidence)):
        first[push_.digest] = min(push_.pushed_at, first.get(push_.digest, push_.pushed_at))
    scans = defaultdict(list)
    for entry in history:
        if isinstance(entry, ScanEvidence):
            scans[entry.digest].append(entry)
    for one in happenings:
        if one.what is not What.SHIPS:
            continue
        policy = next(row for row in rows if row.key == one.policy)
        words = {type(gate).__name__ for gate in policy.gates}
        seen = [s for s in scans[one.image.digest] if s.completed_at <= one.at]
        assert "ScanRule" not in words or seen
        if "MinAgeRule" in words:
            assert one.at - first[one.image.digest] >= timedelta(minutes=10)
        if "AfterRule" in words:
            there = [h for h in happenings if h.policy.endswith("/staging") and h.what is What.PROMOTED]
            promoted = {h.image.digest for h in there if h.at <= one.at}
            recorded = {v.digest for v in history if isinstance(v, Verdict) and v.policy == "staging"}
            assert one.image.digest in promoted | recorded


@given(_ROWS, st.lists(_ENTRIES, max_size=15), st.randoms(use_true_random=False))
def test_repeated_and_shuffled_pushes_and_scans_change_nothing(rows, history, random):
    if len({moment_of(entry) for entry in history}) != len(history):
        return  # in one instant the order of the file counts
    again = [*history, *(entry for entry in history if isinstance(entry, ScanEvidence))]
    random.shuffle(again)
    assert simulate(rows, again) == simulate(rows, history)


@given(_ROWS, st.lists(_ENTRIES, max_size=25))
def test_the_same_rows_fare_the_same(rows, history):
    assert compare(simulate(rows, history), simulate(list(reversed(rows)), history)) == ()
