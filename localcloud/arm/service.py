"""The emulator put together: requests in, trouble on order, answers out."""

from __future__ import annotations

import asyncio
import json
import logging
import uuid
from dataclasses import replace
from random import Random
from typing import TYPE_CHECKING

from aiohttp import web

from localcloud.arm import days, urls
from localcloud.arm.app_calls import AppCalls
from localcloud.arm.auth_calls import AuthCalls
from localcloud.arm.calls import FRONT, Call, Reply
from localcloud.arm.environment_body import CONSUMPTION, properties
from localcloud.arm.environment_calls import EnvironmentCalls
from localcloud.arm.environment_children import EnvironmentChildren
from localcloud.arm.environment_operations import EnvironmentOperations
from localcloud.arm.errors import ArmError, counted, internal
from localcloud.arm.group_calls import GroupCalls
from localcloud.arm.label_calls import LabelCalls
from localcloud.arm.lifecycle import Lifecycle
from localcloud.arm.limits import Limits, principal, untold
from localcloud.arm.log import RequestLog
from localcloud.arm.metric_calls import MetricCalls
from localcloud.arm.metrics import Sampler
from localcloud.arm.models import Environment, Store
from localcloud.arm.operations import Operations
from localcloud.arm.permission_calls import PermissionCalls
from localcloud.arm.registry_calls import RegistryCalls
from localcloud.arm.revision_calls import RevisionCalls
from localcloud.arm.streams import Streams
from localcloud.arm.subscription_calls import SubscriptionCalls
from localcloud.arm.trouble import Troubles
from localcloud.arm.troubled import troubled
from localcloud.arm.workspace_calls import WorkspaceCalls
from localcloud.arm.writes import Writes

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from localcloud.arm.knobs import Knobs
    from localcloud.arm.models import Operation, Plane
    from localcloud.arm.trouble import Held
    from localcloud.arm.urls import Handler
    from localcloud.clock import Clock
    from localcloud.profile import Profile

_BODY = 4 * 1024 * 1024  # bytes; ARM's own limit for a request
_NEVER = "never answered"
_log = logging.getLogger(__name__)


def from_host(request: web.Request) -> str:
    """Scheme and host as the client wrote them."""
    return f"{request.scheme}://{request.host}"


