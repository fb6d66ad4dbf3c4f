"""An image waits for its copy in the app's region, not for long, and never where no copy can be expected."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from policies.evaluate import evaluate
from policies.gate import Asked
from policies.pushes import join_pushes
from policies.region import region
from rollouts.findings import Answer, Finding
from rollouts.seen import Unknown
from tests.policies.rows import IMAGE, NOON, facts, row

AWAY = Unknown(because="table names answers 503")
RUNS = {"app": "contoso.azurecr.io/shop/web:1.4.2"}
HERE, THERE = "westeurope", "eastus"
PUSH = replace(facts().pushes[0], location=THERE)
COPY = replace(PUSH, location=HERE, pushed_at=NOON + timedelta(minutes=4))
LATE = NOON + timedelta(minutes=15)


def asked(minutes: int = 0, /, **changes: object) -> Finding:
    known = {"images": RUNS, "location": HERE, "regions": frozenset({HERE, THERE}), "pushes": (PUSH,), **changes}
    return region(Asked(policy=row(), image=IMAGE, facts=facts(**known), now=NOON + timedelta(minutes=minutes)))


@pytest.mark.parametrize(
    ("changes", "answer", "because"),
    [
        ({"pushes": (COPY,)}, Answer.OPEN, "the image is in westeurope"),
        ({"pushes": (join_pushes(PUSH, COPY),)}, Answer.OPEN, "the image is in westeurope"),
        ({"pushes": (PUSH, replace(COPY, tag="stable"))}, Answer.OPEN, "the image is in westeurope"),
        (
            {},
            Answer.WAITING,
            "not heard of in westeurope yet; waits until 12:15 UTC, then starts all the same",
        ),
        ({"pushes": ()}, Answer.WAITING, "not heard of in westeurope yet"),
        ({"pushes": (replace(PUSH, location=""),)}, Answer.WAITING, "not heard of in westeurope yet"),
        ({"pushes": (replace(COPY, repository="shop/api"),)}, Answer.WAITING, "not heard of in westeurope yet"),
        (
            {"regions": frozenset({THERE})},
            Answer.OPEN,
            "contoso.azurecr.io is not known to have a replica in westeurope",
        ),
        ({"regions": frozenset()}, Answer.OPEN, "contoso.azurecr.io is not known to have a replica in westeurope"),
        ({"regions": frozenset({HERE})}, Answer.OPEN, "contoso.azurecr.io is known in westeurope alone"),
        ({"location": ""}, Answer.OPEN, "the app does not tell its region"),
        ({"regions": AWAY}, Answer.WAITING, "cannot tell: table names answers 503"),
        ({"regions": AWAY, "pushes": (COPY,)}, Answer.OPEN, "the image is in westeurope"),
        ({"images": AWAY, "location": ""}, Answer.WAITING, "cannot tell: table names answers 503"),
    ],
)
def test_what_is_known_decides(changes: dict[str, object], answer: Answer, because: str) -> None:
    found = asked(**changes)
    assert found.gate == "region"
    assert found.answer is answer
    assert found.because.startswith(because)
    assert (found.ask_at is None) is (answer is Answer.OPEN)


def test_it_waits_a_quarter_of_an_hour_and_says_that_it_could_not_be_seen() -> None:
    assert asked(14).answer is Answer.WAITING
    assert asked(14).ask_at == LATE
    late = asked(15)
    assert (late.answer, late.ask_at) == (Answer.OPEN, None)
    assert late.because == "not heard of in westeurope within 15 m; the pull will tell"


PLACES = st.frozensets(st.sampled_from([HERE, THERE, "northeurope", ""]))


@given(PLACES, PLACES, st.integers(0, 40))
def test_it_waits_only_where_a_copy_can_come_and_never_past_a_quarter_of_an_hour(heard, regions, minutes) -> None:
    pushes = tuple(replace(PUSH, location=place, tag=f"t{place}") for place in heard)
    found = asked(minutes, pushes=pushes, regions=regions)
    must_wait = HERE in regions and regions - {HERE} and HERE not in heard and minutes < 15
    assert (found.answer is Answer.WAITING) is bool(must_wait)


def test_it_is_asked_where_the_app_was_looked_at() -> None:
    known = facts(images=RUNS, location=HERE, regions=frozenset({HERE, THERE}), pushes=(PUSH,))
    whole = evaluate(row(), IMAGE, known, NOON)
    assert (whole.answer, whole.ask_at) == (Answer.WAITING, LATE)
    assert whole.because.startswith("region: not heard of in westeurope yet")
    unseen = evaluate(row(), IMAGE, replace(known, images=None), NOON)
    assert "region" not in {finding.gate for finding in unseen.walk()}
