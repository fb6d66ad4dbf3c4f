"""A topic as a client writes it."""

from __future__ import annotations

from typing import Any

import msgspec

from localcloud.arm.errors import unsupported
from localcloud.eventgrid.arm.bodies import schema

_KEPT = ("minimum_tls_version_allowed", "data_residency_boundary")


class Properties(msgspec.Struct, kw_only=True, frozen=True, rename="camel"):
    """Of a custom topic, and of a system topic."""

    input_schema: str | None = None
    disable_local_auth: bool | None = None
    minimum_tls_version_allowed: str | None = None
    data_residency_boundary: str | None = None
    public_network_access: str = "Enabled"
    inbound_ip_rules: list[Any] = []
    input_schema_mapping: dict[str, Any] = {}
    event_type_info: dict[str, Any] = {}
    source: str = ""
    topic_type: str = ""


class Identity(msgspec.Struct, kw_only=True, frozen=True):
    """Of the topic; nobody asks who delivers here."""

    type: str = "None"


class Sku(msgspec.Struct, kw_only=True, frozen=True):
    """What one pays for."""

    name: str = "Basic"


class TopicBody(msgspec.Struct, kw_only=True, frozen=True):
    """Of a PUT or a PATCH; None is as it was."""

    location: str = ""
    tags: dict[str, str] | None = None
    identity: Identity | None = None
    sku: Sku = Sku()
    properties: Properties = Properties()


def changes(body: TopicBody) -> dict[str, Any]:
    """Members of a topic that a body sets. Raises ArmError 501 for what this cloud does not have."""
    of = body.properties
    lacking = {
        "publicNetworkAccess": of.public_network_access.lower() != "enabled",
        "inboundIpRules": of.inbound_ip_rules,
        "inputSchemaMapping": of.input_schema_mapping,
        "eventTypeInfo": of.event_type_info,
        "sku": body.sku.name.lower() != "basic",
        "identity.type": body.identity is not None and body.identity.type not in ("None", "SystemAssigned"),
    }
    found = [name for name, given in lacking.items() if given]
    if found:
        raise unsupported("PUT", f"Microsoft.EventGrid/topics with {', '.join(found)}")
    plain = {
        "tags": body.tags,
        "identity": body.identity and body.identity.type,
        "schema": None if of.input_schema is None else schema(of.input_schema),
        "local_auth": None if of.disable_local_auth is None else not of.disable_local_auth,
        "given": _given(of),
    }
    return {name: value for name, value in plain.items() if value is not None}


def _given(of: Properties) -> dict[str, str] | None:
    wire = {one.name: one.encode_name for one in msgspec.structs.fields(of)}
    return {wire[name]: getattr(of, name) for name in _KEPT if getattr(of, name) is not None} or None
