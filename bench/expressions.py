# ruff: noqa: INP001 - programs, not a package
"""The worst that expressions of a row can do to an event: the time to read the cell and to match the longest tag.

`python -m bench.expressions` prints a line a cell: what it is, the time to read it, the time of one match.
"""

from __future__ import annotations

import sys
import time

from policies.cells import LONGEST_CELL
from policies.errors import CellError
from policies.tag_cell import read_tags

TAG = "a" * 128
EVIL = (
    "(a*)*b",
    "(a|aa)+$",
    "(x+x+)+y",
    "^(a+)+$",
    "(?:a?){64}a{64}",
    "((a{1,30}){1,30}){1}",
    "(?P<a>a*)(?P<b>a*)(?P<c>a*)b",
    ".*.*.*.*.*.*.*.*=.*",
    # The worst that is not refused, of 25 000 made at random: to match, and to read.
    "(?:(?:a?){26})*a{64}",
    "(?:a{0,8})+a{89}",
)


def cells() -> list[str]:
    """Expressions that stall other engines, small and as long as a cell may be, and globs of many stars."""
    long = [f"regex: {('(?:' + each + ')?') * (LONGEST_CELL // (len(each) + 6))}"[: LONGEST_CELL - 9] for each in EVIL]
    globs = [f"newest except {', '.join(['*a' * 40 + 'b'] * 50)}"[:LONGEST_CELL], f"newest from {'*a' * 60}b"]
    return [*(f"regex: {each}" for each in EVIL), *long, *globs]


def main() -> None:
    """Print every cell's times, and the worst of all."""
    worst = 0.0
    for cell in cells():
        began = time.perf_counter()
        try:
            rule = read_tags(cell)
        except CellError as error:
            read = time.perf_counter() - began
            sys.stdout.write(f"{read * 1000:8.2f} ms  refused  {str(error.problems[0])[:90]}\n")
            continue
        read = time.perf_counter() - began
        rule.select(TAG)  # compiled at the first match
        began = time.perf_counter()
        rule.select(TAG)
        took = time.perf_counter() - began
        worst = max(worst, took)
        sys.stdout.write(f"{read * 1000:8.2f} ms  {took * 1000:8.3f} ms a tag  {cell[:70]}\n")
    sys.stdout.write(f"worst match: {worst * 1000:.3f} ms for a tag of {len(TAG)} characters\n")


if __name__ == "__main__":
    main()
