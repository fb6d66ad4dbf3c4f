"""The traffic array: what is read from it, and what is written in its place."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rollouts import traffic
from rollouts.model import Stable
from rollouts.seen import AppSeen, RevisionSeen, TrafficEntry
from tests.rollouts.world import START


def entry(weight: int, revision: str = "", label: str = "") -> TrafficEntry:
    """An entry; without a revision it follows the latest."""
    return TrafficEntry(weight=weight, revision=revision, latest=not revision, label=label)


def app(
    *entries: TrafficEntry,
    active: tuple[str, ...] = ("a", "b"),
    inactive: tuple[str, ...] = (),
    latest_ready: str = "a",
    ingress: bool = True,
) -> AppSeen:
    revisions = tuple(RevisionSeen(name=name, active=name in active, images={}) for name in (*active, *inactive))
    return AppSeen(
        at=START,
        multiple=True,
        provisioning="Succeeded",
        traffic=entries,
        revisions=revisions,
        latest_ready=latest_ready,
        ingress=ingress,
        images={},
    )


@pytest.mark.parametrize(
    ("entries", "expected"),
    [
        pytest.param((entry(100),), {"a": 100}, id="latest means the latest ready revision"),
        pytest.param((entry(60, "a"), entry(40)), {"a": 100}, id="two entries of one revision are summed"),
        pytest.param((entry(30, "a"), entry(30, "a", "x"), entry(40, "b")), {"a": 60, "b": 40}, id="labels too"),
        pytest.param((entry(100, "a"), entry(0, "b", "blue")), {"a": 100}, id="no weight is no entry"),
        pytest.param((entry(100, "A"),), {"a": 100}, id="names are compared without case"),
        pytest.param((entry(100, "gone"),), {"gone": 100}, id="a revision that is gone keeps its name"),
        pytest.param((), {}, id="nothing"),
    ],
)
def test_weights_are_summed_per_revision(entries: tuple[TrafficEntry, ...], expected: dict[str, int]) -> None:
    assert traffic.weights(app(*entries)) == expected


def test_latest_of_an_app_that_was_never_ready_has_no_name() -> None:
    assert traffic.weights(app(entry(100), latest_ready="")) == {"": 100}


def test_what_was_asked_for_keeps_latest_by_that_name_and_sums_the_rest() -> None:
    assert traffic.asked(app(entry(50), entry(30, "b"), entry(20, "b"), entry(0, "a"))) == {"latest": 50, "b": 50}


def test_traffic_is_pinned_when_no_entry_follows_the_latest() -> None:
    assert traffic.pinned(app(entry(100, "a")))
    assert not traffic.pinned(app(entry(100, "a"), entry(0)))


@pytest.mark.parametrize(
    ("entries", "expected"),
    [
        pytest.param((entry(100),), [entry(90, "a"), entry(10, "b")], id="latest is replaced by names"),
        pytest.param(
            (entry(100, label="live"),),
            [entry(90, "a", "live"), entry(10, "b")],
            id="the label of a latest entry stays",
        ),
        pytest.param(
            (entry(100, "a", "x"), entry(0, "a", "y")),
            [entry(90, "a", "x"), entry(0, "a", "y"), entry(10, "b")],
            id="two labels on one revision need two entries",
        ),
        pytest.param(
            (entry(100, "a"), entry(0, "c", "old")),
            [entry(90, "a"), entry(10, "b"), entry(0, "c", "old")],
            id="a label on a revision without weight stays",
        ),
        pytest.param(
            (entry(100, "a"), entry(0, "off", "kept")),
            [entry(90, "a"), entry(10, "b"), entry(0, "off", "kept")],
            id="even on an inactive one",
        ),
        pytest.param(
            (entry(100, "a"), entry(0, "gone", "x"), entry(0, "gone")),
            [entry(90, "a"), entry(10, "b")],
            id="entries of revisions that are gone are left out",
        ),
        pytest.param((entry(50, "a"), entry(50, "c")), [entry(90, "a"), entry(10, "b")], id="others lose their weight"),
        pytest.param((entry(100, "B", "x"),), [entry(90, "a"), entry(10, "b", "x")], id="labels follow without case"),
    ],
)
def test_the_array_is_the_level_and_everybodys_labels(
    entries: tuple[TrafficEntry, ...], expected: list[TrafficEntry]
) -> None:
    seen = app(*entries, active=("a", "b", "c"), inactive=("off",))

    assert list(traffic.array(seen, {"a": 90, "b": 10})) == expected


NAMES = st.sampled_from(("a", "b", "c", "off", "gone", ""))
ENTRIES = st.lists(
    st.builds(entry, st.integers(0, 100), NAMES, st.sampled_from(("", "x", "y", "z"))),
    max_size=6,
    unique_by=lambda e: e.label or object(),
)


@given(ENTRIES, st.integers(0, 100), st.sampled_from(("a", "")))
def test_any_array_sums_to_100_is_explicit_and_loses_no_label(
    entries: list[TrafficEntry], weight: int, latest_ready: str
) -> None:
    seen = app(*entries, active=("a", "b", "c"), inactive=("off",), latest_ready=latest_ready)
    level = {"a": 100 - weight, "b": weight}
    written = traffic.array(seen, level)

    assert sum(e.weight for e in written) == 100
    assert not any(e.latest for e in written)
    assert all(seen.revision(e.revision) for e in written)
    names = {(e.label, latest_ready if e.latest else e.revision) for e in entries if e.label}
    assert {(e.label, e.revision) for e in written if e.label} == {n for n in names if seen.revision(n[1])}
    there = AppSeen(
        at=START, multiple=True, provisioning="", traffic=written, revisions=seen.revisions, latest_ready="a", images={}
    )
    assert traffic.weights(there) == {name: share for name, share in level.items() if share}
    assert traffic.array(there, level) == written  # writing it again changes nothing


@pytest.mark.parametrize(
    ("level", "expected"),
    [
        pytest.param({"a": 90, "b": 10}, "", id="may be written"),
        pytest.param({"a": 90, "b": 9}, "the weights a 90 / b 9 do not sum to 100", id="99"),
        pytest.param({}, "the weights  do not sum to 100", id="nothing"),
        pytest.param({"a": 90, "gone": 10}, "revision gone is gone", id="a revision that is gone"),
        pytest.param({"a": 90, "off": 10}, "revision off is not active", id="an inactive revision"),
    ],
)
def test_weight_is_refused_to_what_cannot_carry_it(level: dict[str, int], expected: str) -> None:
    assert traffic.refusal(app(inactive=("off",)), level) == expected


@pytest.mark.parametrize(
    ("seen", "expected"),
    [
        pytest.param(app(entry(100, "b")), Stable(revision="b"), id="the one with everything"),
        pytest.param(app(entry(100)), Stable(revision="a"), id="latest is the latest ready"),
        pytest.param(app(entry(60, "b"), entry(40, "b", "x")), Stable(revision="b"), id="summed"),
        pytest.param(app(entry(100), latest_ready=""), None, id="there never was a ready revision"),
        pytest.param(app(ingress=False), Stable(revision="a"), id="without ingress, the latest ready"),
    ],
)
def test_stable_is_the_one_revision_that_carries_the_traffic(seen: AppSeen, expected: Stable | None) -> None:
    assert traffic.stable(seen) == expected


@pytest.mark.parametrize(
    ("seen", "because"),
    [
        pytest.param(
            app(entry(90, "a"), entry(10, "b")), "traffic is split a 90 / b 10 by someone else", id="two have weight"
        ),
        pytest.param(app(), "traffic is split over nothing by someone else", id="nobody has"),
        pytest.param(app(entry(50, "a")), "traffic is split a 50 by someone else", id="not all of it"),
        pytest.param(app(entry(100, "gone")), "the traffic goes to gone, which is gone", id="a dead entry"),
    ],
)
def test_there_is_no_stable_while_the_traffic_is_split(seen: AppSeen, because: str) -> None:
    assert traffic.stable(seen) == traffic.Split(because=because)


def test_weights_are_spelt_greatest_first() -> None:
    assert traffic.spell({"b": 10, "a": 90}) == "a 90 / b 10"
