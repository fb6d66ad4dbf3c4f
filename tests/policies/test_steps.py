from __future__ import annotations

import pytest

from policies.errors import CellError
from policies.steps import MOST_STEPS, PRESETS, read_steps


def plan(text: str) -> list[str]:
    steps = read_steps(text).steps
    return [
        f"{step.weight}:approve:{step.approve_within}" if step.until_approved else f"{step.weight}:{step.bake}"
        for step in steps
    ]


@pytest.mark.parametrize(
    ("text", "steps"),
    [
        ("canary", "5:0:10:00 25:0:10:00 50:0:10:00 100:0:10:00"),
        ("Quick", "20:0:05:00 100:0:10:00"),
        ("careful", "1:0:15:00 5:0:30:00 25:0:30:00 50:1:00:00 100:1:00:00"),
        ("blue-green", "0:0:05:00 100:0:15:00"),
        ("all-at-once", "100:0:05:00"),
        ("linear 40% every 1m", "40:0:01:00 80:0:01:00 100:0:01:00"),
        ("linear 100% every 90s", "100:0:01:30"),
        ("5% for 4s, 100% for 1h30m", "5:0:00:04 100:1:30:00"),
        ("5%for 4 s,100% FOR 1h", "5:0:00:04 100:1:00:00"),
        ("50% until approved, 100% for 30m", "50:approve:None 100:0:30:00"),
        ("50% until approved within 12h, 100% for 30m", "50:approve:12:00:00 100:0:30:00"),
        ("replace", "100:0:10:00"),
        ("replace for 2m", "100:0:02:00"),
    ],
)
def test_a_spelling_becomes_weights_and_bakes(text: str, steps: str) -> None:
    assert plan(text) == steps.split(" ")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (
            "5,25,50",
            (
                'Steps: expected "N% for D", found "5,25,50"; did you mean '
                '"5% for 10m, 25% for 10m, 50% for 10m, 100% for 10m"?'
            ),
        ),
        ("5", 'Steps: expected "N% for D", found "5"; did you mean "5% for 10m, 100% for 10m"?'),
        (
            "5% for 10, 100% for 10m",
            'Steps: expected a time as in "10m", at most a year, found "10"; did you mean "5% for 10m, 100% for 10m"?',
        ),
        ("cannary", 'Steps: expected "N% for D", found "cannary"; did you mean "canary"?'),
        ("none", 'Steps: expected "N% for D", found "none"; did you mean "all-at-once"?'),
        ("5% for 10m", 'Steps: expected a last step of 100%, found 5%; did you mean "5% for 10m, 100% for 10m"?'),
        (
            "50% for 1m, 25% for 2m, 100% for 3m",
            (
                "Steps: expected weights that rise from step to step, found 50%, 25%, 100%; "
                'did you mean "25% for 2m, 50% for 1m, 100% for 3m"?'
            ),
        ),
        (
            "5% for 1m, 5% for 2m, 100% for 3m",
            (
                "Steps: expected weights that rise from step to step, found 5%, 5%, 100%; "
                'did you mean "5% for 1m, 100% for 3m"?'
            ),
        ),
        (
            "50% until approved for 24h, 100% for 30m",
            (
                'Steps: expected "N% for D", found "50% until approved for 24h"; '
                'did you mean "50% until approved within 24h, 100% for 30m"?'
            ),
        ),
        ("linear 1% every 5m", 'Steps: expected 3% to 100% a step, found 1%; did you mean "linear 3% every 5m"?'),
        ("120% for 5m", "Steps: expected weights from 0% to 100%, found 120%"),
        ("2.5% for 5m, 100% for 5m", 'Steps: expected "N% for D", found "2.5% for 5m"'),
        ("100% for 0m", 'Steps: expected a time as in "10m", at most a year, found "0m"'),
        (
            "5% for 1m; 100% for 1m",
            (
                'Steps: expected a time as in "10m", at most a year, found "1m; 100% for 1m"; '
                'did you mean "5% for 1m, 100% for 1m"?'
            ),
        ),
    ],
)
def test_a_mistake_is_named_and_the_corrected_cell_offered(text: str, said: str) -> None:
    with pytest.raises(CellError) as caught:
        read_steps(text)
    assert str(caught.value) == said


@pytest.mark.parametrize("text", ["5% for x, foo", "", ",", "100% for 400d", "5%-100%", "1" * 4000, "1," * 500])
def test_what_nobody_could_mean_is_refused_without_an_offer_that_is_wrong(text: str) -> None:
    with pytest.raises(CellError) as caught:
        read_steps(text)
    for problem in caught.value.problems:
        assert not problem.hint or read_steps(problem.hint).steps


def test_every_preset_is_a_list_the_grammar_reads() -> None:
    for preset in PRESETS:
        assert read_steps(preset).steps[-1].weight == 100


def test_a_plan_is_bounded() -> None:
    text = ", ".join(f"{weight}% for 1m" for weight in range(MOST_STEPS + 1))
    with pytest.raises(CellError, match=f"at most {MOST_STEPS} steps"):
        read_steps(text + ", 100% for 1m")
    assert len(read_steps("linear 3% every 1m").steps) <= MOST_STEPS