class Arm:
    """Azure Resource Manager for Container Apps on one machine; see `localcloud.arm`.

    seed: of latencies and of the names Azure makes up; without one, every run of a profile has the same.
    more: routes of other providers, as in `urls.Urls`.
    """

    def __init__(
        self,
        *,
        clock: Clock,
        dataplane: Plane,
        profile: Profile,
        base: Callable[[web.Request], str] = from_host,
        domains: Sequence[str] = ("env1.wb.localhost", "env2.wb.localhost"),
        seed: str = "",
        knobs: Knobs | None = None,
        more: Sequence[tuple[str, str, Handler]] = (),
    ) -> None:
        self._seed = seed or profile.name
        self._chance = Random(self._seed)  # noqa: S311 - latencies and names, and the same in every run
        self.clock, self.profile, self._base = clock, profile, base
        self.store, self.troubles, self.log = Store(knobs), Troubles(), RequestLog()
        self.operations = Operations(self.store, clock, profile.expires)
        self.lifecycle = Lifecycle(self.store, clock, dataplane, profile)
        self.sampler = Sampler(self.store, clock, dataplane, profile.metrics_delay)
        writes = Writes(
            store=self.store,
            clock=clock,
            plane=dataplane,
            profile=profile,
            operations=self.operations,
            lifecycle=self.lifecycle,
            chance=self._chance,
        )
        self._apps = AppCalls(self.store, writes, profile.signature)
        self._revisions = RevisionCalls(self._apps, writes, self.lifecycle, clock, profile.progress)
        self._changes = EnvironmentOperations(self.store, clock, self.operations, self._chance, profile.signature)
        self._environments = EnvironmentCalls(self.store, clock, domains, profile, self._changes)
        self.registries = RegistryCalls(self.store)
        self._streams = Streams(self.store, clock, dataplane)
        groups, frame = GroupCalls(self.store, writes, self.operations), SubscriptionCalls(self.store)
        spaces, labels = WorkspaceCalls(self.store, clock), LabelCalls(self._apps)
        auth = AuthCalls(self._apps)
        children = EnvironmentChildren(self.store, clock, self.lifecycle.route)
        self.permissions = PermissionCalls(self._apps)
        numbers = MetricCalls(self._apps, self.sampler, clock)
        ours = (self._apps, self._revisions, self._environments, labels, children, auth, numbers, self.permissions)
        families = (*ours, groups, frame, spaces, self.registries, self._streams)
        self._urls = urls.Urls((*(route for family in families for route in family.routes()), *more))
        self._limits = Limits(clock, self.store.knobs)
        self._watches: list[asyncio.Task[None]] = []

    def app(self, *beside: web.RouteDef) -> web.Application:
        """All ARM routes, after what else the host serves. May be served more than once, over http and https."""
        app = web.Application(client_max_size=_BODY)
        app.add_routes([*beside, *self._streams.web_routes()])
        app.router.add_route("*", "/{path:.*}", self._serve)
        app.on_response_prepare.append(_unsigned)
        app.on_shutdown.append(self._let_go)
        return app

    async def create_environment(self, subscription: str, group: str, name: str, domain: str) -> None:
        """A managed environment, ready at once."""
        self._watch()
        environment = Environment(
            subscription=subscription,
            group=group,
            name=name,
            domain=domain,
            created=self.clock.now(),
            given=properties({"workloadProfiles": [CONSUMPTION]}),
            streams=self.store.streams,
        )
        self.store.environments[environment.id.lower()] = environment

    async def close(self) -> None:
        """End every task; what the data plane runs is its own to end."""
        self.troubles.clear()
        for watch in self._watches:
            watch.cancel()
        await asyncio.gather(*self._watches, return_exceptions=True)
        await self.operations.close()
        await self.lifecycle.close()

    def calm(self) -> None:
        """No more trouble, metrics as late as the profile has them, revisions as they are."""
        self.troubles.clear()
        self.sampler.delay = self.profile.metrics_delay
        for app in self.store.apps():
            for revision in app.revisions:
                revision.shown = {}

    async def reset(self) -> None:
        """As it began: no app, no operation, no sample; environments stay, empty. What ran is ended."""
        await self.operations.close()
        self._changes.reset()
        await self.lifecycle.close()
        apps = self.store.apps()
        self.store.children.clear()
        self.store.system_log.clear()
        for app in apps:
            app.deleted = True
            self.store.forget(app)
        await asyncio.gather(*map(self.lifecycle.stop, apps))
        self.store.operations.clear()
        self.sampler.clear()
        self._limits.clear()
        self._chance.seed(self._seed)

    async def answer(self, call: Call) -> Reply:
        """Answer a request without any trouble."""
        self._watch()
        left: dict[str, str] = {}
        try:
            handler, names = self._urls.match(call)
            urls.check_version(call)
            call = replace(call, names=names)
            left = self._limits.take(call)
            reply = await handler(call)
        except Exception as raised:  # noqa: BLE001 - whatever breaks here, a client is answered as Azure would
            error = raised if isinstance(raised, ArmError) else _broken(call)
            of_frame = error.code in ("ResourceNotFound", "ParentResourceNotFound")
            reply = Reply(status=error.status, body=error.body, headers=error.headers, of_frame=of_frame)
            left = left if counted(error) else untold(left)
        # Other providers have versions of their own.
        as_it_is = reply.versioned or not urls.of_container_apps(call.path)
        return replace(reply, headers={**reply.headers, **left}, versioned=as_it_is)

    async def release(self, held: Held) -> Reply:
        """Let a held request land, as soon as no operation of its app runs."""
        self.troubles.held.remove(held)
        while (operation := self._running(held.call.path)) is not None:
            await operation.over.wait()
        reply = await self.answer(held.call)
        if not held.reply.done():
            held.reply.set_result(reply)
        return reply

    def _watch(self) -> None:
        if not self._watches:
            self._watches = [asyncio.create_task(self.lifecycle.watch()), asyncio.create_task(self.sampler.watch())]

    def _running(self, path: str) -> Operation | None:
        """The operation of the app that a path is under."""
        under = f"{path.lower()}/"
        found = (a.operation for a in self.store.apps() if f"{a.home}/containerapps/{a.name}/".lower() in under)
        return next(found, None)

    async def _serve(self, request: web.Request) -> web.StreamResponse:
        call = await self._call(request)
        entry = self.log.arrived(call, self.clock.now())
        trouble = self.troubles.take(call)
        entry.trouble = trouble.kind.value if trouble else ""
        reply = await (troubled(call, trouble, self.troubles, self.answer) if trouble else self.answer(call))
        if reply is None:
            if request.transport is not None:
                request.transport.abort()
            return web.Response(status=504, reason=_NEVER)
        entry.status = reply.status
        return reply.response(request.method, call.version, call.day)

    async def _call(self, request: web.Request) -> Call:
        raw = await request.read()
        try:
            body = json.loads(raw) if raw else None
        except ValueError:
            body = None
        path, version = request.path.rstrip("/"), request.query.get("api-version", "")
        return Call(
            method=request.method,
            path=path,
            query=request.query,
            body=body,
            base=self._base(request),
            principal=principal(request.headers.get("Authorization", "")),
            # Other providers have versions of their own.
            day=days.day(version if urls.of_container_apps(path) else "", self.store.knobs.day),
        )

    async def _let_go(self, _: web.Application) -> None:
        """Requests that hang must not keep a server from ending."""
        self.troubles.clear()


async def _unsigned(_: web.Request, response: web.StreamResponse) -> None:
    """Azure does not say what it is made of, but for the front of its early years."""
    if response.headers.get("Server") != FRONT:
        response.headers.popall("Server", None)


def _broken(call: Call) -> ArmError:
    """500 for what is being raised; why is in the log."""
    correlation = str(uuid.uuid4())
    _log.exception("localcloud: %s %s broke; correlation ID: %s", call.method, call.path, correlation)
    return internal(correlation)
