"""docs/policies.md names what the parser knows: no more, no less, and its examples parse."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from policies.cells import EXAMPLES
from policies.choose import choose, running
from policies.errors import PolicyError
from policies.metric_check import STRIKES
from policies.parse import parse
from policies.tag_cell import read_tags
from policies.tag_kinds import Order
from policies.tags import Pushed
from rollouts.gauges import usual_minimum

REFERENCE = (Path(__file__).parent.parent.parent / "docs" / "policies.md").read_text()
TABLE = REFERENCE.split("## Columns")[1].split("\n## ")[0]
TAGS = re.findall(
    r"^\| `(.+?)` \| (`.+?`) \| (`.+?`) \| `(.+?)` \|$",
    REFERENCE.split("\n## Tags\n")[1].split("\n## ")[0],
    re.MULTILINE,
)
ROWS = dict(re.findall(r"^\| `(\w+)` \| (.*) \|$", TABLE, re.MULTILINE))


def test_every_column_has_its_line_and_no_other():
    assert list(ROWS) == [name for name in EXAMPLES if name not in ("Note", "Runbook", "Status")] + [
        "Runbook",
        "Note",
        "Status",
    ]


def examples() -> list[tuple[str, str]]:
    found = []
    for column in (
        "Tags",
        "Steps",
        "OnNoData",
        "OnFailure",
        "OnNewImage",
        "OnDrift",
        "Mode",
        "Keep",
        "Scan",
        "Signed",
        "Notify",
        "MinAge",
        "Approvers",
        "Window",
        "Freeze",
        "After",
    ):
        cell = re.sub(r"\(.*?\)", "", ROWS[column].split(" | ", 1)[1]).split("then `from")[0].split("or `else")[0]
        cell = cell.split("; then `within")[0]
        # What follows explains the cell and is no example.
        cell = re.split(": names of rows|: asked at|: this digest", cell)[0]
        found += [(column, text.replace("\\|", "|")) for text in re.findall(r"`([^`]+)`", cell)]
    return found


@pytest.mark.parametrize(("column", "text"), examples())
def test_every_example_of_the_reference_parses(column: str, text: str):
    text = "regex: v[0-9]+" if text == "regex: R" else text
    cells = {"App": "rg-shop/ca-web", "Approvers": "1 of shop-leads", column: text}
    try:
        parse("contoso.azurecr.io|shop|web", "production", cells, None)
    except PolicyError as error:
        pytest.fail(str(error))


def check_examples() -> list[str]:
    options = ("min", "strikes", "warn")
    named = re.findall(r"`([^`]+)`", ROWS["Checks"])
    return [text for text in named if text != ";" and text.split()[0] not in options]


@pytest.mark.parametrize("text", check_examples())
def test_every_check_of_the_reference_parses(text: str):
    parse("contoso.azurecr.io|shop|web", "production", {"App": "rg-shop/ca-web", "Checks": text}, None)


def test_the_reference_tells_the_usual_least_samples_and_strikes():
    section = " ".join(REFERENCE.split("\n## Metrics")[1].split("\n## ")[0].split())
    p50, p95, p99 = (usual_minimum(percentile) for percentile in (50, 95, 99))
    assert f"{p50} requests for p50, {p95} for p95, {p99} for p99" in section
    assert f"`strikes` ({STRIKES} readings in a row" in section


@pytest.mark.parametrize(("cell", "taken", "left", "chosen"), TAGS, ids=[cell.replace("\\", "~") for cell, *_ in TAGS])
def test_every_line_on_tags_says_what_the_cell_does(cell: str, taken: str, left: str, chosen: str):
    rule = read_tags(cell.replace("\\|", "|"))
    takes, leaves = (re.findall(r"`([^`]+)`", tags) for tags in (taken, left))
    images = [Pushed(tag=tag, digest="") for tag in leaves + takes]
    choice = choose(rule, images)
    assert [one.image.tag for one in choice.refused] == leaves
    assert choice.chosen is not None
    assert choice.chosen.tag == chosen


def test_every_kind_of_tags_has_its_line_and_its_words():
    section = REFERENCE.split("\n## Tags\n")[1].split("\n## ")[0]
    assert {read_tags(cell.replace("\\|", "|")).order for cell, *_ in TAGS} == set(Order)
    assert set(re.findall(r"\*\*(\w+)\*\*", section)) == {str(order) for order in Order} | {"glob", "from", "except"}
    listed, rule, current, answer = re.findall(
        r"printf '(.+?)' \| weighbridge choose --tags '(.+?)' --current (\S+)\n    (\S+)", section
    )[0]
    tags = [Pushed(tag=tag, digest="") for tag in listed.split(r"\n") if tag]
    choice = choose(read_tags(rule), tags, running(read_tags(rule), tags, current))
    assert choice.chosen is not None
    assert choice.chosen.tag == answer
