"""The two shapes of an event: read from a publisher, written for a subscriber."""

from __future__ import annotations

from collections.abc import Mapping

from localcloud.eventgrid.model import Schema

Event = Mapping[str, object]
_NEEDED = {
    Schema.EVENT_GRID: ("id", "subject", "eventType", "eventTime", "dataVersion"),
    Schema.CLOUD_EVENTS: ("id", "source", "type", "specversion"),
}


class BadEvent(ValueError):
    """The publisher must mend it; `path: expected X, found Y`."""


def shape(event: Event) -> Schema:
    """Which of the two an event is."""
    return Schema.CLOUD_EVENTS if "specversion" in event else Schema.EVENT_GRID


def event_type(event: Event) -> str:
    """Its type, in either shape."""
    return str(event.get("type") if shape(event) is Schema.CLOUD_EVENTS else event.get("eventType"))


def accepted(body: object, schema: Schema, topic: str) -> list[dict[str, object]]:
    """What a publisher sent, as events of a topic; raises `BadEvent`."""
    if not isinstance(body, list):
        raise BadEvent(f"body: expected an array of events, found {type(body).__name__}")
    return [_accepted(event, schema, f"[{place}]", topic) for place, event in enumerate(body)]


def _accepted(event: object, schema: Schema, place: str, topic: str) -> dict[str, object]:
    if not isinstance(event, dict):
        raise BadEvent(f"{place}: expected an event, found {type(event).__name__}")
    for name in _NEEDED[schema]:
        if not isinstance(event.get(name), str):
            raise BadEvent(f"{place}.{name}: expected text, found {type(event.get(name)).__name__}")
    if schema is Schema.CLOUD_EVENTS:
        if event["specversion"] != "1.0":
            raise BadEvent(f"{place}.specversion: expected '1.0', found {event['specversion']!r}")
        return event
    if event.get("topic") not in (None, "", topic):
        raise BadEvent(f"{place}.topic: expected none or {topic!r}, found {event['topic']!r}")
    return {**event, "topic": topic, "metadataVersion": "1"}


def written(event: Event, schema: Schema) -> dict[str, object]:
    """An event as a subscription wants it. A CloudEvent has no Event Grid form: Azure refuses that pairing too."""
    if shape(event) is schema:
        return dict(event)
    if schema is Schema.EVENT_GRID:
        raise BadEvent("event: expected Event Grid's schema, as a subscription wants it, found a CloudEvent")
    return {
        "id": event["id"],
        "source": event["topic"],
        "specversion": "1.0",
        "type": event["eventType"],
        "subject": event["subject"],
        "time": event["eventTime"],
        "data": event.get("data"),
    }
