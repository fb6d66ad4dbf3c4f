"""`weighbridge simulate`: a history of files through rows of files, and what an edit of them changes."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from tests.cli.run import Answer, run

ROOT = Path(__file__).parents[2]
WEB = "contoso.azurecr.io|shop|web"
D = [f"sha256:{n:064x}" for n in range(10)]


def row(name: str = "production", **cells: str) -> dict[str, str]:
    return {"PartitionKey": WEB, "RowKey": name, "App": "rg-shop/ca-web", **cells}


def push(time: str, tag: str, n: int) -> dict[str, Any]:
    return {"time": f"2026-11-24T{time}:00Z", "push": {"image": f"contoso.azurecr.io/shop/web:{tag}@{D[n]}"}}


HISTORY = [push("09:00", "1.4.3", 1), push("10:00", "2.0.0", 2)]
BEFORE, AFTER = [row(Tags="semver: <2")], [row(Tags="semver: <3", MinAge="30m")]


@pytest.fixture
def simulate(tmp_path, capsys):
    def ask(rows: Any, history: Any, *more: str, against: Any = None) -> Answer:
        for name, content in (("rows", rows), ("history", history), ("edited", against)):
            (tmp_path / f"{name}.json").write_text(json.dumps(content), encoding="utf-8")
        edited = ["--against", tmp_path / "edited.json"] if against is not None else []
        files = ["--rows", tmp_path / "rows.json", "--history", tmp_path / "history.json", *edited]
        return run(capsys, "simulate", *files, *more)

    return ask


def test_every_row_with_what_it_would_have_done(simulate):
    answer = simulate([*BEFORE, row("bad", Steps="5,25")], HISTORY)
    assert (answer.code, answer.out) == (
        0,
        (
            f"{WEB}/production\n"
            "  2026-11-24 09:00 UTC  1.4.3  taken     1.4.3 is taken by semver: <2\n"
            "  2026-11-24 09:00 UTC  1.4.3  ships     every gate is open; takes until 2026-11-24 09:40 UTC\n"
            "  2026-11-24 09:40 UTC  1.4.3  promoted  every bake is served\n"
            "  2026-11-24 10:00 UTC  2.0.0  left out  outside <2\n"
            "  in the end: 1 promoted, 1 left out\n"
        ),
    )
    assert answer.err.startswith(f'{WEB}/bad: Steps: expected "N% for D"')
    assert answer.err.endswith("; nothing ships from this row\n")


def test_what_an_edit_changes(simulate):
    answer = simulate(BEFORE, HISTORY, against=AFTER)
    assert (answer.code, answer.err) == (1, "")
    assert answer.out == (
        f"{WEB}/production\n"
        "  1.4.3 (sha256:000000000000…): ships 30 m later\n"
        "    before  ships 2026-11-24 09:00 UTC, promoted 2026-11-24 09:40 UTC: every bake is served\n"
        "    after   ships 2026-11-24 09:30 UTC, promoted 2026-11-24 10:10 UTC: every bake is served\n"
        "  2.0.0 (sha256:000000000000…): ships now\n"
        "    before  left out 2026-11-24 10:00 UTC: outside <2\n"
        "    after   ships 2026-11-24 10:30 UTC, promoted 2026-11-24 11:10 UTC: every bake is served\n"
        "\n"
        "2 images fare otherwise\n"
    )


def test_an_edit_that_changes_nothing(simulate):
    answer = simulate(BEFORE, HISTORY, against=[row(Tags="semver: <2", Note="the same")])
    assert answer == Answer(code=0, out="no image fares otherwise\n", err="")


def test_an_edit_that_breaks_a_row_ships_nothing_from_it(simulate):
    answer = simulate(BEFORE, HISTORY, against=[row(Tags="semver: <2", Steps="5,25,50")])
    assert answer.code == 1
    assert "1.4.3 (sha256:000000000000…): no longer ships" in answer.out
    assert "Steps: expected" in answer.err


def test_programs_read_the_same_as_json(simulate):
    found = json.loads(simulate(BEFORE, HISTORY, "--json").out)
    assert [(one["image"]["tag"], one["what"]) for one in found["happenings"]] == [
        ("1.4.3", "taken"),
        ("1.4.3", "ships"),
        ("1.4.3", "promoted"),
        ("2.0.0", "left out"),
    ]
    answer = simulate(BEFORE, HISTORY, "--json", against=AFTER)
    changes = json.loads(answer.out)["changes"]
    assert (answer.code, [one["what"] for one in changes]) == (1, ["ships 30 m later", "ships now"])
    assert changes[1]["before"]["ships_at"] is None
    assert changes[1]["after"]["ships_at"] == "2026-11-24T10:30:00+00:00"


def test_no_rows_and_no_events_are_no_crash(simulate):
    assert simulate([], []) == Answer(code=0, out="no row ships anything\n", err="")
    assert simulate(BEFORE, []).out == f"{WEB}/production\n  nothing in this history is about it\n"


@pytest.mark.parametrize(
    ("rows", "history", "said"),
    [
        ([1], HISTORY, "rows.json: entity 1: expected columns"),
        (BEFORE, [{"time": "x"}], "history.json: event 1: expected an event, or"),
        (
            BEFORE,
            [{**HISTORY[0], "time": "9999-12-31T00:00:00Z"}],
            "a time of the years 2000 to 2999, found 9999",
        ),
    ],
)
def test_a_file_that_cannot_be_read_is_said(simulate, rows, history, said):
    answer = simulate(rows, history)
    assert (answer.code, answer.out) == (2, "")
    assert said in answer.err


def test_every_example_of_the_page_is_read(tmp_path, capsys):
    """docs/simulate.md: its history is a history, and its rows are rows."""
    page = (ROOT / "docs" / "simulate.md").read_text(encoding="utf-8")
    blocks = dict(re.findall(r"```(\w+)\n(.*?)```", page, re.DOTALL))
    (tmp_path / "history.jsonl").write_text(blocks["json"], encoding="utf-8")
    (tmp_path / "rows.yaml").write_text(blocks["yaml"], encoding="utf-8")
    answer = run(capsys, "simulate", "--rows", tmp_path / "rows.yaml", "--history", tmp_path / "history.jsonl")
    assert (answer.code, answer.err) == (0, "")
    assert answer.out == blocks["text"]
