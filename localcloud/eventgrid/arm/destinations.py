"""Destinations of events and of dead letters: read from a body, and shown as Azure shows them."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import msgspec

from localcloud.arm.errors import unsupported
from localcloud.eventgrid.arm.headers import Mapped, attributes, mappings
from localcloud.eventgrid.arm.reading import invalid, read
from localcloud.eventgrid.batches import ONE_BY_ONE, Batching
from localcloud.eventgrid.model import FUNCTION, QUEUE

if TYPE_CHECKING:
    from collections.abc import Iterable

    from localcloud.arm.models import Json
    from localcloud.eventgrid.arm.places import Places
    from localcloud.eventgrid.attributes import Attribute
    from localcloud.eventgrid.model import Subscription

_KIND = "Microsoft.EventGrid/eventSubscriptions with destination"
_FOR_EVER = -1


class Destination(msgspec.Struct, kw_only=True, rename="camel"):
    """Of events or of dead letters."""

    endpoint_type: str
    properties: dict[str, Any] = {}


class Called(msgspec.Struct, kw_only=True, rename="camel"):
    """What is delivered over HTTP: a webhook has a URL, a function a resource id."""

    endpoint_url: str = ""
    endpoint_base_url: str = ""
    resource_id: str = ""
    max_events_per_batch: int | None = None
    preferred_batch_size_in_kilobytes: int | None = None
    delivery_attribute_mappings: tuple[Mapped, ...] = ()
    azure_active_directory_tenant_id: str = ""
    azure_active_directory_application_id_or_uri: str = ""


class Queued(msgspec.Struct, kw_only=True, rename="camel"):
    """A queue of a storage account."""

    resource_id: str
    queue_name: str
    queue_message_time_to_live_in_seconds: int | None = None


class Buried(msgspec.Struct, kw_only=True, rename="camel"):
    """A container of a storage account."""

    resource_id: str
    blob_container_name: str


def destination(given: Destination, places: Places, there: Subscription | None) -> dict[str, Any]:
    """Members of a subscription. Raises ArmError 400, and 501 for what this cloud cannot deliver to.

    there: the one that is changed, None for a new one. What it hides may come back as it was shown, as azure-cli sends
    it: a webhook without its URL, a secret header without its value.
    """
    known = there.attributes if there else ()
    match given.endpoint_type.lower():
        case "webhook":
            called = _called(given)
            kept = there.endpoint if there and not there.endpoint.startswith((QUEUE, FUNCTION)) else ""
            return {"endpoint": _url(called.endpoint_url or kept), **_sent(called, known)}
        case "azurefunction":
            called = _called(given)
            return {"endpoint": places.function(called.resource_id), **_sent(called, known)}
        case "storagequeue":
            queue = read(given.properties, Queued)
            places.check_account(queue.resource_id)
            seconds = queue.queue_message_time_to_live_in_seconds
            if seconds is not None and seconds < 1 and seconds != _FOR_EVER:
                raise invalid(f"queueMessageTimeToLiveInSeconds: expected {_FOR_EVER} or more than 0, found {seconds}")
            return {"endpoint": f"{QUEUE}{queue.queue_name}", "attributes": (), "queue_seconds": seconds}
        case _:
            raise unsupported("PUT", f"{_KIND} {given.endpoint_type}")


def container(given: Destination, places: Places) -> str:
    """Where dead letters go. Raises ArmError 400, and 501 for anything but blobs."""
    if given.endpoint_type.lower() != "storageblob":
        raise unsupported("PUT", f"{_KIND} {given.endpoint_type} of dead letters")
    buried = read(given.properties, Buried)
    places.check_account(buried.resource_id)
    return buried.blob_container_name


def shown(one: Subscription, places: Places) -> Json:
    """The destination of a subscription; neither its URL's query nor a secret header is told."""
    properties: Json
    if one.endpoint.startswith(QUEUE):
        properties = {"resourceId": places.account, "queueName": one.endpoint.removeprefix(QUEUE)}
        if one.queue_seconds is not None:
            properties["queueMessageTimeToLiveInSeconds"] = one.queue_seconds
        return {"properties": properties, "endpointType": "StorageQueue"}
    if one.endpoint.startswith(FUNCTION):
        kind, properties = "AzureFunction", {"resourceId": places.function_id(one.endpoint)}
    else:
        kind, properties = "WebHook", {"endpointUrl": None, "endpointBaseUrl": base_url(one)}
    properties |= msgspec.to_builtins(one.batching)
    if one.attributes:
        properties["deliveryAttributeMappings"] = mappings(one.attributes, hidden=True)
    return {"properties": properties, "endpointType": kind}


def shown_container(name: str, places: Places) -> Json | None:
    """Where dead letters of a subscription go, None for nowhere."""
    properties = {"resourceId": places.account, "blobContainerName": name}
    return {"properties": properties, "endpointType": "StorageBlob"} if name else None


def base_url(one: Subscription) -> str:
    """The address of a webhook, without its query and without a password."""
    parts = urlsplit(one.endpoint)
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}"


def _called(given: Destination) -> Called:
    called = read(given.properties, Called)
    if called.azure_active_directory_tenant_id or called.azure_active_directory_application_id_or_uri:
        raise unsupported("PUT", f"{_KIND} {given.endpoint_type} and azureActiveDirectoryTenantId")
    return called


def _sent(called: Called, known: Iterable[Attribute]) -> dict[str, Any]:
    """What is delivered, beside the events themselves; one by one unless more is asked for."""
    sizes = {
        "maxEventsPerBatch": called.max_events_per_batch,
        "preferredBatchSizeInKilobytes": called.preferred_batch_size_in_kilobytes,
    }
    batching = read(sizes, Batching) if any(size is not None for size in sizes.values()) else ONE_BY_ONE
    return {"attributes": attributes(called.delivery_attribute_mappings, known), "batching": batching}


def _url(text: str) -> str:
    """Azure takes https alone; what listens on this machine rarely has it."""
    with contextlib.suppress(ValueError):  # of a host that is none
        parts = urlsplit(text)
        if parts.scheme in ("http", "https") and parts.hostname:
            return text
    raise invalid("destination.properties.endpointUrl: expected an http or https address, found none")
