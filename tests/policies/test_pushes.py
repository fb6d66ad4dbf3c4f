"""A push is told of by several events, late, twice and in any order: what is kept of them is always the same."""

from __future__ import annotations

import functools
import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import permutations
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from policies.approvers import pushers
from policies.errors import EvidenceError
from policies.gate import Asked
from policies.heard import Heard
from policies.pushes import (
    MOST_PLACES,
    MOST_PUSHERS,
    PushEvidence,
    join_pushes,
    plain_region,
    push_from_columns,
    push_to_columns,
)
from tests.policies.rows import DIGEST, IMAGE, NOON, OTHER_DIGEST, REGISTRY, facts, row

GOLDEN = Path(__file__).parents[1] / "golden" / "rows"
MINUTE = timedelta(minutes=1)


def told(minute: int, location: str = "westeurope", pushed_by: str = "", media_type: str = "m") -> PushEvidence:
    """One event, `minute` minutes after noon."""
    return PushEvidence(
        registry=REGISTRY,
        repository="shop/web",
        tag="1.4.3",
        digest=DIGEST,
        pushed_at=NOON + minute * MINUTE,
        media_type=media_type,
        location=location,
        pushed_by=pushed_by,
    )


def joined(*events: PushEvidence) -> PushEvidence:
    """As they are kept one after another, the first one with itself."""
    return functools.reduce(join_pushes, events, events[0])


def minutes(push: PushEvidence) -> float:
    return (push.pushed_at - NOON) / MINUTE


EVENTS = st.builds(
    told,
    st.integers(0, 6),
    st.sampled_from(["westeurope", "northeurope", "eastus", ""]),
    st.sampled_from(["", "ann", "bob"]),
    st.sampled_from(["m", ""]),
)


@given(st.lists(EVENTS, min_size=1, max_size=7), st.randoms(use_true_random=False), st.lists(st.integers(0, 6)))
def test_neither_order_nor_repetition_changes_what_is_known(events, random, again):
    shuffled = events + [events[i % len(events)] for i in again]
    random.shuffle(shuffled)
    assert joined(*shuffled) == joined(*events)


@given(st.lists(EVENTS, min_size=1, max_size=6), st.lists(EVENTS, min_size=1, max_size=6))
def test_two_halves_joined_are_the_whole(left, right):
    assert join_pushes(joined(*left), joined(*right)) == joined(*left, *right)


@given(st.lists(EVENTS, min_size=1, max_size=8))
def test_when_and_where_and_by_whom_are_those_of_the_events(events):
    """The oracle sees all events at once, as a list."""
    push = joined(*events)
    at = {place: sorted({e.pushed_at for e in events if e.location == place}) for place in {e.location for e in events}}
    repeated = [times[-1] for times in at.values() if len(times) > 1]
    assert push.pushed_at == (max(repeated) if repeated else min(e.pushed_at for e in events))
    assert push.first_at == min(e.pushed_at for e in events)
    assert set(push.spans) == {e.location for e in events}
    assert set(push.named) == {e.pushed_by for e in events} - {""}
    last = max(((e.pushed_at, e.pushed_by) for e in events if e.pushed_by), default=(NOON, ""))
    assert push.pushed_by == last[1]
    assert push.media_type == ("m" if any(e.media_type for e in events) else "")


@pytest.mark.parametrize(
    ("events", "minute", "why"),
    [
        ([told(0)], 0, "one event"),
        ([told(0), told(0)], 0, "Event Grid repeats itself"),
        ([told(0), told(9, "eastus")], 0, "a copy that arrives late is no new push"),
        ([told(0), told(0, ""), told(9, "eastus")], 0, "a webhook tells no new push either"),
        ([told(0), told(5)], 5, "the same region again: pushed again"),
        ([told(0), told(9, "eastus"), told(5)], 5, "pushed again before its first copy was told of"),
        ([told(0), told(9, "eastus"), told(20, "eastus")], 20, "pushed again by way of another region"),
        ([told(0), told(0, ""), told(5, "")], 5, "pushed again, told by a webhook alone"),
    ],
)
def test_a_push_is_told_from_a_copy_by_the_region_that_speaks_again(events, minute, why):
    assert {minutes(joined(*order)) for order in permutations(events)} == {minute}, why


