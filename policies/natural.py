"""Natural order: texts compared run by run, and a run of digits as the number it is."""

from __future__ import annotations

import re

NaturalKey = tuple[tuple[bool, int, str], ...]

_RUN = re.compile(r"([0-9]+)|[^0-9]+", re.ASCII)


def natural_key(text: str) -> NaturalKey:
    """Sorts `rc2` before `rc10`, a number before other text, and a text before what it begins.

    Two texts have one key only where they differ by zeros in front of a number. text: at most as long as a tag.
    """
    return tuple((run[1] is None, int(run[1] or 0), "" if run[1] else run[0]) for run in _RUN.finditer(text))
