"""docs/scans.md: every command of ours in it runs, its example is a report, and its cells are good cells."""

from __future__ import annotations

import io
import json
import re
import shlex
from typing import TYPE_CHECKING

import pytest

from cli.__main__ import main
from policies.scan_cell import read_scan_rule
from policies.scans.event import TYPE
from tests.policies.scans.reports import DEFENDER, DIGEST, GRYPE, HARBOR, INDEX, TRIVY, data_of, fixables, totals
from tests.source import text

if TYPE_CHECKING:
    from pathlib import Path

PAGE = text("docs/scans.md")
COMMANDS = re.findall(r"^ *(weighbridge .+?)'?$", PAGE, re.MULTILINE)
(COUNTS,) = re.findall(r"^```json\n(.+?)^```$", PAGE, re.MULTILINE | re.DOTALL)
FILES = {
    "trivy.json": TRIVY,
    "grype.json": {**GRYPE, "source": {"type": "image", "target": {"architecture": "amd64", "os": "linux"}}},
    "rows.json": DEFENDER,
    "harbor.json": HARBOR,
    "counts.json": json.loads(COUNTS),
}
SHELL = {
    '"$DIGEST"': DIGEST,
    '"$INDEX"': INDEX,
    '"$(cat /workspace/digest)"': DIGEST,
    '"$TOPIC"': "https://scans.westeurope-1.eventgrid.azure.net/api/events",
    "$Registry": "contoso.azurecr.io",
    "$ID": "ca7",
}


def test_the_page_shows_every_way_in() -> None:
    assert len(COMMANDS) == 9
    assert {word for command in COMMANDS for word in FILES if word in command} == set(FILES)


@pytest.mark.parametrize("command", COMMANDS)
def test_a_command_of_the_page_makes_the_event(
    command: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for written, meant in SHELL.items():
        command = command.replace(written, meant)
    assert "$" not in command
    _, *words = shlex.split(command)
    name = words[1].rpartition("/")[2]
    if name == "-":
        monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(json.dumps(TRIVY).encode())))
    else:
        words[1] = str(tmp_path / name)
        (tmp_path / name).write_text(json.dumps(FILES[name]))
    assert main([*words, *(["--dry-run"] if "--dry-run" not in words else [])]) == 0
    assert json.loads(capsys.readouterr().out)["type"] == TYPE


def test_the_example_of_another_scanner_is_a_report() -> None:
    data = data_of(json.loads(COUNTS))
    assert (totals(data), fixables(data), data["findingsTruncated"]) == ({"high": 1}, {"high": 1}, False)


@pytest.mark.parametrize("part", re.findall(r"`([^`|]+)`", PAGE.split("## The cell")[1].split("No scan,")[0]))
def test_every_part_of_the_cell_is_read(part: str) -> None:
    cell = part.replace(" N", " 5")
    alone = cell.split()[0] in {"critical", "high", "medium", "low"}
    assert read_scan_rule(cell if alone else f"critical 0, {cell}")
