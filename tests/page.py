"""A page whose commands are run as they stand: blocks of shell, and beside each what it is to print."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING

from localcloud.client import environment
from tests.source import ROOT

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

_BLOCK = re.compile(r"^```sh\n(?P<commands>.*?)^```\n(?:```text\n(?P<printed>.*?)^```\n)?", re.MULTILINE | re.DOTALL)
_ROWS = re.compile(r"^```yaml\n(.*?)^```\n", re.MULTILINE | re.DOTALL)
_SECONDS = 150


@dataclass(frozen=True, kw_only=True)
class Block:
    """printed: the lines to come in this order, `…` for anything; None asks for nothing."""

    commands: str
    printed: str | None

    def missing(self, output: str) -> list[str]:
        """Lines that are not in the output, after those before them."""
        rest, missing = output.splitlines(), []
        for line in (self.printed or "").splitlines():
            pattern = ".*".join(re.escape(part) for part in line.split("…"))
            at = next((n for n, found in enumerate(rest) if re.fullmatch(pattern, found)), None)
            if at is None:
                missing.append(line)
            else:
                rest = rest[at + 1 :]
        return missing


def blocks(page: str) -> list[Block]:
    """Every block of shell, in the order of the page."""
    return [Block(commands=found["commands"], printed=found["printed"]) for found in _BLOCK.finditer(page)]


def rows(page: str) -> list[str]:
    """Every block of policy rows."""
    return _ROWS.findall(page)


class Shell:
    """Runs blocks one after another, each with the variables that those before it set. folder: its own."""

    def __init__(self, folder: Path, at: Mapping[str, str], programs: Mapping[str, str]) -> None:
        """programs: name -> the command line it stands for; at: the endpoints of a local cloud."""
        self._folder = folder
        self._variables = folder / "variables"
        self._variables.touch()
        place = folder / "bin"
        place.mkdir()
        python = {"python": sys.executable, "weighbridge": f"{sys.executable} -m cli"}
        for name, line in {**python, **programs}.items():
            (place / name).write_text(f'#!/bin/sh\nexec {line} "$@"\n')
            (place / name).chmod(0o755)
        self._environ = {
            **environment(at),
            "PATH": f"{place}{os.pathsep}{os.environ['PATH']}",
            "PYTHONPATH": str(ROOT),
            "HOME": str(folder),
        }

    def run(self, block: Block) -> str:
        """What it prints. Fails the test that asks, with everything it said, unless it exits 0."""
        script = (
            f"set -euo pipefail\n. {self._variables}\nset -a\n{block.commands}\nset +a\nexport -p >{self._variables}\n"
        )
        done = subprocess.run(
            ["bash", "-c", script],
            cwd=self._folder,
            env=self._environ,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=_SECONDS,
            check=False,
        )
        assert done.returncode == 0, f"{block.commands}\n{done.stdout}\n{done.stderr}"
        return done.stdout
