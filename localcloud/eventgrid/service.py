"""The Event Grid of one machine: takes events, and sees each to its subscribers."""

from __future__ import annotations

import asyncio
from random import Random
from typing import TYPE_CHECKING

from localcloud.eventgrid.access import TopicKeys
from localcloud.eventgrid.attributes import NONE, Attribute
from localcloud.eventgrid.batches import ONE_BY_ONE, Batching
from localcloud.eventgrid.courier import Courier
from localcloud.eventgrid.filters import ANYTHING, Filter
from localcloud.eventgrid.handshake import Handshakes
from localcloud.eventgrid.model import QUEUE, Schema, State, Subscription
from localcloud.eventgrid.responses import topics
from localcloud.eventgrid.rounds import Rounds
from localcloud.eventgrid.schedule import USUAL, Pace, RetryPolicy
from localcloud.eventgrid.schemas import event_type, written
from localcloud.eventgrid.topics import Kind, Topic
from localcloud.eventgrid.wire import Wire

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Mapping, Sequence
    from datetime import datetime

    from aiohttp import web

    from localcloud.clock import Clock
    from localcloud.eventgrid.storage import Account

_SCOPE = "/subscriptions/00000000-0000-0000-0000-000000000001/resourceGroups/rg-local"


class EventGrid:
    """Delivers each event at least once, in no order, to every subscription that wants its type.

    schedule, jitter: of its pace, which may be changed later: see `Pace`. seed: of the chance in it.
    key: the first of every topic, "": each has its own. within: seconds an endpoint may take to answer.
    handshakes: how often an endpoint is asked before its subscription fails, `handshake_every` seconds apart.
    scope: the resource group its custom topics are in. account: of queues and dead letters, None: there are none.
    deliveries: every attempt, the oldest first. dead_letters: what was given up. orders: trouble on the way.
    function: the address at which a function takes events, None for none of that name. topics: by what publishers call
    them. subscriptions: by `Subscription.key`.
    Where `app` is served is set as `handshakes.base`, for endpoints that call back.
    """

    def __init__(
        self,
        *,
        clock: Clock,
        schedule: float = 1.0,
        jitter: float = 0.1,
        seed: str = "",
        key: str = "",
        within: float = 30.0,
        handshakes: int = 300,
        handshake_every: float = 0.2,
        scope: str = _SCOPE,
        account: Account | None = None,
        function: Callable[[str], str | None] = lambda _: None,
    ) -> None:
        self._key = key
        self.topics: dict[str, Topic] = {}
        self.subscriptions: dict[tuple[str, str], Subscription] = {}
        self.account, self.function = account, function
        self._clock = clock
        self.pace = Pace(factor=schedule, jitter=jitter)
        self._scope = scope
        self._wire = Wire(within, function)
        self.handshakes = Handshakes(
            wire=self._wire,
            clock=clock,
            times=handshakes,
            every=handshake_every,
            topic=self.resource_id,
        )
        self._asking: dict[tuple[str, str], tuple[Subscription, asyncio.Task[None]]] = {}
        courier = Courier(wire=self._wire, clock=clock, account=account)
        self.orders = courier.orders
        self.chance = Random(seed)  # noqa: S311 - waits, and the same in every run
        self._rounds = Rounds(
            clock=clock,
            courier=courier,
            account=account,
            pace=self.pace,
            chance=self.chance,
            begin=self._begin,
        )
        self.deliveries = self._rounds.deliveries
        self.dead_letters = self._rounds.dead_letters
        self._tasks: set[asyncio.Task[None]] = set()

    def app(self) -> web.Application:
        """The topics' own endpoints, and the address endpoints call back: see `responses`."""
        return topics(self)

    def topic(self, name: str, *, kind: Kind = Kind.CUSTOM, schema: Schema | None = None, source: str = "") -> Topic:
        """Let a topic be; one that is subscribed to is already, and stays as it is."""
        keys = TopicKeys(key1=self._key) if self._key else TopicKeys()
        made = Topic(name=name, home=self._scope, stream=name, kind=kind, schema=schema, source=source, keys=keys)
        return self.topics.setdefault(name, made)

    def keys_of(self, topic: str) -> TopicKeys:
        """What opens a topic to who publishes; they may be changed."""
        return self.topics[topic].keys

    def now(self) -> datetime:
        """The time of the local cloud."""
        return self._clock.now()

    def resource_id(self, topic: str) -> str:
        """What events of a topic bear as their topic."""
        found = self.topics[topic]
        return found.source or found.id

    def subscribe(
        self,
        name: str,
        topic: str,
        *,
        endpoint: str,
        types: Sequence[str] = (),
        schema: str = Schema.EVENT_GRID,
        where: Filter = ANYTHING,
        retry: RetryPolicy = USUAL,
        dead_letters: str = "",
        batching: Batching = ONE_BY_ONE,
        attributes: tuple[Attribute, ...] = NONE,
    ) -> Subscription:
        """Begin a subscription, in place of one with this name. Events wait until its endpoint has answered."""
        subscription = Subscription(
            name=name,
            topic=topic,
            endpoint=endpoint,
            types=tuple(types),
            schema=Schema(schema),
            where=where,
            retry=retry,
            dead_letters=dead_letters,
            batching=batching,
            attributes=attributes,
        )
        for key in [key for key in self.subscriptions if key[1] == subscription.key[1]]:
            self.unsubscribe(key)
        self.begin(subscription)
        return subscription

    def begin(self, subscription: Subscription, times: int | None = None) -> None:
        """Begin one that is made already, in place of its topic's own of its name.

        times: how often its endpoint is asked, None for the usual.
        """
        self.topic(subscription.topic)
        self.unsubscribe(subscription.key)
        self.subscriptions[subscription.key] = subscription
        self._asking[subscription.key] = subscription, self._begin(self._validate(subscription, times))

    def delete(self, key: tuple[str, str]) -> None:
        """End a subscription, which gets nothing more: not even what is under way."""
        found = self.subscriptions.get(key)
        if found is not None:
            found.ended = True
            self.unsubscribe(key)

    def drop(self, topic: str) -> None:
        """End a topic, and who subscribes to it."""
        self.topics.pop(topic, None)
        for key in [key for key in self.subscriptions if key[0] == topic]:
            self.delete(key)

    def unsubscribe(self, key: tuple[str, str]) -> None:
        """End a subscription, whose endpoint may still be asked; none is as good. What is under way goes on."""
        self.subscriptions.pop(key, None)
        subscription, asking = self._asking.pop(key, (None, None))
        if subscription is not None and asking is not None and asking.cancel():
            subscription.state = State.FAILED
            subscription.settled.set()

    async def publish(self, topic: str, event: Mapping[str, object]) -> None:
        """Take one event, of either schema; it is delivered after this returned."""
        kind = event_type(event)
        wanting = [one for one in self.subscriptions.values() if one.topic == topic and one.wants(kind, event)]
        bodies = [(subscription, written(event, subscription.schema)) for subscription in wanting]
        for subscription, body in bodies:
            self._rounds.take(subscription, event, body)

    async def settle(self, within: float) -> None:
        """Wait until nothing is under way; TimeoutError after so many real seconds."""
        async with asyncio.timeout(within):
            while self._tasks:
                await asyncio.wait(self._tasks)

    async def close(self) -> None:
        """Forget what is under way and close the connections."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._wire.close()

    def _begin(self, work: Coroutine[object, object, None]) -> asyncio.Task[None]:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    async def _validate(self, subscription: Subscription, times: int | None) -> None:
        queue = subscription.endpoint.startswith(QUEUE)  # which is not asked
        subscription.state = State.SUCCEEDED if queue else await self.handshakes.shake(subscription, times)
        subscription.settled.set()
