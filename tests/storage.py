"""A real storage emulator for the tests that want one: import `azurite` into a conftest."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from localcloud import azurite as emulator

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parents[1]


@pytest.fixture(scope="session")
def azurite() -> Iterator[emulator.Azurite]:
    """Installed but broken is a failure; only not installed is a skip, and it says so."""
    if not emulator.installed(ROOT):
        pytest.skip("Azurite is not installed under .work: run `make setup`")
    with emulator.running(ROOT) as storage:
        yield storage
