"""What environments have under them beside apps, which are elsewhere."""

from __future__ import annotations

from typing import TYPE_CHECKING

from localcloud.arm.child_calls import ChildCalls
from localcloud.arm.dapr_components import DaprComponents
from localcloud.arm.environment_reads import EnvironmentReads
from localcloud.arm.http_routes import HttpRoutes
from localcloud.arm.maintenance import Maintenance
from localcloud.arm.storages import Storages

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from localcloud.arm.models import Store
    from localcloud.arm.urls import Route
    from localcloud.clock import Clock


class EnvironmentChildren:
    """route: has the ingress serve what the store says now."""

    def __init__(self, store: Store, clock: Clock, route: Callable[[], Awaitable[None]]) -> None:
        self._kinds = (
            ChildCalls(store, clock, HttpRoutes(store), route),
            ChildCalls(store, clock, Maintenance()),
            ChildCalls(store, clock, Storages()),
            ChildCalls(store, clock, DaprComponents()),
            EnvironmentReads(store),
        )

    def routes(self) -> tuple[Route, ...]:
        """Its part of the table."""
        return tuple(route for kind in self._kinds for route in kind.routes())
