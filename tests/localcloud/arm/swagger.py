"""Enough of OpenAPI 2 to hold a body against the published definitions of Microsoft.App."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

_DEFINITIONS: dict[str, Any] = json.loads((Path(__file__).parent / "fixtures" / "swagger-2024-03-01.json").read_text())[
    "definitions"
]
_ENVELOPE = ("id", "name", "type", "location", "tags", "systemData")
_TYPES: dict[str, type | tuple[type, ...]] = {
    "string": str,
    "integer": int,
    "number": (int, float),
    "boolean": bool,
    "array": list,
    "object": dict,
}


def problems(name: str, body: object) -> set[str]:
    """Members of a wrong type, outside an enum, or not in the definition. null is always fine."""
    return set(_problems({"$ref": name}, body, name))


def _problems(schema: dict[str, Any], body: object, where: str) -> Iterator[str]:
    while "$ref" in schema and not schema["$ref"].startswith("external:"):
        schema = _DEFINITIONS[schema["$ref"]]
    if body is None or "$ref" in schema:
        return
    kind = schema.get("type") or ("object" if "properties" in schema or "allOf" in schema else None)
    if kind and not isinstance(body, _TYPES[kind]):
        yield f"{where}: not {kind}"
    elif "enum" in schema and body not in schema["enum"]:
        yield f"{where}: {body}"
    elif isinstance(body, list):
        for item in body:
            yield from _problems(schema.get("items", {}), item, f"{where}[]")
    elif isinstance(body, dict) and kind:
        yield from _members(schema, body, where)


def _members(schema: dict[str, Any], body: dict[str, Any], where: str) -> Iterator[str]:
    known = _properties(schema)
    rest = schema.get("additionalProperties")
    for key, value in body.items():
        if key in known:
            yield from _problems(known[key], value, f"{where}.{key}")
        elif rest is None and known and key not in _ENVELOPE:
            yield f"{where}.{key}: unknown"


def _properties(schema: dict[str, Any]) -> dict[str, Any]:
    found = dict(schema.get("properties", {}))
    for part in schema.get("allOf", ()):
        found |= _properties(_DEFINITIONS.get(part.get("$ref", ""), part))
    return found
