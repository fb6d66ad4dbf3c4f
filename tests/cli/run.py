"""Runs a command as a person meets it: files and standard input in, what was printed and an exit code out."""

from __future__ import annotations

import io
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING

from cli.__main__ import main

if TYPE_CHECKING:
    import pytest


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """How a run ended and what it printed."""

    code: int
    out: str
    err: str


def run(capsys: pytest.CaptureFixture[str], *arguments: object) -> Answer:
    code = main([str(one) for one in arguments])
    said = capsys.readouterr()
    return Answer(code=code, out=said.out, err=said.err)


def feed(monkeypatch: pytest.MonkeyPatch, raw: bytes) -> None:
    """What the next run reads from standard input."""
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(raw)))
