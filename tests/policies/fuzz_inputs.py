"""What the fuzzer makes of seeds: changes of them, and ever longer, wider and deeper ones."""

from __future__ import annotations

import copy
import json
import random
import re
from collections.abc import Iterator
from itertools import islice
from typing import Any

from policies.cells import LONGEST_CELL
from tests.policies.fuzz_targets import Target

SHORT = 10  # items of a list that is repeated
MOST_VALUES = 5000  # of a mutated seed; how time grows with what is larger is measured apart
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
LONG_PARTS = ("0", "İ", ",", "\\", "=", "-----BEGIN ")
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
            if isinstance(seed, str):
                yield seed[:LONGEST_CELL]
            elif sum(1 for _ in islice(places(seed), MOST_VALUES)) < MOST_VALUES:
                yield seed

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
            return self.text(value)[: 4 * LONGEST_CELL]
        return copy.deepcopy(chance.choice(VALUES))


def _at(seed: Any, path: tuple[Any, ...], value: object) -> Any:
    """The seed with another value in one place; what is beside the path is shared."""
    if not path:
        return value
    copied = copy.copy(seed)
    copied[path[0]] = _at(seed[path[0]], path[1:], value)
    return copied


def places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """The path of every value in a JSON value, itself first."""
    yield path
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for name, each in inner:
        yield from places(each, (*path, name))


def _numbered(value: Any, number: int) -> Any:
    """The same with every text made different."""
    if isinstance(value, dict):
        return {name: _numbered(each, number) for name, each in value.items()}
    if isinstance(value, list):
        return [_numbered(each, number) for each in value]
    return f"{value}{number}" if isinstance(value, str) else value


def grown_values(seed: object, size: int) -> Iterator[tuple[str, object]]:
    """The seed with one place made that large at a time: many items, many names, or a long text."""
    for path in places(seed):
        found: Any = seed
        for name in path:
            found = found[name]
        where = "/".join(map(str, path))
        for said, value in _large(found, size):
            yield f"{where}: {said}", _at(seed, path, value)


def _large(found: object, size: int) -> Iterator[tuple[str, object]]:
    if isinstance(found, list) and found:
        yield "equal items", found * (size // len(found))
        yield "different items", [_numbered(found[0], number) for number in range(size)]
    elif isinstance(found, dict) and found:
        name, value = next(iter(found.items()))
        yield "many names", {**found, **{f"{name}{number}": value for number in range(size)}}
    elif isinstance(found, str):
        for part in sorted({found, *LONG_PARTS} - {""}):
            long = (part * size)[: 4 * size]
            yield f"{part[:20]!r} again and again", long
            yield f"{part[:20]!r} behind it", found + long


def grown_texts(mutator: Mutator, seeds: tuple[object, ...], size: int) -> Iterator[tuple[str, str]]:
    """Texts of that length: a part again and again, alone, behind a good cell, and behind many short parts."""
    whole = [seed for seed in seeds if isinstance(seed, str)]
    parts = {part for part in (*mutator.words, *whole) if part}
    parts |= {f"{seed}{end}" for seed in whole for end in (", ", "; ", " ", " || ")}
    heads = ["", *whole, *(f"{head}, " * 19 for head in ("?", "0", ";", "-", *whole[:1])), "?, " * 58]
    for part in sorted(parts):
        for head in heads:
            yield f"{head[:20]!r}, {part[:40]!r}", (head + part * (size // len(part) + 1))[:size]


def nested(seed: object, depth: int) -> Iterator[str]:
    """The seed as JSON with each place in turn a value that makes the whole that deep."""
    for opened, closed in (("[", "]"), ('{"a":', "}")):
        for path in places(seed):
            more = depth - len(path)
            deep = f"{opened * more}1{closed * more}"
            yield json.dumps(_at(seed, path, "\x00deep")).replace('"\\u0000deep"', deep)
