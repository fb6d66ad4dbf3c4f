"""The grammar of the Steps cell: spellings of a strategy become (weight, bake, until approved)."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from datetime import timedelta
from itertools import pairwise

from policies.cells import nearest
from policies.durations import read_duration, suggest_duration, write_duration
from policies.errors import CellError, Problem, quoted
from rollouts.model import Step

PRESETS = {
    "canary": "5% for 10m, 25% for 10m, 50% for 10m, 100% for 10m",
    "quick": "20% for 5m, 100% for 10m",
    "careful": "1% for 15m, 5% for 30m, 25% for 30m, 50% for 1h, 100% for 1h",
    "blue-green": "0% for 5m, 100% for 15m",
    "all-at-once": "100% for 5m",
}
MOST_STEPS = 40
REPLACE_BAKE = timedelta(minutes=10)
_WHOLE = 100
_USUAL = "10m"
_EXPECTED = '"N% for D"'
_SERVED = re.compile(r"([0-9]{1,3})% ?for (.+)", re.ASCII | re.IGNORECASE)
_APPROVED = re.compile(r"([0-9]{1,3})% ?until approved(?: within (.+))?", re.ASCII | re.IGNORECASE)
_LINEAR = re.compile(r"linear ([0-9]{1,3})% ?every (.+)", re.ASCII | re.IGNORECASE)
_REPLACE = re.compile(r"replace(?: for (.+))?", re.IGNORECASE)
_LOOSE = re.compile(r"\D{0,12}?([0-9]{1,3}) ?%?(?![0-9.]) ?(.*)", re.ASCII)


@dataclass(frozen=True, slots=True, kw_only=True)
class Steps:
    """The Steps cell, expanded. replace: an app without ingress, where weights mean nothing."""

    steps: tuple[Step, ...]
    replace: bool = False


def read_steps(text: str, column: str = "Steps") -> Steps:
    """The steps; raises `CellError` with the corrected cell where one can be offered."""
    read = _read(text)
    if isinstance(read, Steps):
        return read
    hint = _repaired(text)
    if len(read) > 1 and hint:
        read = _problem(_EXPECTED, quoted(text))
    raise CellError(*(replace(problem, column=column, hint=hint or _sound(problem.hint)) for problem in read))


def _problem(expected: str, found: str, hint: str = "") -> list[Problem]:
    return [Problem(column="Steps", expected=expected, found=found, hint=hint)]


def _read(text: str) -> Steps | list[Problem]:
    text = PRESETS.get(text.lower(), text)
    if match := _REPLACE.fullmatch(text):
        bake = read_duration(match[1]) if match[1] else REPLACE_BAKE
        return Steps(steps=(Step(weight=_WHOLE, bake=bake),), replace=True) if bake else _bad_time(match[1])
    if match := _LINEAR.fullmatch(text):
        return _linear(int(match[1]), match[2])
    parts = text.split(",")
    if len(parts) > MOST_STEPS:
        return _problem(f"at most {MOST_STEPS} steps", str(len(parts)))
    read = [_item(part.strip()) for part in parts]
    steps = [step for step in read if isinstance(step, Step)]
    if len(steps) < len(read):
        return [problem for part in read if isinstance(part, list) for problem in part]
    return _bounded(tuple(steps))


def _bad_time(found: str) -> list[Problem]:
    return _problem('a time as in "10m", at most a year', quoted(found), suggest_duration(found))


def _item(text: str) -> Step | list[Problem]:
    if match := _APPROVED.fullmatch(text):
        within = read_duration(match[2]) if match[2] else None
        if match[2] and within is None:
            return _bad_time(match[2])
        return Step(weight=int(match[1]), bake=timedelta(), until_approved=True, approve_within=within)
    if match := _SERVED.fullmatch(text):
        bake = read_duration(match[2])
        return Step(weight=int(match[1]), bake=bake) if bake else _bad_time(match[2])
    return _problem(_EXPECTED, quoted(text) if text else "nothing between two commas")


def _linear(stride: int, every: str) -> Steps | list[Problem]:
    bake = read_duration(every)
    if bake is None:
        return _bad_time(every)
    least = -(-_WHOLE // MOST_STEPS)
    if not least <= stride <= _WHOLE:
        hint = f"linear {min(max(stride, least), _WHOLE)}% every {write_duration(bake)}"
        return _problem(f"{least}% to 100% a step", f"{stride}%", hint)
    weights = [*range(stride, _WHOLE, stride), _WHOLE]
    return Steps(steps=tuple(Step(weight=weight, bake=bake) for weight in weights))


def _bounded(steps: tuple[Step, ...]) -> Steps | list[Problem]:
    weights = [step.weight for step in steps]
    said = ", ".join(f"{weight}%" for weight in weights)
    if max(weights) > _WHOLE:
        return _problem("weights from 0% to 100%", said)
    if any(later <= earlier for earlier, later in pairwise(weights)):
        return _problem("weights that rise from step to step", said)
    if weights[-1] != _WHOLE:
        return _problem("a last step of 100%", said)
    return Steps(steps=steps)


def _repaired(text: str) -> str:
    """The cell that was probably meant: it reads without a problem, or none is offered."""
    if text.lower() == "none":
        return "all-at-once"
    return _sound(nearest(text, [*PRESETS, "replace"])) or _sound(_mended(text))


def _sound(offer: str) -> str:
    """The offered cell, if it is one."""
    return offer if offer and isinstance(_read(offer), Steps) else ""


def _mended(text: str) -> str:
    if match := re.fullmatch(r"linear:? ([0-9]{1,3}) ?%?(?: (?:every|for))? (.+)", text, re.ASCII | re.IGNORECASE):
        least = -(-_WHOLE // MOST_STEPS)
        every = match[2] if read_duration(match[2]) else suggest_duration(match[2])
        return f"linear {max(int(match[1]), least)}% every {every}" if every else ""
    items: dict[int, str] = {}
    for part in re.split("[,;]", text):
        match = _LOOSE.fullmatch(part.strip())
        if match is None:
            return ""
        items.setdefault(int(match[1]), _mended_item(int(match[1]), match[2]))
    items.setdefault(_WHOLE, f"100% for {_USUAL}")
    return ", ".join(items[weight] for weight in sorted(items))


def _mended_item(weight: int, rest: str) -> str:
    after = re.sub(r"^(?:for|at|bake|wait|within|until)\b ?", "", rest.lower().strip(" :=")).strip()
    if "approv" in rest.lower():
        within = re.search(r"([0-9]+ ?[dhms]\w*)", rest.lower(), re.ASCII)
        limit = _time_meant(within[1]) if within else ""
        return f"{weight}% until approved within {limit}" if limit else f"{weight}% until approved"
    return f"{weight}% for {_time_meant(after) if after else _USUAL}"


def _time_meant(text: str) -> str:
    return text if read_duration(text) else suggest_duration(text)
