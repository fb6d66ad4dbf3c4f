"""What these tests share: one Azurite, where they need one, and a Functions app that is indexed in this process."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from localcloud.host.indexing import load
from localcloud.host.worker import Function
from tests.localcloud.hosts import write_app
from tests.storage import azurite

__all__ = ["azurite"]


@pytest.fixture
def indexed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], list[Function]]:
    """Index a program; the functions that were found."""
    monkeypatch.setattr(sys, "path", [*sys.path])
    monkeypatch.setitem(sys.modules, "function_app", None)
    monkeypatch.delitem(sys.modules, "function_app")
    monkeypatch.setenv("FOLDER", str(tmp_path))
    return lambda program: load(write_app(tmp_path / "app", program))
