"""The emulator put together: requests in, trouble on order, answers out."""

from __future__ import annotations

import asyncio
import contextlib
import json
from dataclasses import replace
from random import Random
from typing import TYPE_CHECKING, assert_never

from aiohttp import web

from localcloud.arm import urls
from localcloud.arm.app_calls import AppCalls
from localcloud.arm.calls import Call, Reply
from localcloud.arm.control import control_app
from localcloud.arm.environment_calls import EnvironmentCalls
from localcloud.arm.errors import ArmError, in_progress, internal, locked, throttled
from localcloud.arm.lifecycle import Lifecycle
from localcloud.arm.log import RequestLog
from localcloud.arm.metric_calls import metrics
from localcloud.arm.metrics import Sampler
from localcloud.arm.models import Environment, Store
from localcloud.arm.operations import Operations
from localcloud.arm.revision_calls import RevisionCalls
from localcloud.arm.trouble import Kind, Troubles
from localcloud.arm.writes import Writes

if TYPE_CHECKING:
    from collections.abc import Callable

    from localcloud.arm.models import Operation, Plane
    from localcloud.arm.trouble import Held, Trouble
    from localcloud.clock import Clock
    from localcloud.profile import Profile

_BODY = 4 * 1024 * 1024  # bytes; ARM's own limit for a request
_NEVER = "never answered"


def from_host(request: web.Request) -> str:
    """Scheme and host as the client wrote them."""
    return f"{request.scheme}://{request.host}"


