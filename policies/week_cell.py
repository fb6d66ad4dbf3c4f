"""Days and hours as a Window cell holds them: `Mon-Thu 09:00-16:00, Fri 09:00-12:00`, `Mon, Wed-Fri 22:00-02:00`.

Days without hours take those of the next part; hours without days are on the days before. Hours that end no later
than they begin end on the next day.
"""

from __future__ import annotations

import re

from policies.days import read_days, suggest_days
from policies.errors import quoted
from policies.week import DAY, Span

MOST_PARTS = 20
USUAL = "Mon-Fri 09:00-17:00"
Fault = tuple[str, str]
"""What was expected, and what was found, as messages say them."""

_HOURS = re.compile(r"([01][0-9]|2[0-3]):([0-5][0-9])-([01][0-9]|2[0-4]):([0-5][0-9])", re.ASCII)
_CLOCK = r"([0-9]{1,2})(?:[:.h]?([0-9]{2}))? ?([ap]m|h|uhr)?"
_LOOSE_HOURS = re.compile(rf"{_CLOCK} ?(?:-|to|until|till|\.\.) ?{_CLOCK}", re.ASCII | re.IGNORECASE)
_LONGEST = 400  # characters of a cell for which a correction is sought
_NOON = 12
_LAST_HOUR = 24


def split_zone(text: str) -> tuple[str, str]:
    """The days and hours, and what stands behind them: a zone's name, "" without one."""
    words = text.split(" ")
    end = len(words)
    while end and not _tells_time(words[end - 1]):
        end -= 1
    return " ".join(words[:end]), " ".join(words[end:])


def read_spans(text: str) -> tuple[list[Span], list[Fault]]:
    """The spans, and every fault; only without faults are the spans all that was written."""
    spans: list[Span] = []
    faults: list[Fault] = []
    parts = [part.strip() for part in text.split(",")]
    if len(parts) > MOST_PARTS:
        return [], [(f"at most {MOST_PARTS} parts", str(len(parts)))]
    waiting: tuple[int, ...] = ()  # days whose hours are still to come
    latest: tuple[int, ...] = ()  # days of the last hours
    for part in parts:
        named, hours = _halves(part)
        days = read_days(named) if named else ()
        if days is None:
            faults.append(('days as in "Mon-Fri" or "daily"', quoted(named)))
            days = (0,)
        waiting += days
        if not hours:
            faults += [] if named else [("days or hours between two commas", "nothing")]
            continue
        times = _times(hours, faults)
        latest, waiting = waiting or latest, ()
        if not latest:
            faults.append(('days before the hours as in "daily 09:00-17:00"', quoted(part)))
        spans.append(Span(days=latest, opens=times[0], closes=times[1]))
    if waiting:
        faults.append((f'hours behind the days as in "{USUAL}"', quoted(parts[-1])))
    return spans, faults


def suggest_spans(text: str) -> str:
    """The days and hours that were probably meant, "" when that is anybody's guess."""
    flat = re.sub(r" and | ?[;&+] ?", ", ", text.lower()[:_LONGEST])
    parts: list[str] = []
    for part in filter(str.strip, flat.split(",")):
        named, hours = _halves(re.sub(r"\b(?:from|on|at)\b|:(?= )", "", part))
        named = re.sub(r" (?:to|until) ", "-", named)
        days = named if read_days(named) else suggest_days(named)
        times = _mended_hours(hours)
        if (named and not days) or (hours and not times):
            return ""
        parts.append(f"{_capitals(days)} {times}".strip())
    if not parts:
        return ""
    if parts[0][:1].isdigit():
        parts[0] = f"daily {parts[0]}"
    if not parts[-1][-1:].isdigit():
        parts[-1] += " 00:00-24:00"
    offer = ", ".join(parts)
    return "" if read_spans(offer)[1] else offer


def _tells_time(word: str) -> bool:
    pieces = [piece for piece in word.split(",") if piece]
    return all(piece[0].isdigit() or piece == "-" or read_days(piece) or suggest_days(piece) for piece in pieces)


def _halves(part: str) -> tuple[str, str]:
    """The words before the first digit, and the rest."""
    digit = re.search(r"[0-9]", part, re.ASCII)
    start = digit.start() if digit else len(part)
    return part[:start].strip(), part[start:].strip()


def _times(hours: str, faults: list[Fault]) -> tuple[int, int]:
    """From and to in minutes of a day, (0, DAY) where a fault is noted."""
    match = _HOURS.fullmatch(hours)
    if match is None:
        faults.append(('hours as in "09:00-17:00"', quoted(hours)))
        return 0, DAY
    opens, closes = (60 * int(match[place]) + int(match[place + 1]) for place in (1, 3))
    if closes > DAY or opens == closes:
        expected = (
            'an end by "24:00"'
            if closes > DAY
            else 'an end that is not the beginning, or "00:00-24:00" for the whole day'
        )
        faults.append((expected, quoted(hours)))
        return 0, DAY
    return opens, closes if closes > opens else closes + DAY


def _mended_hours(hours: str) -> str:
    match = _LOOSE_HOURS.fullmatch(hours)
    if match is None:
        return ""
    ends = [_mended_clock(*match.group(place, place + 1, place + 2)) for place in (1, 4)]
    # "9-5" may be a night or a working day: nobody is told which.
    plain = not (match[2] or match[3] or match[5] or match[6])
    if "" in ends or (plain and "00:00" < ends[1] <= ends[0]):
        return ""
    return "00:00-24:00" if ends[0] == ends[1] else "-".join(ends)


def _mended_clock(hour: str, minute: str | None, half: str | None) -> str:
    number = int(hour)
    if half in ("am", "pm"):
        if not 1 <= number <= _NOON:
            return ""
        number = number % _NOON + (_NOON if half == "pm" else 0)
    return f"{number:02}:{minute or '00'}" if number <= _LAST_HOUR else ""


def _capitals(days: str) -> str:
    return days if days == "daily" else "-".join(name.capitalize() for name in days.split("-"))
