"""Window: when a rollout may start, by a wall clock. It starts only if its bakes fit; one that runs finishes."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import timedelta
from typing import ClassVar
from zoneinfo import ZoneInfo

from policies.durations import say_duration, write_duration
from policies.errors import SHOWN, CellError, Problem, quoted
from policies.gate import Asked, is_open, is_waiting
from policies.openings import covers, stretches
from policies.wall_clock import say_moment
from policies.week import Week, week_of
from policies.week_cell import USUAL, read_spans, split_zone, suggest_spans
from policies.zones import read_zone, suggest_zone
from rollouts.findings import Finding

_ANY_TIME = frozenset({"any time", "anytime", "always", "any", "all", "off", "no"})


@dataclass(frozen=True, slots=True, kw_only=True)
class WindowRule:
    """The Window cell: the hours of a week in a zone."""

    text: str
    week: Week
    zone: ZoneInfo
    lasting: ClassVar[bool] = False

    def ask(self, asked: Asked) -> Finding:
        """Open while the bakes of a rollout that starts now end before the hours do."""
        takes, now = asked.policy.takes, asked.now
        coming = stretches(self.week, self.zone, now)
        current = next(coming) if covers(self.week, self.zone, now) else None
        if current and current.holds(takes):
            return is_open("window", f"inside {self._shown}")
        next_start = next((stretch.opens for stretch in coming if stretch.holds(takes)), None)
        if current and current.closes:
            closing = say_moment(current.closes, now, self.zone)
            because = f"the bakes ({say_duration(takes)}) no longer fit before {closing}"
        else:
            because = f"outside {self._shown}"
        if next_start is None:
            return is_waiting("window", f"{because}; within a year it never opens for {say_duration(takes)}")
        zone = f" {self.zone.key}" if current else ""
        return is_waiting("window", f"{because}; opens {say_moment(next_start, now, self.zone)}{zone}", next_start)

    @property
    def _shown(self) -> str:
        return self.text if len(self.text) <= SHOWN else f"{self.text[:SHOWN]}…"


def never_fits(rule: WindowRule, takes: timedelta) -> str:
    """Why no rollout that takes this long could ever start, as a problem says what was found; "" when one could."""
    longest = rule.week.longest
    if rule.week.always or takes <= longest:
        return ""
    return f"at most {write_duration(longest)} for bakes of {write_duration(takes)}"


def read_window(text: str, column: str = "Window") -> WindowRule | None:
    """The rule, None for `none`; raises `CellError` with every problem of the cell."""
    if text.lower() == "none":
        return None
    if text.lower() in _ANY_TIME:
        raise CellError(Problem(column=column, expected=f'hours as in "{USUAL} UTC"', found=quoted(text), hint="none"))
    flat = re.sub(r" ?- ?", "-", text)
    hours, named = split_zone(flat)
    spans, faults = read_spans(hours) if hours else ([], [(f'days and hours as in "{USUAL}"', "none")])
    zone = read_zone(named)
    if zone is None:
        faults.append(_zone_fault(hours, named))
    if faults or zone is None:
        hint = _repaired(hours, named)
        raise CellError(*(Problem(column=column, expected=want, found=got, hint=hint) for want, got in faults))
    return WindowRule(text=text, week=week_of(spans), zone=zone)


def _zone_fault(hours: str, named: str) -> tuple[str, str]:
    if named:
        return 'a zone as in "Europe/London" or "UTC"', quoted(named)
    # Which zone was meant is anybody's guess; what else was meant is shown with one.
    return f'a zone as in "{suggest_spans(hours) or USUAL} Europe/London"', "none"


def _repaired(hours: str, named: str) -> str:
    """The cell that was probably meant: it reads without a problem, or none is offered."""
    zone = named if read_zone(named) else suggest_zone(named)
    meant = suggest_spans(hours)
    return f"{meant} {zone}" if meant and zone else ""
