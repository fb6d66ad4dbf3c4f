"""A subscription as a client writes it, and what it changes of one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from localcloud.arm.errors import unsupported
from localcloud.eventgrid.arm.destinations import Destination, container, destination
from localcloud.eventgrid.arm.reading import read
from localcloud.eventgrid.filters import Filter
from localcloud.eventgrid.model import Schema
from localcloud.eventgrid.schedule import RetryPolicy

if TYPE_CHECKING:
    from localcloud.eventgrid.arm.places import Places
    from localcloud.eventgrid.model import Subscription


class ByIdentity(msgspec.Struct, kw_only=True, rename="camel"):
    """A destination that is reached as the topic's own identity; here nobody is kept out of it."""

    destination: Destination | None = None
    dead_letter_destination: Destination | None = None


class Members(msgspec.Struct, kw_only=True, rename="camel"):
    """`properties` of a PUT, and the whole body of a PATCH; None is as it was."""

    destination: Destination | None = None
    delivery_with_resource_identity: ByIdentity | None = None
    filter: dict[str, Any] | None = None
    labels: tuple[str, ...] | None = None
    expiration_time_utc: str | None = None
    event_delivery_schema: str | None = None
    retry_policy: RetryPolicy | None = None
    dead_letter_destination: Destination | None = None
    dead_letter_with_resource_identity: ByIdentity | None = None


class Whole(msgspec.Struct, kw_only=True):
    """The body of a PUT."""

    properties: Members


def changes(given: Members, places: Places, there: Subscription | None = None) -> dict[str, Any]:
    """Members of a subscription that a body sets. there: the one that a PATCH changes.

    Raises:
        ArmError: 400, or 501 for what this cloud does not have.
    """
    if given.expiration_time_utc is not None:
        raise unsupported("PUT", "Microsoft.EventGrid/eventSubscriptions with expirationTimeUtc")
    found: dict[str, Any] = {}
    by_identity = given.delivery_with_resource_identity
    to = by_identity.destination if by_identity else given.destination
    if to is not None:
        found |= destination(to, places, there) | {"by_identity": by_identity is not None}
    buried = given.dead_letter_with_resource_identity
    into = buried.dead_letter_destination if buried else given.dead_letter_destination
    if into is not None:
        found |= {"dead_letters": container(into, places), "buried_by_identity": buried is not None}
    if given.filter is not None:
        where = dict(given.filter)
        found["types"] = read(where.pop("includedEventTypes", ()), tuple[str, ...])
        found["where"] = read(where, Filter)
    if given.event_delivery_schema is not None:
        found["schema"] = schema(given.event_delivery_schema)
    plain = {"labels": given.labels, "retry": given.retry_policy}
    return found | {name: value for name, value in plain.items() if value is not None}


def schema(text: str) -> Schema:
    """Of events; raises ArmError 400, and 501 for one that a client maps itself."""
    if text.lower() in ("customeventschema", "custominputschema"):
        raise unsupported("PUT", f"Microsoft.EventGrid with {text}")
    return read(text, Schema)
