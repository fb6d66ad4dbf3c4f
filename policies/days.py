"""Days of the week as people write them in a cell: `Mon-Fri`, `Fri-Mon`, `Sat`, `daily`."""

from __future__ import annotations

import re

DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
DAILY = "daily"
_NUMBER = {day.lower(): number for number, day in enumerate(DAYS)}
_SPELLED = re.compile(
    r"(mon|tue|wed|thu|fri|sat|sun)(?:day|s|sday|nesday|r|rs|rsday|urday)?s?\.?", re.ASCII | re.IGNORECASE
)
_PHRASES = {
    **dict.fromkeys(("weekdays", "weekday", "workdays", "workday"), "Mon-Fri"),
    **dict.fromkeys(("weekend", "weekends"), "Sat-Sun"),
    **dict.fromkeys(("everyday", "always", "any", "all", "*"), DAILY),
}


def read_days(text: str) -> tuple[int, ...] | None:
    """The days, Monday being 0; a range may pass Sunday. None when it is not days."""
    if text.lower() == DAILY:
        return tuple(range(7))
    ends = [_NUMBER.get(name) for name in text.lower().split("-")]
    first, last = ends[0], ends[-1]
    if first is None or last is None or len(ends) > 2:  # noqa: PLR2004 - a range has two ends
        return None
    return tuple((first + more) % 7 for more in range((last - first) % 7 + 1))


def suggest_days(text: str) -> str:
    """The days that were probably meant, "" when that is anybody's guess."""
    word = text.lower().strip()
    if word in _PHRASES:
        return _PHRASES[word]
    names = [_SPELLED.fullmatch(name.strip()) for name in re.split(r"-|\.\.|/", word)]
    offer = "-".join(match[1].capitalize() for match in names if match)
    return offer if None not in names and read_days(offer) else ""