class Arm:
    """Azure Resource Manager for Container Apps on one machine; see `localcloud.arm`."""

    def __init__(
        self,
        *,
        clock: Clock,
        dataplane: Plane,
        profile: Profile,
        base: Callable[[web.Request], str] = from_host,
        domain: str = "wb.localhost",
    ) -> None:
        chance = Random(profile.name)  # noqa: S311 - latencies and names, and the same in every run
        self.clock, self.profile, self._base = clock, profile, base
        self.store, self.troubles, self.log = Store(), Troubles(), RequestLog()
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
            chance=chance,
        )
        self._apps = AppCalls(self.store, writes, clock, profile.signature)
        self._revisions = RevisionCalls(self._apps, writes, self.lifecycle, clock, profile.progress)
        self._environments = EnvironmentCalls(self.store, clock, domain)
        self._urls = self._table()
        self._watches: list[asyncio.Task[None]] = []

    def app(self) -> web.Application:
        """All ARM routes. May be served more than once, over http and https."""
        app = web.Application(client_max_size=_BODY)
        app.router.add_route("*", "/{path:.*}", self._serve)
        app.on_response_prepare.append(_unsigned)
        app.on_shutdown.append(self._let_go)
        return app

    def control(self) -> web.Application:
        """The control plane, to be mounted at /_control/arm."""
        return control_app(self)

    async def create_environment(self, subscription: str, group: str, name: str, domain: str) -> None:
        """A managed environment, ready at once."""
        self._watch()
        environment = Environment(
            subscription=subscription, group=group, name=name, domain=domain, created=self.clock.now()
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

    async def answer(self, call: Call) -> Reply:
        """Answer a request without any trouble."""
        self._watch()
        try:
            handler, names = self._urls.match(call)
            urls.check_version(call)
            return await handler(replace(call, names=names))
        except ArmError as error:
            return Reply(status=error.status, body=error.body, headers=error.headers)

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

    def _table(self) -> urls.Urls:
        apps, revisions, environments = self._apps, self._revisions, self._environments
        acts = "/{act:activate|deactivate|restart}"
        return urls.Urls(
            (
                ("GET", urls.SUBSCRIPTIONS, environments.subscriptions),
                ("GET", urls.SUBSCRIPTION, environments.subscription),
                ("GET", urls.GROUP, environments.group),
                ("GET", urls.PROVIDER, environments.provider),
                ("GET", urls.PROVIDER_OF_SUBSCRIPTION, environments.provider),
                ("GET", urls.STATUSES, apps.statuses),
                ("GET", urls.RESULTS, apps.results),
                ("GET", urls.ENVIRONMENTS_OF_SUBSCRIPTION, environments.list),
                ("GET", urls.ENVIRONMENTS_OF_GROUP, environments.list),
                ("GET", urls.ENVIRONMENT, environments.get),
                ("PUT", urls.ENVIRONMENT, environments.put),
                ("GET", urls.APPS_OF_SUBSCRIPTION, apps.list),
                ("GET", urls.APPS_OF_GROUP, apps.list),
                ("GET", urls.APP, apps.get),
                ("PUT", urls.APP, apps.put),
                ("PATCH", urls.APP, apps.patch),
                ("DELETE", urls.APP, apps.delete),
                ("POST", urls.APP + "/listSecrets", apps.secrets),
                ("POST", urls.APP + "/getAuthToken", apps.token),
                ("GET", urls.APP + "/revisions", revisions.list),
                ("GET", urls.REVISION, revisions.get),
                ("POST", urls.REVISION + acts, revisions.act),
                ("GET", urls.REVISION + "/replicas", revisions.replicas),
                ("GET", urls.REVISION + "/replicas/{replica}", revisions.replica),
                ("GET", urls.METRICS, self._metrics),
            )
        )

    async def _metrics(self, call: Call) -> Reply:
        return await metrics(call, self._apps.find(call), self.sampler, self.clock.now())

    async def _serve(self, request: web.Request) -> web.StreamResponse:
        call = await self._call(request)
        entry = self.log.arrived(call, self.clock.now())
        trouble = self.troubles.take(call)
        entry.trouble = trouble.kind.value if trouble else ""
        reply = await (self._troubled(call, trouble) if trouble else self.answer(call))
        if reply is None:
            if request.transport is not None:
                request.transport.abort()
            return web.Response(status=504, reason=_NEVER)
        entry.status = reply.status
        return reply.response(request.method)

    async def _call(self, request: web.Request) -> Call:
        raw = await request.read()
        try:
            body = json.loads(raw) if raw else None
        except ValueError:
            body = None
        path = request.path.rstrip("/")
        return Call(method=request.method, path=path, query=request.query, body=body, base=self._base(request))

    async def _troubled(self, call: Call, trouble: Trouble) -> Reply | None:
        """The answer under trouble; None when the client is to get none."""
        match trouble.kind:
            case Kind.CONFLICT | Kind.LOCKED | Kind.THROTTLED | Kind.ERROR:
                error = _refusal(call, trouble)
                return Reply(status=error.status, body=error.body, headers=error.headers)
            case Kind.LOST:
                await self.answer(call)
                error = internal(str(trouble.id))
                return Reply(status=error.status, body=error.body)
            case Kind.CUT:
                await self.answer(call)
                return None
            case Kind.HANG:
                await self.troubles.freed.wait()
                return None
            case Kind.HELD:
                with contextlib.suppress(asyncio.CancelledError):  # cleared: it never lands
                    return await self.troubles.hold(call).reply
                return None
            case Kind.SLOW:
                return await self.answer(replace(call, slow=trouble.seconds))
            case Kind.FAIL:
                return await self.answer(replace(call, fails="Operation expired."))
            case _:
                assert_never(trouble.kind)

    async def _let_go(self, _: web.Application) -> None:
        """Requests that hang must not keep a server from ending."""
        self.troubles.clear()


async def _unsigned(_: web.Request, response: web.StreamResponse) -> None:
    """Azure does not say what it is made of."""
    response.headers.popall("Server", None)


def _refusal(call: Call, trouble: Trouble) -> ArmError:
    app = call.path.rpartition("/")[2]
    match trouble.kind:
        case Kind.CONFLICT:
            return in_progress(app, "00000000-0000-0000-0000-000000000000")
        case Kind.LOCKED:
            return locked(app)
        case Kind.THROTTLED:
            return throttled(max(1, round(trouble.seconds)))
        case _:
            return internal(str(trouble.id))
