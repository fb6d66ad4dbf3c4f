"""docs/cli.md and the pipelines in ci/ show commands as they are: each is taken by its parser, none is left out."""

from __future__ import annotations

import argparse
import importlib
import re
import shlex
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from cli.__main__ import COMMANDS
from cli.wait_fate import End
from rollouts.seen import Verb
from tests.source import text

ROOT = Path(__file__).parents[2]
PAGE = text("docs/cli.md")
PIPELINES = ("ci/github/action.yml", "ci/github/example.yml", "ci/azure-pipelines.yml")
OF_PIPELINES = [
    line for name in PIPELINES for line in re.findall(r"python3 -m cli (.+?)(?: [|&]+ .*)?$", text(name), re.MULTILINE)
]
OF_PAGE = re.findall(r"(?:^\$ |`)weighbridge ((?:[^`\n\\<|]|\\\n)+?)(?:`|$)", PAGE, re.MULTILINE)
TABLE = re.findall(r"^\| `([a-z-]+)` \|", PAGE.partition("\n## ")[0], re.MULTILINE)
ASKING = ("apps", "offer", "order", "replay", "rollouts", "switch", "wait", "why")


def parsed(line: str) -> argparse.Namespace:
    command, *words = shlex.split(line.split(" > ", maxsplit=1)[0])
    parser = argparse.ArgumentParser(exit_on_error=False)
    module: Any = importlib.import_module(f"cli.{command.replace('-', '_')}")
    module.arguments(parser)
    try:
        return parser.parse_args(words)
    except SystemExit as error:
        raise AssertionError(line) from error


def test_the_table_has_every_command_and_no_other() -> None:
    assert tuple(TABLE) == COMMANDS


@pytest.mark.parametrize(
    "line", [line for line in OF_PAGE if not line.startswith("COMMAND") and " --prune" not in line]
)
def test_a_command_of_the_page_is_taken(line: str) -> None:
    words = line.split()
    if len(words) > 1:
        assert parsed(line.replace("$DIGEST", f"sha256:{'a1' * 32}")) is not None
    assert words[0] in COMMANDS


def test_every_order_is_named() -> None:
    assert [verb for verb in Verb if f"`{verb}`" not in PAGE] == []


@pytest.mark.parametrize("name", PIPELINES)
def test_a_pipeline_is_yaml(name: str) -> None:
    assert yaml.safe_load((ROOT / name).read_text())


def test_the_pipelines_publish_a_scan_and_wait_by_commands_that_are_taken() -> None:
    said = [
        parsed(
            line.replace("$DIGEST", f"sha256:{'a1' * 32}")
            .replace("$REGISTRY", "contoso.azurecr.io")
            .replace("$REPOSITORY", "shop/web")
            .replace("$TIMEOUT", "2h")
        )
        for line in OF_PIPELINES
    ]
    assert len(said) == 4
    assert sum(hasattr(one, "report") for one in said) == 2


@pytest.mark.parametrize("name", ["ci/github/action.yml", "ci/azure-pipelines.yml"])
def test_a_pipeline_says_what_each_exit_means(name: str) -> None:
    told = {int(code) for code in re.findall(r"^ *(\d)\) ", text(name), re.MULTILINE)}
    assert told | {End.PROMOTED.value} == {end.value for end in End}


def test_the_page_says_what_each_exit_means() -> None:
    told = {int(code) for code in re.findall(r"^\| (\d) \|", PAGE, re.MULTILINE)}
    assert told == {end.value for end in End} | {2}


@pytest.mark.parametrize("command", ASKING)
def test_what_only_asks_an_installation_runs_with_nothing_installed(command: str) -> None:
    line = [sys.executable, "-S", "-m", "cli", command, "--help"]
    found = subprocess.run(line, cwd=ROOT, capture_output=True, text=True, timeout=60, check=False)
    assert (found.returncode, found.stderr) == (0, "")
