"""Storage queues in memory: what was sent, and when a host would see it."""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from cloud.queues import encoded, whole_seconds

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping
    from datetime import datetime

    from delivery.ports import Clock

    Hook = Callable[[str, tuple[object, ...]], Awaitable[None]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """One message as a handler would read it: decoded from what went over the wire."""

    queue: str
    body: Mapping[str, Any]
    visible_at: datetime


class MemoryQueue:
    """`delivery.ports.Queue`. Messages stay until popped; hooks as in `MemoryRows`, with the call's name `put`."""

    def __init__(self, clock: Clock, *, before: Hook | None = None, after: Hook | None = None) -> None:
        self.before = before
        self.after = after
        self.messages: list[Message] = []
        self._clock = clock

    async def put(self, queue: str, message: Mapping[str, object], delay: timedelta) -> None:
        call = ("put", (queue, message, delay))
        if self.before is not None:
            await self.before(*call)
        body = json.loads(base64.b64decode(encoded(queue, message)))
        visible_at = self._clock.now() + timedelta(seconds=whole_seconds(queue, delay))
        self.messages.append(Message(queue=queue, body=body, visible_at=visible_at))
        if self.after is not None:
            await self.after(*call)

    def waiting(self, queue: str = "") -> list[Message]:
        """What was sent to this queue (to any: "") and not popped, soonest first."""
        return sorted((m for m in self.messages if queue in ("", m.queue)), key=lambda message: message.visible_at)

    def due(self, queue: str = "") -> list[Message]:
        """The waiting messages that are visible now."""
        return [message for message in self.waiting(queue) if message.visible_at <= self._clock.now()]

    def pop_due(self, queue: str = "") -> Message | None:
        """Take the message that has been visible longest; None when none is."""
        message = next(iter(self.due(queue)), None)
        if message is not None:
            self._take(message)
        return message

    def _take(self, taken: Message) -> None:
        # By identity: the same message may have been sent twice.
        self.messages = [message for message in self.messages if message is not taken]

    def next_at(self, queue: str = "") -> datetime | None:
        """When the soonest waiting message becomes, or became, visible; None when nothing waits."""
        return next((message.visible_at for message in self.waiting(queue)), None)
