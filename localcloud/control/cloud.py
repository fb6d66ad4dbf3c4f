"""Orders about the whole cloud: its clock, its log, and the way back to how it began."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from localcloud.control import bodies
from localcloud.control.arm import arm_routes
from localcloud.control.events import event_routes
from localcloud.control.fates import fate_routes
from localcloud.control.reading import Wrong
from localcloud.control.routes import Asked, Route, application
from localcloud.control.webhook import webhook_routes

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator, Sequence

    from aiohttp import web

    from localcloud.arm import Arm
    from localcloud.clock import Clock
    from localcloud.dataplane.fate import Fates
    from localcloud.eventgrid import EventGrid
    from localcloud.hooks import Hooks
    from localcloud.instances import Instances
    from localcloud.journal import Journal

_SOURCES = "arm, control, events, fate, webhook"


@dataclass(frozen=True, slots=True, kw_only=True)
class Controlled:
    """What the control plane reaches; a part that is None is not there, and neither are its orders.

    forget_images: empties the registry. forget_logs: empties the workspace of logs. functions: answers the Functions
    hosts, None without an app.
    """

    clock: Clock
    journal: Journal
    arm: Arm
    fates: Fates | None = None
    eventgrid: EventGrid | None = None
    hooks: Hooks | None = None
    forget_images: Callable[[], Awaitable[None]] | None = None
    forget_logs: Callable[[], None] | None = None
    functions: Callable[[], Instances | None] = lambda: None


def control_app(parts: Controlled) -> web.Application:
    """Its application."""
    return application(control_routes(parts), parts.journal)


def control_routes(parts: Controlled) -> Sequence[Route]:
    """Every order that these parts understand."""
    whole = _Cloud(parts)
    return (
        Route(
            method="POST",
            path="/reset",
            tells="as it began: no trouble, no fates, no apps, no images, no log; the clock goes on, storage stays",
            act=whole.reset,
            body=bodies.Reset,
        ),
        Route(method="GET", path="/clock", tells="the time of the local cloud", act=whole.now),
        Route(
            method="POST",
            path="/clock",
            tells="skip this many seconds; whoever waits for a time within them goes on",
            act=whole.advance,
            body=bodies.Advance,
        ),
        Route(
            method="GET",
            path="/log",
            tells=f"all that happened, in order; source: one of {_SOURCES}; path: a part of it",
            act=whole.log,
            query=("source", "method", "path"),
        ),
        Route(method="DELETE", path="/log", tells="forget it", act=whole.forget),
        *arm_routes(parts.arm),
        *(fate_routes(parts.fates) if parts.fates else ()),
        *(event_routes(parts.eventgrid) if parts.eventgrid else ()),
        *(webhook_routes(parts.hooks) if parts.hooks else ()),
        Route(
            method="POST",
            path="/functions/{act:kill|start}",
            tells="kill every Functions host wherever it is, or one instance (from 1 on); or start what is gone",
            act=whole.functions,
            query=("instance",),
        ),
    )


class _Cloud:
    def __init__(self, parts: Controlled) -> None:
        self._parts = parts

    async def reset(self, asked: Asked) -> object:
        parts, wanted = self._parts, asked.body
        parts.arm.calm()
        events = parts.eventgrid.orders if parts.eventgrid else None
        for orders in (parts.fates, events, parts.hooks):
            if orders is not None:
                orders.clear()
        if wanted.apps:
            await parts.arm.reset()
            if parts.forget_logs is not None:
                parts.forget_logs()
        if wanted.images and parts.forget_images is not None:
            await parts.forget_images()
        if wanted.log:
            await self.forget(asked)
        return {}

    async def now(self, _: Asked) -> object:
        return {"now": self._parts.clock.now().isoformat()}

    async def advance(self, asked: Asked) -> object:
        self._parts.clock.advance(timedelta(seconds=asked.body.advance))
        return await self.now(asked)

    async def log(self, asked: Asked) -> object:
        source = asked.query.get("source", "")
        if source and source not in _SOURCES.split(", "):
            raise Wrong(f"source: expected one of {_SOURCES}, found {source!r}")
        method, path = asked.query.get("method", "").upper(), asked.query.get("path", "").lower()
        found = [
            entry
            for entry in self._entries()
            if source in ("", entry["source"])
            and method in ("", entry.get("method", ""))
            and path in entry.get("path", "").lower()
        ]
        return {"value": sorted(found, key=lambda entry: str(entry["at"]))}

    async def forget(self, _: Asked) -> object:
        parts = self._parts
        parts.journal.entries.clear()
        parts.arm.log.entries.clear()
        if parts.eventgrid is not None:
            parts.eventgrid.deliveries.clear()
            parts.eventgrid.dead_letters.clear()
        if parts.hooks is not None:
            parts.hooks.received.clear()
        return {}

    async def functions(self, asked: Asked) -> object:
        instances = self._parts.functions()
        if instances is None:
            raise Wrong("functions: expected a Functions host, found none: this cloud was started without an app", 404)
        if asked.names["act"] == "kill":
            await instances.kill(_number(asked.query.get("instance", ""), len(instances.hosts)))
        else:
            await instances.start()
        first = instances.hosts[0]
        return {"functions": list(first.names), "running": [host.running for host in instances.hosts]}

    def _entries(self) -> Iterator[dict[str, Any]]:
        parts = self._parts
        yield from parts.journal.entries
        yield from ({"source": "arm", **asdict(entry)} for entry in parts.arm.log.entries)
        for one in parts.eventgrid.deliveries if parts.eventgrid else ():
            yield {"source": "events", **asdict(one), "at": one.at.isoformat()}
        yield from ({"source": "webhook", **asdict(one)} for one in (parts.hooks.received if parts.hooks else ()))


def _number(text: str, most: int) -> int | None:
    if not text:
        return None
    if not (text.isascii() and text.isdigit() and 1 <= int(text) <= most):
        raise Wrong(f"instance: expected a number from 1 to {most}, found {text!r}")
    return int(text)
