from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from policies.gate import Asked
from policies.min_age import MinAgeRule, read_min_age
from policies.pushes import PushEvidence, join_pushes
from rollouts.findings import Answer, Finding
from tests.policies.rows import DIGEST, IMAGE, NOON, OTHER_DIGEST, REGISTRY, facts, problems, row

HOUR = timedelta(hours=1)


def push(hours_ago: float, **changes: object) -> PushEvidence:
    at = NOON - hours_ago * HOUR
    good = PushEvidence(registry=REGISTRY, repository="shop/web", tag="1.4.3", digest=DIGEST, pushed_at=at)
    return replace(good, **changes)  # type: ignore[arg-type]  # each test names real fields


def ask(*pushes: PushEvidence, text: str = "24h") -> Finding:
    rule = read_min_age(text)
    assert rule is not None
    return rule.ask(Asked(policy=row(), image=IMAGE, facts=facts(pushes=pushes), now=NOON))


def test_a_young_image_waits_until_it_is_old_enough() -> None:
    said = ask(push(3))
    assert (said.answer, said.ask_at) == (Answer.WAITING, NOON + 21 * HOUR)
    assert said.because == "pushed 09:00 UTC, must be 24 h old; opens Wed 09:00 UTC"


@pytest.mark.parametrize(("hours", "answer"), [(23.999, Answer.WAITING), (24, Answer.OPEN), (24.001, Answer.OPEN)])
def test_it_opens_at_that_age_and_not_before(hours: float, answer: Answer) -> None:
    assert ask(push(hours)).answer is answer


def test_the_answer_when_it_is_old_enough() -> None:
    assert ask(push(24)).because == "pushed Mon 12:00 UTC, at least 24 h ago"


def test_the_age_is_that_of_the_bytes_whatever_tag_came_later() -> None:
    assert ask(push(1), push(30, tag="main-17"), push(2, tag="")).answer is Answer.OPEN


def test_a_push_of_the_same_image_under_the_same_tag_makes_it_no_younger() -> None:
    assert ask(join_pushes(push(30, location="westeurope"), push(1, location="westeurope"))).answer is Answer.OPEN


@pytest.mark.parametrize(
    "pushes",
    [(), (push(99, repository="dev/web"),), (push(99, digest=OTHER_DIGEST),)],
    ids=["no push", "another repository", "another image"],
)
def test_no_push_of_it_is_no_age(pushes: tuple[PushEvidence, ...]) -> None:
    said = ask(*pushes)
    assert (said.answer, said.ask_at) == (Answer.WAITING, None)
    assert said.because == "cannot tell: no push of it to shop/web is recorded"


def test_a_push_that_is_dated_in_the_future_is_no_older_than_now() -> None:
    assert ask(push(-1)).ask_at == NOON + 24 * HOUR
    assert ask(push(0, pushed_at=datetime.max.replace(tzinfo=UTC))).ask_at == NOON + 24 * HOUR
    assert ask(push(0, pushed_at=datetime.min.replace(tzinfo=UTC))).answer is Answer.OPEN


def test_a_rollout_that_runs_is_not_asked_again() -> None:
    assert not MinAgeRule.lasting


EXPECTED = 'MinAge: expected a time as in "1h30m", at most a year, found '


@pytest.mark.parametrize(
    ("cell", "said"),
    [
        ("30", f'{EXPECTED}"30"; did you mean "30m"?'),
        ("2 days", f'{EXPECTED}"2 days"; did you mean "48h"?'),
        ("0h", f'{EXPECTED}"0h"'),
        ("a day", f'{EXPECTED}"a day"'),
        (30, 'MinAge: expected text as in "24h", found the number 30; did you mean "30m"?'),
    ],
)
def test_a_mistake_is_said(cell: object, said: str) -> None:
    assert problems({"MinAge": cell}) == [said]


@pytest.mark.parametrize(("text", "least"), [("24h", 24 * HOUR), ("2d", 48 * HOUR), ("1h30m", 1.5 * HOUR)])
def test_an_age_is_read(text: str, least: timedelta) -> None:
    assert read_min_age(text) == MinAgeRule(text=text, least=least)
    assert read_min_age("none") is None
