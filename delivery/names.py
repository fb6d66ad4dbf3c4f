"""Names of tables, queues and keys, in one place."""

from __future__ import annotations

from datetime import UTC, datetime

POLICIES = "policies"
NAMES = "names"
ROLLOUTS = "rollouts"
EVIDENCE = "evidence"
ACTIVE = "active"
TABLES = (POLICIES, NAMES, ROLLOUTS, EVIDENCE, ACTIVE)

TICKS = "ticks"
OUTBOX = "outbox"
EVENTS = "events"  # where Event Grid puts what a private function app cannot be called with
QUEUES = (TICKS, OUTBOX, EVENTS)

DEFAULTS = "defaults"
DEFAULT_CHANNEL = "default"
SHARDS = 16
LAST = "~"  # sorts after every character our keys use


def app_key(resource: str) -> str:
    """The partition of an app: its lower-cased resource id with `|` for `/`."""
    return resource.lower().replace("/", "|")


def resource_id(key: str) -> str:
    """The resource id of an app's partition."""
    return key.replace("|", "/")


def shard(key: str) -> str:
    """The partition of `active` an app is listed in; stable across processes, unlike `hash`."""
    return f"{sum(key.encode()) % SHARDS:02}"


def rollout_key(n: int) -> str:
    """`rollout:<n>`, padded so that keys sort as numbers."""
    return f"rollout:{n:08}"


def audit_key(n: int, seq: int) -> str:
    """`event:<n>:<seq>`; n 0 is the app itself."""
    return f"event:{n:08}:{seq:010}"


def order_key(at: datetime, unique: str) -> str:
    """`order:<time>:<unique>`, sorted by time."""
    return f"order:{at.astimezone(UTC):%Y%m%dT%H%M%S.%fZ}:{unique}"


def quarantine_key(digest: str) -> str:
    """`quarantine:<digest>`."""
    return f"quarantine:{digest}"


def outbox_key(event_id: str) -> str:
    """`outbox:<id>`."""
    return f"outbox:{event_id}"
