"""Topics and subscriptions as Azure Resource Manager shows them."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING

from localcloud.eventgrid.arm.destinations import shown, shown_container
from localcloud.eventgrid.arm.known import HERE
from localcloud.eventgrid.model import Schema
from localcloud.eventgrid.topics import Kind

if TYPE_CHECKING:
    from datetime import datetime

    from localcloud.arm.models import Json
    from localcloud.eventgrid.arm.places import Places
    from localcloud.eventgrid.filters import Advanced, Filter
    from localcloud.eventgrid.model import Subscription
    from localcloud.eventgrid.topics import Topic

TENANT = "00000000-0000-0000-0000-0000000000aa"
REGISTRY_TYPE = "Microsoft.ContainerRegistry.Registries"


def provisioned(topic: Topic, now: datetime) -> bool:
    """Whether its last operation is over."""
    return topic.ready is None or topic.ready <= now


def topic_view(topic: Topic, base: str, now: datetime) -> Json:
    """base: where topics take events; a topic that is being made has no endpoint yet (recorded)."""
    over = provisioned(topic, now)
    state = "Succeeded" if over else "Updating" if topic.renewed else "Creating"
    properties: Json = {"provisioningState": state}
    if topic.kind is Kind.SYSTEM:
        properties |= {"source": topic.source, "topicType": REGISTRY_TYPE}
    else:
        there = over or topic.renewed
        properties["endpoint"] = f"{base}/topics/{topic.stream}/api/events" if there else None
        properties["inputSchema"] = str(topic.schema or Schema.EVENT_GRID)
        properties |= {"publicNetworkAccess": "Enabled", "disableLocalAuth": not topic.local_auth, **topic.given}
    properties["metricResourceId"] = _made_of(topic.id)
    view = {
        "properties": properties,
        "identity": _identity(topic),
        "systemData": None,
        "location": topic.location,
        "tags": topic.tags,
        "id": topic.id,
        "name": topic.name,
        "type": f"Microsoft.EventGrid/{topic.kind}",
    }
    return view if topic.kind is Kind.SYSTEM else {**view, "sku": {"name": "Basic"}, "kind": "Azure"}


def subscription_view(one: Subscription, source: str, kind: str, places: Places) -> Json:
    """source: the id of what it subscribes to. kind: of topic that it is shown under, "" for an extension of it."""
    identity, to = {"type": "SystemAssigned"}, shown(one, places)
    letters = shown_container(one.dead_letters, places)
    properties: Json = {
        "topic": source,
        "provisioningState": str(one.state),
        "destination": None if one.by_identity else to,
        "filter": _filter(one.where, one.types),
        "labels": None if one.labels is None else list(one.labels),
        "eventDeliverySchema": str(one.schema),
        "retryPolicy": {
            "maxDeliveryAttempts": one.retry.max_delivery_attempts,
            "eventTimeToLiveInMinutes": one.retry.event_time_to_live_in_minutes,
        },
    }
    if one.by_identity:
        properties["deliveryWithResourceIdentity"] = {"identity": identity, "destination": to}
    if letters is not None and one.buried_by_identity:
        properties["deadLetterWithResourceIdentity"] = {"identity": identity, "deadLetterDestination": letters}
    elif letters is not None:
        properties["deadLetterDestination"] = letters
    return {
        "properties": properties,
        "systemData": None,
        "id": f"{source}{'' if kind else HERE}/eventSubscriptions/{one.name}",
        "name": one.name,
        "type": f"Microsoft.EventGrid/{kind and f'{kind}/'}eventSubscriptions",
    }


def _filter(where: Filter, types: tuple[str, ...]) -> Json:
    """A condition that was not asked for is left out, but those on the subject are blank (recorded)."""
    found: Json = {"subjectBeginsWith": where.subject_begins_with, "subjectEndsWith": where.subject_ends_with}
    if types:
        found["includedEventTypes"] = list(types)
    if where.is_subject_case_sensitive:
        found["isSubjectCaseSensitive"] = True
    if where.enable_advanced_filtering_on_arrays:
        found["enableAdvancedFilteringOnArrays"] = True
    if where.advanced_filters:
        found["advancedFilters"] = [_advanced(one) for one in where.advanced_filters]
    return found


def _advanced(one: Advanced) -> Json:
    given: Json = {"values": list(one.values)} if one.values else {}
    if one.value is not None:
        given = {"value": one.value}
    return {**given, "operatorType": one.operator_type, "key": one.key}


def _identity(topic: Topic) -> Json:
    own = topic.identity != "None"
    return {
        "type": topic.identity,
        "principalId": _made_of(f"{topic.id}/identity") if own else None,
        "tenantId": TENANT if own else None,
        "userAssignedIdentities": None,
    }


def _made_of(text: str) -> str:
    return str(uuid.uuid5(uuid.NAMESPACE_URL, text.lower()))
