"""Whatever a cell, an event, a report or a signature holds: a reader answers or says no, in time in step with its size.

A sample of each in `make test`; a million inputs, and the time they take, in `make fuzz`.
"""

from __future__ import annotations

import bisect
import json
import os
import sys
import time
from collections.abc import Callable, Iterator
from itertools import islice

import pytest

from policies.cells import LONGEST_CELL
from policies.errors import CellError, PolicyError
from policies.gate_cells import GATES
from tests.policies.fuzz_inputs import Mutator, grown_texts, grown_values, nested
from tests.policies.fuzz_seeds import SEEDS
from tests.policies.fuzz_targets import CALLS, TOLD, Target, readers, targets

LONG = bool(os.environ.get("WEIGHBRIDGE_FUZZ"))
MILLION = 1_000_000
TARGETS = targets()
EACH = MILLION // len(TARGETS) + 1 if LONG else 100
LINEAR, QUADRATIC = 4, 16  # how much longer four times the size takes
WORTH = 0.004  # seconds; what is faster than this cannot stall anything, and its ratio is noise
ITEMS = 2000  # of a list, or a fourth of the characters of a text, in a report that is made large
FRAMES = 24  # of Python between the one that decoded a value and the deepest that looks at it, and some to spare
NESTED = [name for name, target in TARGETS.items() if not isinstance(target.seeds[0], str | int)]
AS_TEXT = ("cli.", "delivery.", "handlers.", "policies.body.", "policies.cosign.", "policies.notation.", "policies.sig")

pytestmark = pytest.mark.filterwarnings("ignore::cryptography.utils.CryptographyDeprecationWarning")
Record = Callable[[str, object], None]


def fed(target: Target, found: object) -> float:
    """Feed one input; answers how long it took. What a reader offers instead of a bad cell must be a good one."""
    began = time.process_time()
    try:
        target.read(found)
    except (CellError, PolicyError) as error:
        took = time.process_time() - began
        for problem in error.problems:
            if problem.hint and problem.column == target.column:
                assert problem.expected not in expected(target, problem.hint), f"offered {problem.hint!r}"
        return took
    except TOLD:
        pass
    return time.process_time() - began


def expected(target: Target, offer: str) -> set[str]:
    """What an offered cell lacks. A row may want still more of a cell that is well written."""
    try:
        target.read(offer)
    except CellError:
        pytest.fail(f"offered {offer!r}")
    except PolicyError as error:
        return {problem.expected for problem in error.problems}
    return set()


def test_every_reader_and_every_gate_column_is_fuzzed() -> None:
    assert {name.partition(", ")[0] for name in TARGETS} >= set(readers())
    assert {name.partition(", ")[0] for name in {**SEEDS, **CALLS}} == set(readers())
    assert {f"{read.__module__}.{read.__name__}" for read in GATES.values()} <= set(SEEDS)


@pytest.mark.parametrize("name", TARGETS)
def test_the_fuzzer_starts_from_good_input(name: str) -> None:
    TARGETS[name].read(TARGETS[name].seeds[0])


@pytest.mark.timeout(3000)
@pytest.mark.parametrize("name", TARGETS)
def test_whatever_is_read_is_answered_or_refused(name: str, record_property: Record) -> None:
    target = TARGETS[name]
    worst, slowest = 0.0, ""
    for seed in target.seeds:
        fed(target, seed)  # so that what is loaded once is not taken for what an input costs
    for count, found in enumerate(islice(Mutator(name, target), EACH), 1):
        try:
            took = fed(target, found)
        except Exception as error:  # noqa: BLE001 - whatever a reader raises but its no is what is looked for
            pytest.fail(f"{name}: input {count}: {found!r:.400}: {error!r}")
        if took > worst:
            worst, slowest = took, repr(found)[:60]
    record_property("fuzzed", f"{EACH} inputs of {name}: the slowest took {worst * 1000:.1f} ms: {slowest}")
    record_property("inputs", (EACH, worst * 1000, name))


def decodes(depth: int) -> bool:
    """Whether JSON that is nested so deep can be read here."""
    try:
        json.loads("[" * depth + "]" * depth)
    except RecursionError:
        return False
    return True


@pytest.mark.parametrize("name", NESTED)
def test_what_is_nested_as_deep_as_json_is_read_is_answered_or_refused(name: str) -> None:
    """A value that was decoded can still be too deep for what reads it: it stands a few frames further up."""
    target = TARGETS[name]
    deepest = bisect.bisect(range(sys.getrecursionlimit()), 0, key=lambda depth: not decodes(depth))
    for depth in range(deepest - FRAMES, deepest, 1 if LONG else 4):
        for text in (text for seed in target.seeds for text in nested(seed, depth)):
            found = text if name.startswith(AS_TEXT) else json.loads(text)
            try:
                target.read(found)
            except TOLD:
                pass
            except RecursionError as error:
                pytest.fail(f"{name}: {depth} deep: {text.replace('[[', '').replace(']]', '')[:400]}: {error}")


def grown(target: Target, small: object, large: object) -> tuple[float, float]:
    """How long the large one takes, and how much longer than the small one."""
    before, after = (min(fed(target, found) for _ in range(3)) for found in (small, large))
    return after, after / max(before, 1e-9)


def pairs(name: str) -> Iterator[tuple[str, object, object]]:
    """Inputs, and the same four times as large."""
    target = TARGETS[name]
    if isinstance(target.seeds[0], str):
        sizes = (LONGEST_CELL // LINEAR, LONGEST_CELL)
        few, many = (grown_texts(Mutator(name, target), target.seeds, size) for size in sizes)
        yield from ((said, small, large) for (said, small), (_, large) in zip(few, many, strict=True))
    for seed in target.seeds:
        if not isinstance(seed, str | int):
            few_items, many_items = (grown_values(seed, size) for size in (ITEMS // LINEAR, ITEMS))
            yield from ((said, small, large) for (said, small), (_, large) in zip(few_items, many_items, strict=True))


@pytest.mark.skipif(not LONG, reason="time decides nothing in `make test`")
@pytest.mark.timeout(3000)
@pytest.mark.parametrize("name", [name for name, target in TARGETS.items() if not isinstance(target.seeds[0], int)])
def test_what_is_large_is_read_in_time_that_grows_with_its_size(name: str, record_property: Record) -> None:
    target = TARGETS[name]
    times = [(*grown(target, small, large), said) for said, small, large in pairs(name)]
    worst, ratio, slowest = max(times)
    steepest = max((each[1] for each in times if each[0] >= WORTH), default=0.0)
    record_property("fuzzed", f"{name}, large: {worst * 1000:.1f} ms, x {ratio:.1f}: {slowest:.90}")
    record_property("grown", (steepest, name, worst * 1000))
    assert not [said for took, ratio, said in times if took >= WORTH and ratio >= (LINEAR + QUADRATIC) / 2]
