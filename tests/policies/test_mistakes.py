"""The mistakes that people make in a row, one test each, and what guards them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pytest

from policies import lint
from tests.policies.rows import WEB, problems, row

REFERENCE = (Path(__file__).parent.parent.parent / "docs" / "policies.md").read_text()


def test_a_slash_in_a_key_is_named_and_the_reference_says_how_storage_puts_it() -> None:
    """Storage itself refuses it with an obscure text (Azure/azure-storage-net#386, azure-cosmos-table-dotnet#64)."""
    (said,) = problems({}, partition="contoso.azurecr.io/shop/web")
    assert said == (
        'PartitionKey: expected "|" wherever a repository has "/", for a key may not hold one, '
        'found "contoso.azurecr.io/shop/web"; did you mean "contoso.azurecr.io|shop|web"?'
    )
    assert "Bad Request - Error in query syntax" in REFERENCE


def test_the_reference_quotes_every_pair_that_a_shell_would_take_apart() -> None:
    line = next(line for line in REFERENCE.splitlines() if "entity insert" in line)
    pairs = line.partition("--entity ")[2].rstrip("`.")
    assert "'PartitionKey=contoso.azurecr.io|shop|web'" in pairs
    assert "'Tags=semver: >=1.4'" in pairs


@pytest.mark.parametrize(
    ("cells", "said"),
    [
        ({"MinAge": 30}, 'MinAge: expected text as in "24h", found the number 30; did you mean "30m"?'),
        ({"Keep": 2}, 'Keep: expected text as in "1h", found the number 2; did you mean "2m"?'),
        (
            {"Tags": 1.10},
            'Tags: expected text as in "semver: >=1.4 <2", found the number 1.1; did you mean "exact: 1.1"?',
        ),
        (
            {"Window": 9},
            'Window: expected text as in "Mon-Thu 09:00-16:00 Europe/London", found the number 9',
        ),
        (
            {"Freeze": 20261220},
            (
                'Freeze: expected text as in "2026-12-20..2027-01-03", found the number 20261220; '
                'did you mean "2026-12-20"?'
            ),
        ),
    ],
)
def test_a_number_where_text_belongs_is_said_to_be_one(cells: dict[str, object], said: str) -> None:
    """The az tool turns cells that look like numbers into numbers, and 1.10 into 1.1."""
    assert problems(cells) == [said]


@pytest.mark.parametrize(("column", "meant"), [("Step", "Steps"), ("Check", "Checks"), ("Windows", "Window")])
def test_a_column_that_does_not_exist_is_named_with_the_nearest(column: str, meant: str) -> None:
    expected = f'{column}: expected a column of the reference, found "{column}"; did you mean "{meant}"?'
    assert problems({column: "none"}) == [expected]


def test_columns_have_no_case_but_only_one_spelling_at_a_time() -> None:
    assert row({"steps": "quick"}) == row({"STEPS": "quick"})
    assert problems({"Steps": "quick", "steps": "quick"}) == [
        'Steps: expected one column of this name, found "Steps" and "steps"'
    ]


@pytest.mark.parametrize("blank", ["", "   ", None])
def test_an_empty_cell_is_no_cell_and_none_switches_off(blank: object) -> None:
    shared = {"Window": "daily 09:00-17:00 UTC", "Freeze": "2026-12-20"}
    inherits = row({"Window": blank, "Freeze": blank}, defaults=shared)
    off = row({"Window": "none", "Freeze": "none"}, defaults=shared)
    assert [gate.text for gate in inherits.gates] == list(shared.values())
    assert off.gates == ()


@pytest.mark.parametrize(
    ("pasted", "meant"),
    [
        ({"Checks": "errors ≤ 1 %"}, {"Checks": "errors <= 1%"}),
        ({"Steps": "5 % for\u00a010m, 100 % for 10m"}, {"Steps": "5% for 10m, 100% for 10m"}),
        ({"Window": "Mon–Fri\u00a009:00–17:00 UTC"}, {"Window": "Mon-Fri 09:00-17:00 UTC"}),
        ({"Freeze": "2026‑12‑20\u00a0"}, {"Freeze": "2026-12-20"}),
    ],
)
def test_what_a_document_leaves_in_a_pasted_cell_is_no_mistake(
    pasted: dict[str, object], meant: dict[str, object]
) -> None:
    assert row(pasted) == row(meant)


@pytest.mark.parametrize(
    ("cells", "said"),
    [
        (
            {"Steps": "5,25,50"},
            [
                (
                    'Steps: expected "N% for D", found "5,25,50"; did you mean '
                    '"5% for 10m, 25% for 10m, 50% for 10m, 100% for 10m"?'
                )
            ],
        ),
        (
            {"Window": "Mon-Fri 9-17"},
            [
                'Window: expected hours as in "09:00-17:00", found "9-17"',
                'Window: expected a zone as in "Mon-Fri 09:00-17:00 Europe/London", found none',
            ],
        ),
        (
            {"Freeze": "20/12/2026"},
            [
                (
                    'Freeze: expected days as in "2026-12-20" or "2026-12-20..2027-01-03", found "20/12/2026"; '
                    'did you mean "2026-12-20"?'
                )
            ],
        ),
    ],
)
def test_a_near_miss_is_refused_with_the_corrected_cell(cells: dict[str, object], said: list[str]) -> None:
    assert problems(cells) == said


def test_a_near_miss_of_scan_is_refused_with_the_corrected_cell() -> None:
    (said,) = problems({"Scan": "critical=0"})
    assert said.endswith('found "critical=0"; did you mean "critical 0"?')


@pytest.mark.parametrize(
    ("steps", "expected", "found"),
    [
        ("5% for 10m, 50% for 10m", "a last step of 100%", "5%, 50%"),
        ("5% for 10m, 50% for 10m, 25% for 10m, 100% for 10m", "weights that rise from step to step", ""),
        ("5% for 10m, 5% for 10m, 100% for 10m", "weights that rise from step to step", ""),
        ("5% for 10m, 150% for 10m", "weights from 0% to 100%", ""),
    ],
)
def test_steps_that_end_below_100_fall_or_repeat_are_refused(steps: str, expected: str, found: str) -> None:
    (said,) = problems({"Steps": steps})
    assert said.startswith(f"Steps: expected {expected}, found {found}")


def test_a_window_without_a_zone_is_never_silently_utc() -> None:
    assert problems({"Window": "Mon-Fri 09:00-17:00"}) == [
        'Window: expected a zone as in "Mon-Fri 09:00-17:00 Europe/London", found none'
    ]


# ---- columns that contradict one another: at the edit, not at the push


def test_a_deadline_shorter_than_the_bakes_is_refused() -> None:
    assert problems({"Deadline": "10m"}) == [
        'Deadline: expected at least the bakes of Steps, found 10m for bakes of 40m; did you mean "2h"?'
    ]


def test_a_window_shorter_than_the_bakes_is_refused() -> None:
    assert problems({"Window": "daily 09:00-09:30 UTC"}) == [
        "Window: expected one stretch as long as the bakes of Steps, found at most 30m for bakes of 40m"
    ]


ASKING = "5% for 10m, 50% until approved, 100% for 10m"


@pytest.mark.parametrize("approvers", ["", "none"])
def test_steps_that_wait_for_people_whom_nobody_names_are_refused(approvers: str) -> None:
    assert problems({"Steps": ASKING, "Approvers": approvers}) == [
        (
            'Approvers: expected who approves, as in "1 of shop-leads within 24h", for Steps waits for people at 50 %, '
            "found none"
        )
    ]
    assert problems({"Steps": ASKING, "Approvers": "1 of shop-leads"}) == []
    assert problems({"Steps": ASKING}, defaults={"Approvers": "1 of shop-leads"}) == []
    assert [line.partition(",")[0] for line in problems({"Steps": ASKING, "Approvers": "somebody, please"})] == [
        'Approvers: expected "N of GROUP" or "N of GROUP within D"'
    ]


def test_errors_of_an_app_that_gets_no_requests_are_refused() -> None:
    """Whether an app has ingress the row tells by `replace` alone; another app is told when it is seen."""
    (said,) = problems({"Steps": "replace", "Checks": "restarts == 0; errors <= 1%"})
    assert said == (
        'Checks: expected no check of requests with Steps "replace", which is for apps without ingress, '
        'found "errors <= 1%"'
    )


@dataclass(frozen=True)
class Written:
    key: str
    after: str = ""
    partition: str = WEB

    @property
    def columns(self) -> dict[str, object]:
        return {"App": f"rg-shop/ca-{self.key}", "After": self.after}


def beside(*rows: Written) -> list[str]:
    return [str(problem) for one in lint.lint(rows) if one.error for problem in one.error.problems]


def test_after_a_policy_that_does_not_exist_is_refused() -> None:
    assert beside(Written("staging"), Written("production", "stagging for 2h")) == [
        'After: expected policies of shop/web: staging, found "stagging"; did you mean "staging for 2h"?'
    ]


def test_after_that_goes_round_is_refused() -> None:
    expected = "After: expected policies that can be promoted before this one, found"
    assert beside(Written("staging", "production"), Written("production", "staging")) == [
        f"{expected} staging → production → staging",
        f"{expected} production → staging → production",
    ]
