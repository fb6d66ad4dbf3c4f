"""Whatever a cell, an event or a report holds: a reader answers or says no, and takes time in step with its length.

A sample of each in `make test`; a million inputs, and the time they take, in `make fuzz`.
"""

from __future__ import annotations

import copy
import json
import os
import random
import re
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from policies.cells import LONGEST_CELL
from policies.errors import CellError
from policies.gate_cells import GATES
from tests.policies.fuzz_targets import SEEDS, TOLD, Target, readers, targets

LONG = bool(os.environ.get("WEIGHBRIDGE_FUZZ"))
MILLION = 1_000_000
TARGETS = targets()
EACH = MILLION // len(TARGETS) + 1 if LONG else 150
LINEAR, QUADRATIC = 4, 16  # how much longer four times the length takes
SHORT = 10  # items of a list that is repeated
WORTH = 0.004  # seconds; what is faster than this cannot stall anything, and its ratio is noise
ODD = (
    *(
        "",
        " ",
        "\x00",
        "\n",
        "é",
        "ß",
        "İ",
        "\u202e",
        "\ud800",
        "😀",
        "٣",
        "²",
        "%",
        "{}",
        "{",
        "(",
        "[",
        "\\",
        "|",
        "||",
    ),
    *(
        ",",
        ";",
        ":",
        "..",
        "-",
        "0",
        "00",
        "-1",
        "9" * 20,
        "9" * 400,
        "1e999",
        "none",
        "NONE",
        "defaults",
        "*",
        "?",
        "(?:",
    ),
    *(
        "(a*)*",
        "a{1000}",
        ">=",
        "<",
        "!=",
        "^",
        "~",
        "x",
        " - ",
        "100%",
        "for",
        "within",
        "else",
        "until",
        "except",
        "by",
    ),
)
VALUES: tuple[object, ...] = (
    None,
    True,
    0,
    -1,
    10**400,
    1.5,
    float("nan"),
    "",
    "x" * 3000,
    [],
    {},
    [[]],
    {"a": 1},
    ODD,
)


class Mutator:
    """Changes seeds, the same way every time for the same target."""

    def __init__(self, name: str, target: Target) -> None:
        self.chance = random.Random(name)  # noqa: S311 - to repeat, not to hide
        self.seeds = target.seeds
        texts = [seed if isinstance(seed, str) else json.dumps(seed) for seed in target.seeds]
        self.words = [*ODD, *(word for text in texts for word in re.split(r"(\W+)", text))]

    def __iter__(self) -> Iterator[object]:
        """Without end: first the seeds, then what becomes of them."""
        yield from self.seeds
        while True:
            seed = self.chance.choice(self.seeds)
            for _ in range(self.chance.choice((1, 1, 2, 3, 6))):
                seed = self.text(seed) if isinstance(seed, str) else self.value(copy.deepcopy(seed))
            yield seed[:LONGEST_CELL] if isinstance(seed, str) else seed

    def text(self, text: str) -> str:
        """Cut, repeat, move, insert or replace a part."""
        chance = self.chance
        first, last = sorted((chance.randint(0, len(text)), chance.randint(0, len(text))))
        before, part, after = text[:first], text[first:last], text[last:]
        match chance.randrange(7):
            case 0:
                return before + after
            case 1:
                return before + part * chance.choice((2, 3, 50)) + after
            case 2:
                return before + chance.choice(self.words) + after
            case 3:
                return text[:first] + chance.choice(self.words) + text[first:]
            case 4:
                return before + part.swapcase() + after
            case 5:
                return after + part + before
            case _:
                return (
                    before + chr(chance.choice((chance.randrange(128), chance.randrange(0x3000)))) + text[first + 1 :]
                )

    def value(self, value: Any) -> Any:
        """Replace, drop, repeat or mutate one part of a JSON value."""
        chance = self.chance
        if isinstance(value, dict) and value and chance.random() < 0.9:
            key = chance.choice(list(value))
            value[key if chance.random() < 0.9 else self.text(str(key))] = self.value(value[key])
            if chance.random() < 0.1:
                del value[key]
            return value
        if isinstance(value, list) and value and chance.random() < 0.8:
            place = chance.randrange(len(value))
            value[place] = self.value(value[place])
            # Once: a list of lists that is repeated again and again is no longer input that anybody takes.
            return value * chance.choice((1, 1, 1, 120 if len(value) < SHORT else 1))
        if isinstance(value, str) and chance.random() < 0.7:
            return self.text(value)
        return copy.deepcopy(chance.choice(VALUES))


def fed(target: Target, found: object) -> float:
    """Feed one input; answers how long it took. What a reader offers instead of a bad cell must be a good one."""
    began = time.perf_counter()
    try:
        target.read(found)
    except CellError as error:
        took = time.perf_counter() - began
        for problem in error.problems if target.column else ():
            if problem.hint:
                target.read(problem.hint)
        return took
    except TOLD:
        pass
    return time.perf_counter() - began


def test_every_reader_and_every_gate_column_is_fuzzed() -> None:
    assert set(SEEDS) == set(readers())
    assert {f"{read.__module__}.{read.__name__}" for read in GATES.values()} <= set(SEEDS)


@pytest.mark.timeout(3000)
@pytest.mark.parametrize("name", TARGETS)
def test_whatever_is_read_is_answered_or_refused(name: str, record_property: Callable[[str, object], None]) -> None:
    target = TARGETS[name]
    worst, slowest = 0.0, ""
    for count, found in enumerate(Mutator(name, target), 1):
        try:
            took = fed(target, found)
        except Exception as error:  # noqa: BLE001 - whatever a reader raises but its no is what is looked for
            pytest.fail(f"{name}: input {count}: {found!r:.400}: {error!r}")
        if took > worst:
            worst, slowest = took, repr(found)[:60]
        if count >= EACH:
            break
    record_property("fuzzed", f"{EACH} inputs of {name}: the slowest took {worst * 1000:.1f} ms: {slowest}")


def grown(target: Target, part: str) -> tuple[float, float]:
    """How long it takes to read the part repeated to a cell's length, and how much longer than to a fourth of it."""
    times = []
    for length in (LONGEST_CELL // LINEAR, LONGEST_CELL):
        text = (part * (length // len(part) + 1))[:length]
        times.append(min(fed(target, text) for _ in range(3)))
    return times[1], times[1] / times[0]


@pytest.mark.skipif(not LONG, reason="time decides nothing in `make test`")
@pytest.mark.timeout(3000)
@pytest.mark.parametrize("name", [name for name, target in TARGETS.items() if isinstance(target.seeds[0], str)])
def test_a_long_cell_is_read_in_time_that_grows_with_its_length(
    name: str, record_property: Callable[[str, object], None]
) -> None:
    target = TARGETS[name]
    mutator = Mutator(name, target)
    parts = {part for part in (*mutator.words, *(str(seed) for seed in target.seeds)) if part}
    parts |= {f"{seed}{end}" for seed in target.seeds for end in (", ", "; ", " ", " || ")}
    worst, ratio, slowest = max((*grown(target, part), part) for part in sorted(parts))
    record_property(
        "fuzzed", f"{name}, {LONGEST_CELL} characters: {worst * 1000:.1f} ms, x {ratio:.1f}: {slowest!r:.40}"
    )
    assert worst < WORTH or ratio < (LINEAR + QUADRATIC) / 2
