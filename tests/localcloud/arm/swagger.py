"""Enough of OpenAPI 2 to hold a body against the published definitions of Microsoft.App."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

_VERSIONS = ("2024-03-01", "2024-08-02-preview")
_ENVELOPE = ("id", "name", "type", "location", "tags", "systemData")
_TYPES: dict[str, type | tuple[type, ...]] = {
    "string": str,
    "integer": int,
    "number": (int, float),
    "boolean": bool,
    "array": list,
    "object": dict,
}


class Definitions:
    """What is published of answers; definitions of other documents, `external:`, say nothing here."""

    def __init__(self, path: Path) -> None:
        self._known: dict[str, Any] = json.loads(path.read_text())["definitions"]

    def __contains__(self, name: str) -> bool:
        """Whether the documents that are here define it."""
        return name in self._known

    def problems(self, name: str, body: object) -> set[str]:
        """Members that are missing, unknown, of a wrong type or outside an enum. An optional one may be null."""
        return set(self._problems({"$ref": name}, body, name))

    def knows(self, name: str, *path: str) -> bool:
        """Whether there is a member of this path, through lists and objects."""
        schema: dict[str, Any] = {"$ref": name}
        for part in path:
            inside = self._resolved(schema)
            inside = self._resolved(inside["items"]) if "items" in inside else inside
            if self._open(inside):
                return True
            known = self._properties(inside)
            if part not in known:
                return False
            schema = known[part]
        return True

    def _resolved(self, schema: dict[str, Any]) -> dict[str, Any]:
        while "$ref" in schema and not schema["$ref"].startswith("external:"):
            schema = self._known[schema["$ref"]]
        return schema

    def _open(self, schema: dict[str, Any]) -> bool:
        return "$ref" in schema or "additionalProperties" in schema

    def _problems(self, schema: dict[str, Any], body: object, where: str) -> Iterator[str]:
        schema = self._resolved(schema)
        if body is None or "$ref" in schema:
            return
        kind = schema.get("type") or ("object" if "properties" in schema or "allOf" in schema else None)
        if kind and (not isinstance(body, _TYPES[kind]) or (isinstance(body, bool) and kind != "boolean")):
            yield f"{where}: not {kind}"
        elif "enum" in schema and body not in schema["enum"]:
            yield f"{where}: {body}"
        elif isinstance(body, list):
            for item in body:
                yield from self._problems(schema.get("items", {}), item, f"{where}[]")
        elif isinstance(body, dict) and kind:
            yield from self._members(schema, body, where)

    def _members(self, schema: dict[str, Any], body: dict[str, Any], where: str) -> Iterator[str]:
        known = self._properties(schema)
        yield from (f"{where}.{name}: missing" for name in schema.get("required", ()) if body.get(name) is None)
        for key, value in body.items():
            if key in known:
                yield from self._problems(known[key], value, f"{where}.{key}")
            elif not self._open(schema) and known and key not in _ENVELOPE:
                yield f"{where}.{key}: unknown"

    def _properties(self, schema: dict[str, Any]) -> dict[str, Any]:
        found = dict(schema.get("properties", {}))
        for part in schema.get("allOf", ()):
            found |= self._properties(self._known.get(part.get("$ref", ""), part))
        return found


_FIXTURES = Path(__file__).parent / "fixtures"
# By api-version.
DEFINITIONS = {one: Definitions(_FIXTURES / f"swagger-{one}.json") for one in _VERSIONS}
