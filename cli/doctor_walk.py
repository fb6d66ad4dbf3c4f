"""The test event: sent into the topic as a person, and waited for until it has come out of every way it went in."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from cli.diagnosis import Diagnosis, wrong
from cli.service import answering
from policies.events import CALLED

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from cli.service import Service

EVERY = 1.0  # seconds between two questions
TOPIC = "topic"
_LOOKED = {
    "ticks": "`tick`",
    "outbox": "`deliver`",
    "events": "`queued_event`",
    TOPIC: "`scan_completed` (by queue: `queued_event`); the lines `subscription` say what stands between",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Clock:
    """Seconds; a test has its own."""

    now: Callable[[], float] = field(default=time.monotonic)
    sleep: Callable[[float], None] = field(default=time.sleep)


def event(call: str) -> dict[str, object]:
    """The CloudEvent of a call."""
    data = {"call": call, "way": TOPIC}
    return {
        "specversion": "1.0",
        "id": f"{call}-{TOPIC}",
        "source": "/weighbridge/doctor",
        "subject": call,
        "type": CALLED,
        "datacontenttype": "application/json",
        "data": data,
    }


def wait(service: Service, call: str, sent: Iterable[str], within: float, clock: Clock) -> list[Diagnosis]:
    """Ask until every way has been heard of, or the time is over; raises `NotAnswered`."""
    waited, began = set(sent), clock.now()
    route = f"doctor/calls/{call}"
    came: dict[str, float] = {}
    while True:
        with answering(route):
            heard = set(service.ask(route, {})["ways"])  # type: ignore[call-overload] # what is none is `answering`'s
        passed = clock.now() - began
        came = dict.fromkeys(heard, passed) | came
        if waited <= heard or passed >= within:
            return [_judged(way, came.get(way), within) for way in sorted(waited)]
        clock.sleep(min(EVERY, within - passed))


def end(service: Service, call: str) -> None:
    """Have the call's row removed; a message that comes out later leaves nothing. Raises `NotAnswered`."""
    service.give(f"doctor/calls/{call}", "", allowed=(200, 404))


def _judged(way: str, came: float | None, within: float) -> Diagnosis:
    check, subject = ("walk", "") if way == TOPIC else ("worked", way)
    if came is not None:
        by = "went through the topic and" if way == TOPIC else "the message"
        return Diagnosis(check=check, subject=subject, found=f"{by} came out within {came + 1:.0f} s")
    do = f"look at the log of the function {_LOOKED[way]}; ask again with --within {within * 3:.0f}"
    found = f"nothing came out in {within:.0f} s"
    return wrong(check, subject, found, "the test message", "who deploys Weighbridge", do)
