"""Names of revisions that nobody named."""

from __future__ import annotations

import string
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from random import Random

    from localcloud.arm.models import App

_LETTERS = string.ascii_lowercase + string.digits
_LENGTH = 7


def next_name(app: App, suffix: str, chance: Random, *, counted: bool) -> str:
    """`<app>--<suffix>`; without a suffix a random one, or from the second on a number."""
    if not suffix:
        suffix = f"{app.autos:0{_LENGTH}}" if app.autos and counted else "".join(chance.choices(_LETTERS, k=_LENGTH))
        app.autos += 1
    return f"{app.name}--{suffix}"
