"""Durations as people write them in a cell (`90s`, `10m`, `1h30m`, `2d`) and as messages say them."""

from __future__ import annotations

import re
from datetime import timedelta

LONGEST = timedelta(days=365)
_UNITS = {"d": "days", "h": "hours", "m": "minutes", "s": "seconds"}
_WRITTEN = re.compile(r"(?:([0-9]{1,6})d)?(?:([0-9]{1,6})h)?(?:([0-9]{1,6})m)?(?:([0-9]{1,9})s)?", re.ASCII)
_LOOSE = re.compile(r"([0-9]{1,6})(?:\.([0-9]))? ?([a-z]*)", re.ASCII)


def read_duration(text: str) -> timedelta | None:
    """The duration, more than nothing and at most a year; None when it is not one."""
    match = _WRITTEN.fullmatch(text.replace(" ", "").lower())
    if match is None:
        return None
    parts = {unit: int(number or 0) for unit, number in zip(_UNITS.values(), match.groups(), strict=True)}
    whole = timedelta(**parts)
    return whole if timedelta() < whole <= LONGEST else None


def suggest_duration(text: str) -> str:
    """The duration that was probably meant, "" when that is anybody's guess."""
    match = _LOOSE.fullmatch(text.strip().lower())
    if match is None:
        return ""
    whole, tenth, unit = match.groups()
    letter = unit[:1] or "m"
    if letter not in _UNITS or unit == "ms":
        return ""
    seconds = (int(whole) + int(tenth or 0) / 10) * timedelta(**{_UNITS[letter]: 1}).total_seconds()
    offer = write_duration(timedelta(seconds=round(seconds)))
    return offer if read_duration(offer) else ""


def _parts(value: timedelta) -> list[tuple[int, str]]:
    seconds = int(value.total_seconds())
    hours, rest = divmod(seconds, 3600)
    minutes, seconds = divmod(rest, 60)
    return [(number, unit) for number, unit in ((hours, "h"), (minutes, "m"), (seconds, "s")) if number]


def write_duration(value: timedelta) -> str:
    """As a cell holds it: `1h30m`."""
    return "".join(f"{number}{unit}" for number, unit in _parts(value)) or "0s"


def say_duration(value: timedelta) -> str:
    """As a message says it: `1 h 30 m`."""
    return " ".join(f"{number} {unit}" for number, unit in _parts(value)) or "0 s"
