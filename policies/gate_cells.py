"""The gate columns of a row, in the order in which their answers are shown."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from policies.after import read_after
from policies.approvers import read_approvers
from policies.freeze import read_freeze
from policies.gate import Rule
from policies.min_age import read_min_age
from policies.scan_cell import read_scan_rule
from policies.signed import read_signed
from policies.window import read_window

Reader = Callable[[str, str], Rule | None]
"""(text, column) to the rule, None for `none`; raises `CellError` with every problem of the cell."""

GATES: Mapping[str, Reader] = {
    "Scan": read_scan_rule,
    "Signed": read_signed,
    "MinAge": read_min_age,
    "Approvers": read_approvers,
    "Window": read_window,
    "Freeze": read_freeze,
    "After": read_after,
}
