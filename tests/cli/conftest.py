"""An installation whose address and key stand in the environment."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.cli.installation import SECRET, Installation

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture
def installation(monkeypatch: pytest.MonkeyPatch) -> Iterator[Installation]:
    with Installation() as found:
        monkeypatch.setenv("WEIGHBRIDGE_URL", found.url)
        monkeypatch.setenv("WEIGHBRIDGE_KEY", SECRET)
        yield found
