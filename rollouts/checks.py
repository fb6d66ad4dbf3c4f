"""What a policy asks of a canary, and what was counted: the values the judge works on."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum


class Verdict(StrEnum):
    """The four answers; "too little to know" and "could not ask" are neither good nor bad."""

    PASSED = "passed"
    INCONCLUSIVE = "inconclusive"
    ERRORED = "errored"
    FAILED = "failed"


class OnNoData(StrEnum):
    """What an inconclusive bake does at its end."""

    PROBE = "probe"
    WAIT = "wait"
    PAUSE = "pause"
    FAIL = "fail"


class CheckKind(StrEnum):
    PROBE = "probe"
    RESTARTS = "restarts"
    ERRORS = "errors"
    METRIC = "metric"


OF_REQUESTS = frozenset({CheckKind.ERRORS, CheckKind.PROBE})
"""What needs HTTP requests: to count, or to send."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Limit:
    """How much is allowed: `rate` alone, `stable + rate`, or `stable x times`.

    rate: a share from 0 to 1. Exactly one of `rate` alone, (`rate`, `above_stable`) or `times` is meant.
    """

    rate: float = 0.0
    above_stable: bool = False
    times: float | None = None  # None: not relative to stable by a factor


@dataclass(frozen=True, slots=True, kw_only=True)
class ProbeSpec:
    """One synthetic request to the canary's own address."""

    path: str = "/"
    lowest: int = 200
    highest: int = 399
    under: timedelta | None = None  # None: as slow as the client's time-out allows


class Compare(StrEnum):
    """How a number must stand to its limit."""

    AT_MOST = "<="
    BELOW = "<"
    AT_LEAST = ">="
    ABOVE = ">"
    EQUAL = "=="


@dataclass(frozen=True, slots=True, kw_only=True)
class Gauge:
    """A number that a query answers for one revision, and what it may be.

    name: of the row `names | metric | <name>`. percentile: of request durations in ms; None: the row's own query.
    number: the limit, or what is added to stable's number. times: factor of stable's; None: stable does not matter.
    over: the time before a reading that it looks at; None: since the step's weight was seen.
    """

    name: str
    percentile: int | None = None
    compare: Compare = Compare.AT_MOST
    number: float = 0.0
    times: float | None = None
    over: timedelta | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """What a query answered for one revision. value None: nothing to tell. samples None: it does not tell how many."""

    value: float | None = None
    samples: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """One `;`-part of the Checks cell.

    text: the part as the person wrote it, for messages.
    most: for restarts, the largest count allowed.
    """

    kind: CheckKind
    text: str
    probe: ProbeSpec | None = None  # None unless kind is PROBE
    limit: Limit | None = None  # None unless kind is ERRORS
    most: int = 0
    gauge: Gauge | None = None  # None unless kind is METRIC
    minimum: int = 0  # requests of the canary (for METRIC, samples) below which the check says nothing
    strikes: int = 1  # failures in a row that make it failed
    warn: bool = False  # said aloud, never acted on


@dataclass(frozen=True, slots=True, kw_only=True)
class Counts:
    """Requests and failed requests (5xx) of one revision, running totals or one interval."""

    requests: int = 0
    errors: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Tally:
    """What one check has added up since the canary's first weight.

    worse, better: log gain of each bet in `analysis.WORSE` and `analysis.BETTER`; () before the first interval.
    floor: the same bets as `worse`, against the floor below which a difference does not matter; () where none applies.
    strikes: failures in a row, at the last look. alone: the canary had all the traffic at the last look.
    beside: of METRIC, stable's number when it was last asked; None: it never had one.
    """

    worse: tuple[float, ...] = ()
    better: tuple[float, ...] = ()
    floor: tuple[float, ...] = ()
    canary: Counts = Counts()
    stable: Counts = Counts()
    strikes: int = 0
    alone: bool = False
    beside: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Measurement:
    """What one check says now, in numbers and in words.

    value, limit, stable: in the check's own unit (a rate from 0 to 1, restarts, an HTTP status, milliseconds, whatever
    a named query counts); None: not known.
    samples: canary requests behind the answer. missing: how many more would settle it, when that is known.
    since, until: the time a query was asked about; None for the other kinds.
    """

    check: str
    verdict: Verdict
    because: str
    value: float | None = None
    limit: float | None = None
    stable: float | None = None
    samples: int = 0
    missing: int | None = None
    strikes: int = 0
    warn: bool = False
    since: datetime | None = None
    until: datetime | None = None
