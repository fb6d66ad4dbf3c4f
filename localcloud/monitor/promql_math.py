"""The arithmetic of PromQL: rates of counters, quantiles of histograms, aggregations. No series, no parser.

As Prometheus 2.45 has it (prometheus.io/docs/prometheus/latest/querying/functions).
"""

from __future__ import annotations

import math
import operator
from itertools import pairwise
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

_AHEAD = 1.1  # a series is taken to go on to the edge of the range when that is at most so many steps away
_TWO = 2


def increased(samples: Sequence[tuple[float, float]], start: float, end: float) -> float | None:
    """How much a counter rose over (start, end], stretched to the edges; None of fewer than two samples."""
    if len(samples) < _TWO:
        return None
    (first_at, first), (last_at, last) = samples[0], samples[-1]
    grown = last - first + sum(before for (_, before), (_, after) in pairwise(samples) if after < before)
    length = last_at - first_at
    step = length / (len(samples) - 1)
    to_start, to_end = first_at - start, end - last_at
    if grown > 0 and first >= 0:  # a counter is not taken below zero
        to_start = min(to_start, length * first / grown)
    reach = length
    for gap in (to_start, to_end):
        reach += gap if gap < step * _AHEAD else step / 2
    return grown * reach / length


def quantile(share: float, buckets: Mapping[float, float]) -> float:
    """The value below which this share of a histogram lies. buckets: upper bound -> cumulative count."""
    if share < 0 or share > 1 or math.isnan(share):
        return math.nan if math.isnan(share) else math.copysign(math.inf, share)
    bounds = sorted(buckets)
    if len(bounds) < _TWO or bounds[-1] != math.inf:
        return math.nan
    counts: list[float] = []
    for bound in bounds:
        counts.append(max(buckets[bound], counts[-1] if counts else 0.0))
    if not counts[-1]:
        return math.nan
    rank = share * counts[-1]
    place = next(n for n, count in enumerate(counts) if count >= rank)
    if place == len(bounds) - 1:
        return bounds[-2]
    if place == 0 and bounds[0] <= 0:
        return bounds[0]
    below, before = (bounds[place - 1], counts[place - 1]) if place else (0.0, 0.0)
    inside = counts[place] - before
    return below + (bounds[place] - below) * ((rank - before) / inside) if inside else bounds[place]


def average(values: Sequence[float]) -> float:
    """Of at least one."""
    return sum(values) / len(values)


def count(values: Sequence[float]) -> float:
    """How many."""
    return float(len(values))


AGGREGATIONS: Mapping[str, Callable[[Sequence[float]], float]] = {
    "sum": math.fsum,
    "avg": average,
    "min": min,
    "max": max,
    "count": count,
}
OVER_TIME: Mapping[str, Callable[[Sequence[float]], float]] = {
    "avg_over_time": average,
    "min_over_time": min,
    "max_over_time": max,
    "sum_over_time": math.fsum,
    "count_over_time": count,
}
COMPARISONS: Mapping[str, Callable[[float, float], bool]] = {
    "==": operator.eq,
    "!=": operator.ne,
    ">": operator.gt,
    "<": operator.lt,
    ">=": operator.ge,
    "<=": operator.le,
}


def _divided(left: float, right: float) -> float:
    if right:
        return left / right
    return math.nan if not left or math.isnan(left) else math.copysign(math.inf, left) * math.copysign(1, right)


def _modulo(left: float, right: float) -> float:
    return math.fmod(left, right) if right else math.nan


ARITHMETIC: Mapping[str, Callable[[float, float], float]] = {
    "+": operator.add,
    "-": operator.sub,
    "*": operator.mul,
    "/": _divided,
    "%": _modulo,
}
