"""The ingestion endpoint of Application Insights: `POST /v2.1/track`, what the SDKs and OpenTelemetry's exporter send.

Envelopes come as a JSON array or one a line, gzipped or not. Requests are kept; every other kind of telemetry is
accepted and dropped. Only the component's own instrumentation key is taken.
"""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from localcloud.monitor.tables import REQUESTS

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_DURATION = re.compile(r"(?:(\d+)\.)?(\d{1,2}):(\d{2}):(\d{2}(?:\.\d+)?)", re.ASCII)
_MILLISECONDS = 1000.0
_BAD_KEY = {"statusCode": 400, "message": "Invalid instrumentation key"}
_BAD_ITEM = {"statusCode": 400, "message": "103: Field 'data' on type 'Envelope' is required but missing or empty."}


def envelopes(body: bytes) -> list[Any]:
    """The items of a request. Raises ValueError when it is no JSON."""
    text = body.decode().strip()
    if text.startswith("["):
        found = json.loads(text)
        return found if isinstance(found, list) else [found]
    return [json.loads(line) for line in text.splitlines() if line.strip()]


def rows(items: Sequence[Any], key: str, component: str) -> tuple[list[Mapping[str, object]], list[Mapping[str, Any]]]:
    """Rows of `AppRequests`, and an error per refused item. key: the instrumentation key that is taken."""
    found: list[Mapping[str, object]] = []
    errors: list[Mapping[str, Any]] = []
    for index, item in enumerate(items):
        try:
            if str(item.get("iKey", "")).lower() != key.lower():
                errors.append({"index": index, **_BAD_KEY})
            elif item["data"]["baseType"] == "RequestData":
                found.append(_row(item, component))
        except (AttributeError, KeyError, TypeError, ValueError):
            errors.append({"index": index, **_BAD_ITEM})
    return found, errors


def _row(item: Mapping[str, Any], component: str) -> Mapping[str, object]:
    tags: Mapping[str, Any] = item.get("tags") or {}
    data = item["data"]["baseData"]
    at = datetime.fromisoformat(str(item["time"]))
    return {
        "TimeGenerated": at if at.tzinfo else at.replace(tzinfo=UTC),
        "Type": REQUESTS,
        "_ResourceId": component,
        "DurationMs": _duration(str(data["duration"])),
        "ItemCount": max(1, round(100 / float(item.get("sampleRate") or 100))),
        "Success": data.get("success") in (True, "true", "True", None),
        "Properties": json.dumps(data.get("properties") or {}),
        "Measurements": json.dumps(data.get("measurements") or {}),
        "AppRoleInstance": str(tags.get("ai.cloud.roleInstance", "")),
        "AppRoleName": str(tags.get("ai.cloud.role", "")),
        "AppVersion": str(tags.get("ai.application.ver", "")),
        "ClientIP": str(tags.get("ai.location.ip", "")),
        "Id": str(data.get("id", "")),
        "IKey": str(item.get("iKey", "")),
        "Name": str(data.get("name") or ""),
        "OperationId": str(tags.get("ai.operation.id", "")),
        "OperationName": str(tags.get("ai.operation.name", "")),
        "ParentId": str(tags.get("ai.operation.parentId", "")),
        "ResultCode": str(data.get("responseCode", "")),
        "SDKVersion": str(tags.get("ai.internal.sdkVersion", "")),
        "Source": str(data.get("source") or ""),
        "SourceSystem": "Azure",
        "Url": str(data.get("url") or ""),
    }


def _duration(text: str) -> float:
    """Milliseconds of `[d.]hh:mm:ss[.fff…]`."""
    match = _DURATION.fullmatch(text)
    if match is None:
        raise ValueError(f"duration: expected d.hh:mm:ss.ffffff, found {text!r}")
    days, hours, minutes, seconds = match.groups()
    return (((int(days or 0) * 24 + int(hours)) * 60 + int(minutes)) * 60 + float(seconds)) * _MILLISECONDS
