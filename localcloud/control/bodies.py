"""Bodies of orders. Every member that is missing takes the value given here."""

from __future__ import annotations

from typing import Annotated, Any

import msgspec

from localcloud.arm.trouble import Kind
from localcloud.dataplane.fate import FateKind
from localcloud.eventgrid.attributes import MOST, NONE, Attribute
from localcloud.eventgrid.batches import ONE_BY_ONE, Batching
from localcloud.eventgrid.filters import ANYTHING, Filter
from localcloud.eventgrid.model import Schema
from localcloud.eventgrid.orders import EventTrouble
from localcloud.eventgrid.schedule import USUAL, RetryPolicy
from localcloud.hooks import HookTrouble

_DECADE = 10 * 366 * 86400
Times = Annotated[int, msgspec.Meta(ge=1, le=1_000_000)]
Seconds = Annotated[float, msgspec.Meta(ge=0, le=_DECADE)]
Status = Annotated[int, msgspec.Meta(ge=200, le=599)]


class Order(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """A body whose members are all known."""


class Advance(Order):
    """Of the clock."""

    advance: Seconds


class ArmOrder(Order):
    """Trouble for requests to Azure Resource Manager; method and path: "" is any, path is a part of it."""

    kind: Kind
    times: Times = 1
    method: str = ""
    path: str = ""
    seconds: Seconds = 1


class Release(Order):
    """One request that is held, or all of them."""

    id: int | None = None


class Metrics(Order):
    """How late they are."""

    delay: Seconds


class FateOrder(Order):
    """What is to become of a revision, which need not be there yet. revision: a name, `*` stands for any part of it."""

    kind: FateKind
    revision: str
    after: Seconds = 0
    times: Annotated[int, msgspec.Meta(ge=0, le=1_000_000)] = 0


class EventOrderBody(Order):
    """Trouble for deliveries of events; "" matches any, subject is a part of it."""

    kind: EventTrouble
    times: Times = 1
    subscription: str = ""
    type: str = ""
    subject: str = ""
    seconds: Seconds = 0
    status: Status = 503


class Subscribe(Order):
    """A subscription of a topic, in place of one with its name."""

    topic: str
    endpoint: str
    types: list[str] = []
    schema: Schema = Schema.EVENT_GRID
    where: Filter = ANYTHING
    retry: RetryPolicy = USUAL
    dead_letters: str = ""
    batching: Batching = ONE_BY_ONE
    attributes: Annotated[tuple[Attribute, ...], msgspec.Meta(max_length=MOST)] = NONE


class Pace(Order):
    """Of Event Grid; what is None stays as it is. factor: of Azure's waits."""

    factor: Annotated[float, msgspec.Meta(gt=0, le=1000)] | None = None
    jitter: Annotated[float, msgspec.Meta(ge=0, le=1)] | None = None
    probation: bool | None = None


class Publish(Order):
    """An event of a topic, in either schema."""

    topic: str
    event: dict[str, Any]


class HookOrderBody(Order):
    """Trouble for deliveries to the webhook target; path: a part of it, "" is any."""

    kind: HookTrouble
    times: Times = 1
    path: str = ""
    status: Status = 500
    seconds: Seconds = 0


class Reset(Order):
    """What is thrown away beside all trouble."""

    apps: bool = True
    images: bool = True
    log: bool = True


Shown = dict[str, Any]
"""Members of a revision's `properties`, whichever they are."""
