"""Spans and numbers for operators, through the OpenTelemetry API alone: without a configured provider it does nothing.

What a tick is worth telling is worked out as values (`of_tick`) and recorded afterwards; docs/operating.md lists every
name. The API is imported at the first use, so that a cold start does not pay for it.
"""

from __future__ import annotations

import functools
from contextlib import contextmanager
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from rollouts.decided import Announce, Decision, Said
from rollouts.model import Phase

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from datetime import datetime

    from rollouts.model import App, Rollout

SCOPE = "weighbridge"
Attributes = dict[str, str | int]


class Kind(StrEnum):
    """How a number is kept: counted up, spread over time, or as it is now."""

    COUNTER = "counter"
    HISTOGRAM = "histogram"
    GAUGE = "gauge"


@dataclass(frozen=True, slots=True, kw_only=True)
class Instrument:
    """A number's kind, its unit in UCUM, and what it tells."""

    kind: Kind
    unit: str
    tells: str


INSTRUMENTS: Mapping[str, Instrument] = {
    "weighbridge.rollout.duration": Instrument(
        kind=Kind.HISTOGRAM, unit="s", tells="from taking the app to the end, by outcome"
    ),
    "weighbridge.rollout.weight": Instrument(kind=Kind.GAUGE, unit="%", tells="the canary's share, as last seen live"),
    "weighbridge.gate.wait": Instrument(
        kind=Kind.HISTOGRAM, unit="s", tells="from the offer to the start, for images that started"
    ),
    "weighbridge.requests.harmed": Instrument(
        kind=Kind.COUNTER, unit="{request}", tells="failed requests to canaries, once all are counted"
    ),
    "weighbridge.said": Instrument(kind=Kind.COUNTER, unit="{message}", tells="announcements, by type"),
    "weighbridge.writes": Instrument(
        kind=Kind.COUNTER, unit="{write}", tells="writes to Container Apps that were decided, by kind"
    ),
    "weighbridge.tick.lateness": Instrument(
        kind=Kind.HISTOGRAM, unit="s", tells="how much later than planned an app was ticked"
    ),
    "weighbridge.notification.failures": Instrument(
        kind=Kind.COUNTER,
        unit="{delivery}",
        tells="deliveries that failed, by channel and whether tried again",
    ),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Number:
    """One reading of an instrument."""

    name: str
    value: float
    attributes: Attributes = field(default_factory=dict)


def of_tick(before: App, decision: Decision, now: datetime) -> list[Number]:
    """The numbers of a tick that saved. before: the app as it was loaded."""
    app = decision.next.key.rpartition("|")[2]
    said = [effect.said for effect in decision.effects if isinstance(effect, Announce)]
    numbers = [_number("weighbridge.said", 1, app, type=one.value) for one in said]
    if before.indexed is not None and now > before.indexed:
        numbers.append(_number("weighbridge.tick.lateness", (now - before.indexed).total_seconds(), app))
    if decision.write is not None:
        numbers.append(_number("weighbridge.writes", 1, app, kind=type(decision.write).__name__))
    live = decision.next.live
    if live is not None:
        numbers.append(_number("weighbridge.rollout.weight", _weight(live), app))
        if Said.STARTED in said and live.started_at is not None:
            numbers.append(_number("weighbridge.gate.wait", (live.started_at - live.offered_at).total_seconds(), app))
    for rollout in decision.finished:
        numbers += _ended(rollout, app)
    for rollout in decision.reported:
        if rollout.final is not None:
            numbers.append(_number("weighbridge.requests.harmed", rollout.final.canary.errors, app))
    return numbers


def _ended(rollout: Rollout, app: str) -> list[Number]:
    if rollout.started_at is None or rollout.finished_at is None:
        return []
    lasted = (rollout.finished_at - rollout.started_at).total_seconds()
    left = 100 if rollout.phase is Phase.PROMOTED else 0
    return [
        _number("weighbridge.rollout.duration", lasted, app, outcome=rollout.phase.value),
        _number("weighbridge.rollout.weight", left, app),
    ]


def _weight(live: Rollout) -> int:
    return dict(live.seen or {}).get(live.canary, 0)


def _number(name: str, value: float, app: str, **more: str) -> Number:
    return Number(name=name, value=value, attributes={"app": app, **more})


def record(numbers: list[Number]) -> None:
    """Hand numbers to whoever measures; nothing without the API."""
    for number in numbers:
        instrument = _instrument(number.name)
        if instrument is None:
            return
        match INSTRUMENTS[number.name].kind:
            case Kind.COUNTER:
                instrument.add(number.value, number.attributes)
            case Kind.HISTOGRAM:
                instrument.record(number.value, number.attributes)
            case Kind.GAUGE:
                instrument.set(number.value, number.attributes)


@functools.cache
def _instrument(name: str) -> Any:  # noqa: ANN401 - of a package that need not be there
    try:
        from opentelemetry import metrics  # noqa: PLC0415 - not on the way of a cold start
    except ImportError:
        return None
    known, meter = INSTRUMENTS[name], metrics.get_meter(SCOPE)
    match known.kind:
        case Kind.COUNTER:
            return meter.create_counter(name, unit=known.unit, description=known.tells)
        case Kind.HISTOGRAM:
            return meter.create_histogram(name, unit=known.unit, description=known.tells)
        case Kind.GAUGE:
            return meter.create_gauge(name, unit=known.unit, description=known.tells)


class Span:
    """A span that is told more as it is known; one of nothing without the API."""

    def __init__(self, inner: Any) -> None:  # noqa: ANN401 - same
        self._inner = inner

    def tell(self, attributes: Attributes) -> None:
        """Add what is known now."""
        if self._inner is not None:
            self._inner.set_attributes(attributes)


@contextmanager
def span(name: str, attributes: Attributes) -> Iterator[Span]:
    """A span around what is done inside; an error is recorded on it and goes on."""
    try:
        from opentelemetry import trace  # noqa: PLC0415 - not on the way of a cold start
    except ImportError:
        yield Span(None)
        return
    with trace.get_tracer(SCOPE).start_as_current_span(name, attributes=attributes) as inner:
        yield Span(inner)


def told_by(decision: Decision) -> Attributes:
    """What a tick's span says of its decision."""
    live = decision.next.live
    known: Attributes = {"weighbridge.because": decision.because[:200]}
    if live is not None:
        known |= {
            "weighbridge.rollout": live.n,
            "weighbridge.phase": live.phase.value,
            "weighbridge.image": live.image.short,
            "weighbridge.weight": _weight(live),
        }
    return known
