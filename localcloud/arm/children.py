"""What there is inside environments beside apps: routes, maintenance schedules, storages, Dapr components."""

from __future__ import annotations

from typing import Any

import msgspec


class Child(msgspec.Struct, kw_only=True):
    """One of them. environment: its id. kind: the last word of its type. properties: as they were accepted.

    created, modified: as they are answered, without a zone.
    """

    environment: str
    kind: str
    name: str
    properties: dict[str, Any]
    created: str
    modified: str

    @property
    def id(self) -> str:
        """Its ARM id."""
        return f"{self.environment}/{self.kind}/{self.name}"


class Children:
    """All of them, in the order they were made. Names are compared without case."""

    def __init__(self) -> None:
        self._all: dict[str, Child] = {}

    def find(self, environment: str, kind: str, name: str) -> Child | None:
        """The one of this name."""
        return self._all.get(f"{environment}/{kind}/{name}".lower())

    def of_kind(self, kind: str, environment: str = "") -> list[Child]:
        """Those of a kind, in one environment when it is named."""
        home = f"{environment}/".lower() if environment else ""
        return [child for key, child in self._all.items() if child.kind == kind and key.startswith(home)]

    def all(self) -> list[Child]:
        """Every one."""
        return list(self._all.values())

    def keep(self, child: Child) -> None:
        """Remember one, in the place of one of the same name."""
        self._all[child.id.lower()] = child

    def clear(self) -> None:
        """Forget all."""
        self._all.clear()

    def forget(self, home: str) -> None:
        """Forget the one that has this id, or those that are under it."""
        home = f"{home}/".lower()
        self._all = {key: child for key, child in self._all.items() if not f"{key}/".startswith(home)}