def test_the_first_region_is_the_one_that_took_the_push():
    assert joined(told(9, "eastus"), told(0, "westeurope")).location == "westeurope"


def test_a_copy_without_a_name_does_not_take_the_pushers_name_away():
    push = joined(told(0, pushed_by="ann"), told(9, "eastus"))
    assert (push.pushed_by, set(push.named)) == ("ann", {"ann"})


def test_everybody_who_pushed_it_is_remembered_and_the_last_one_is_named():
    push = joined(told(5, pushed_by="bob"), told(0, pushed_by="ann"))
    assert (push.pushed_by, set(push.named)) == ("bob", {"ann", "bob"})


def test_none_of_those_who_pushed_it_may_approve_it():
    push = joined(told(0, pushed_by="Ann"), told(5, pushed_by="bob"))
    asked = Asked(policy=row(), image=IMAGE, facts=facts(pushes=(push,)), now=NOON)
    assert pushers(asked) == {"ann", "bob"}


def test_what_is_kept_is_bounded_and_keeps_the_latest():
    events = [told(n, f"region{n}", f"person{n}") for n in range(MOST_PLACES + 20)]
    push = joined(*events)
    assert (len(push.places), len(push.pushers)) == (MOST_PLACES, MOST_PUSHERS)
    assert push.pushed_by == f"person{MOST_PLACES + 19}"
    assert "region0" not in push.places
    full = [told(n, "r" * 60 + str(n), "ö" * 156 + str(n)) for n in range(MOST_PLACES)]
    columns = push_to_columns(joined(*full))
    assert max(len(str(value)) for value in columns.values()) < 32 * 1024  # what a text column of a table takes


@pytest.mark.parametrize(
    ("text", "region"),
    [
        ("westeurope", "westeurope"),
        ("West Europe", "westeurope"),
        ("East US 2", "eastus2"),
        ("", ""),
        ("\ud800/\\#?|~", ""),
        ("x" * 9000, "x" * 64),
    ],
)
def test_a_region_has_one_name(text, region):
    assert plain_region(text) == region


def test_events_in_a_file_are_joined_as_rows_would_keep_them():
    """So a copy that came last names no tag offline either: what was pushed to it last does."""
    other = replace(told(5), digest=OTHER_DIGEST)
    copy = told(9, "eastus")
    heard = Heard()
    for push in (told(0), other, copy):
        heard.hear(push)
    assert heard.pushes(IMAGE) == (joined(told(0), copy),)
    assert heard.tag_now(IMAGE) == OTHER_DIGEST


# ---- rows


@given(st.lists(EVENTS, min_size=1, max_size=5))
def test_what_is_known_survives_its_row(events):
    push = joined(*events)
    assert push_from_columns("row", push_to_columns(push)) == push
    assert joined(push_from_columns("row", push_to_columns(push)), *events) == push


def test_a_row_from_before_regions_were_kept_still_loads():
    push = push_from_columns("row", json.loads((GOLDEN / "push-v1.json").read_text()))
    assert push == PushEvidence(
        registry="contoso.azurecr.io",
        repository="shop/web",
        tag="1.4.3",
        digest="sha256:" + "a" * 64,
        pushed_at=datetime(2026, 11, 24, 12, 0, tzinfo=UTC),
        media_type="application/vnd.oci.image.manifest.v1+json",
        location="westeurope",
    )
    assert set(push.spans) == {"westeurope"}
    assert joined(push, told(9, "eastus")).pushed_at == push.pushed_at


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("places", "[]"),
        ("places", "null"),
        ("places", '{"westeurope": ["2026-11-24T12:00:00+00:00"]}'),
        ("places", '{"westeurope": ["2026-11-24T12:00:00", "2026-11-24T12:00:00"]}'),
        ("places", '{"westeurope": [1, 2]}'),
        ("places", '{"westeurope": {}}'),
        ("places", "{"),
        ("places", 7),
        ("pushers", '{"ann": ["x"]}'),
        ("pushers", '{"ann": "2026-11-24T12:00:00+00:00"}'),
    ],
)
def test_a_row_that_does_not_fit_is_an_error(column, value):
    with pytest.raises(EvidenceError, match=f"row: {column}: expected"):
        push_from_columns("row", {**push_to_columns(told(0)), column: value})
