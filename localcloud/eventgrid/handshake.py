"""Whether an endpoint wants the events it would get: it says so in its answer, or calls an address back later.

learn.microsoft.com/azure/event-grid/end-point-validation-event-grid-events-schema: an endpoint that answers 200 without
the code has ten minutes to call `validationUrl`, and its subscription awaits that; any other answer is none.
learn.microsoft.com/azure/event-grid/end-point-validation-cloud-events-schema: an endpoint that grants by callback
withholds the response headers, so its status says nothing. Event Grid does send `WebHook-Request-Callback`, takes a GET
or a POST, and not before OPTIONS was answered: seen by visma-real-estate-solutions.github.io/core-documentation, as the
path of that address is in validation events people recorded.
"""

from __future__ import annotations

import asyncio
import json
import uuid
from dataclasses import dataclass, field
from datetime import timedelta
from enum import Enum, auto
from typing import TYPE_CHECKING
from urllib.parse import quote, urlencode

from localcloud.eventgrid.attributes import fixed
from localcloud.eventgrid.headers import ORIGIN
from localcloud.eventgrid.model import Schema, State, Subscription
from localcloud.waiting import first

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from localcloud.clock import Clock
    from localcloud.eventgrid.wire import Wire

CALL_WITHIN = timedelta(minutes=10)
_VERSION = "2025-02-15"
_OK = range(200, 300)


class Said(Enum):
    """What an endpoint's answer means."""

    YES = auto()
    LATER = auto()  # it may call back
    NO = auto()


@dataclass(slots=True, eq=False)
class _Question:
    """open: whether a call back counts. answered: set once it does, or never will."""

    subscription: Subscription
    open: bool = False
    answered: asyncio.Event = field(default_factory=asyncio.Event)
    called: asyncio.Event = field(default_factory=asyncio.Event)


class Handshakes:
    """times: how often an endpoint that does not agree is asked, `every` seconds apart: it may still be starting.

    base: what addresses to call back begin with; "": none are offered, and an endpoint agrees at once or not at all.
    topic: the resource id of one.
    """

    def __init__(self, *, wire: Wire, clock: Clock, times: int, every: float, topic: Callable[[str], str]) -> None:
        self.base = ""
        self._topic = topic
        self._wire, self._clock = wire, clock
        self._times, self._every = times, every
        self._questions: dict[str, _Question] = {}

    async def shake(self, subscription: Subscription, times: int | None = None) -> State:
        """What the subscription comes to; meanwhile its state may be that it awaits a call.

        times: how often its endpoint is asked, None for the usual.
        """
        for _ in range(times or self._times):
            state = await self._once(subscription)
            if state is not None:
                return state
            await self._clock.sleep(self._every)
        return State.FAILED

    async def called(self, name: str, code: str) -> bool:
        """Whether this call settles the subscription. One that comes while its endpoint is asked waits for the answer.

        A call from within the endpoint's answer therefore waits in vain, as such calls fail on Azure.
        """
        question = self._questions.get(code)
        if question is None or question.subscription.name != name:
            return False
        await question.answered.wait()
        if question.open:
            question.called.set()
        return question.open

    async def _once(self, subscription: Subscription) -> State | None:
        """None: to be asked again."""
        code, question = str(uuid.uuid4()), _Question(subscription)
        self._questions[code] = question
        try:
            said = await self._ask(subscription, code)
            if said is Said.LATER and self.base:
                return await self._await_call(question)
            return State.SUCCEEDED if said is Said.YES else None
        finally:
            question.open = False
            question.answered.set()
            del self._questions[code]

    async def _await_call(self, question: _Question) -> State:
        question.subscription.state = State.AWAITING
        question.open = True
        question.answered.set()
        await first(question.called.wait(), self._until(self._clock.now() + CALL_WITHIN))
        return State.SUCCEEDED if question.called.is_set() else State.FAILED

    async def _until(self, end: datetime) -> None:
        """The wait may begin later than it was asked for: time that was skipped in between counts."""
        await self._clock.sleep((end - self._clock.now()).total_seconds())

    async def _ask(self, subscription: Subscription, code: str) -> Said:
        cloud = subscription.schema is Schema.CLOUD_EVENTS
        return await (self._options(subscription, code) if cloud else self._event(subscription, code))

    async def _options(self, subscription: Subscription, code: str) -> Said:
        headers = {**fixed(subscription.attributes), "WebHook-Request-Origin": ORIGIN}
        if self.base:
            headers["WebHook-Request-Callback"] = self._address(subscription, code)
        status, answer, _ = await self._wire.ask("OPTIONS", subscription.endpoint, headers, None)
        if status not in _OK:
            return Said.NO
        allowed = answer.get("WebHook-Allowed-Origin")
        return Said.LATER if allowed is None else Said.YES if allowed in (ORIGIN, "*") else Said.NO

    async def _event(self, subscription: Subscription, code: str) -> Said:
        data = {"validationCode": code}
        if self.base:
            data["validationUrl"] = self._address(subscription, code)
        event = {
            "id": str(uuid.uuid4()),
            "topic": self._topic(subscription.topic),
            "subject": "",
            "data": data,
            "eventType": "Microsoft.EventGrid.SubscriptionValidationEvent",
            "eventTime": self._clock.now().isoformat(),
            "metadataVersion": "1",
            "dataVersion": "2",
        }
        headers = {
            **fixed(subscription.attributes),
            "Content-Type": "application/json; charset=utf-8",
            "aeg-event-type": "SubscriptionValidation",
            "aeg-subscription-name": subscription.name.upper(),
        }
        status, _, text = await self._wire.ask("POST", subscription.endpoint, headers, [event])
        if status != 200:  # noqa: PLR2004 - HTTP's own
            return Said.NO
        response = _response(text)
        return Said.LATER if response is None else Said.YES if response == code else Said.NO

    def _address(self, subscription: Subscription, code: str) -> str:
        query = urlencode({"id": code, "t": self._clock.now().isoformat(), "apiVersion": _VERSION})
        return f"{self.base}/eventsubscriptions/{quote(subscription.name)}/validate?{query}"


def _response(text: str) -> object:
    try:
        body = json.loads(text)
    except ValueError:
        return None
    return body.get("validationResponse") if isinstance(body, dict) else None
