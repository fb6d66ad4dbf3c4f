"""Container Apps over Azure Resource Manager: looks, one write at a time, and how its operation went."""

from __future__ import annotations

import asyncio
import re
from typing import TYPE_CHECKING, cast

from cloud import app_shape
from cloud.arm import READ_WITHIN, WRITE_WITHIN
from cloud.http import asking, of_answer, parsed
from delivery.errors import Refused, Retry
from delivery.ports import Sent
from rollouts.decided import Activate, CreateCanary, Deactivate, SetTraffic
from rollouts.seen import OperationSeen, OperationState

if TYPE_CHECKING:
    from collections.abc import Awaitable, Coroutine
    from datetime import datetime

    from azure.core.pipeline import PipelineResponse
    from azure.core.rest import AsyncHttpResponse, HttpRequest
    from azure.mgmt.appcontainers.aio import ContainerAppsAPIClient
    from azure.mgmt.appcontainers.models import ContainerApp

    from cloud.app_shape import JsonMap
    from cloud.arm import Arm
    from delivery.ports import Clock
    from rollouts.decided import ArmWrite
    from rollouts.seen import AppSeen

_ID = re.compile(
    r"/subscriptions/(?P<subscription>[^/]+)/resourceGroups/(?P<group>[^/]+)"
    r"/providers/Microsoft\.App/containerApps/(?P<name>[^/]+)",
    re.IGNORECASE,
)
_GONE = (403, 404, 410)  # the operation's address has expired, or is not ours to read: nobody knows how it ended


class _Target:
    """One app as the SDK names it: a client of its subscription, its group and its name."""

    def __init__(self, arm: Arm, app: str) -> None:
        found = _ID.fullmatch(app)
        if found is None:
            raise Refused(f"app: expected /subscriptions/…/providers/Microsoft.App/containerApps/<name>, found {app!r}")
        self.client: ContainerAppsAPIClient = arm.apps(found["subscription"])
        self.group, self.name = found["group"], found["name"]

    def where(self, act: str) -> str:
        return f"Container Apps: {self.group}/{self.name}: {act}"

    async def body(self) -> JsonMap:
        """The app as it came: what is written back must not have passed through a model that knows less."""
        found = await self.client.container_apps.get(
            self.group, self.name, cls=lambda response, _, __: response.http_response.json()
        )
        return cast("JsonMap", found)

    async def revisions(self) -> list[JsonMap]:
        pages = self.client.container_apps_revisions.list_revisions(self.group, self.name)
        return [cast("JsonMap", revision) async for revision in pages]


class ContainerApps:
    """`delivery.ports.Apps`. Every read ends within 10 s and every write within 30 s; nothing is ever retried."""

    def __init__(self, arm: Arm, clock: Clock) -> None:
        self._arm = arm
        self._clock = clock

    async def look(self, app: str) -> AppSeen:
        """2 GETs at once (more only when the revisions fill more than one page)."""
        target = _Target(self._arm, app)
        at = self._clock.now()
        with asking(target.where("read")):
            async with asyncio.timeout(READ_WITHIN):
                body, revisions = await _both(target.body(), target.revisions())
        return app_shape.app_seen(body, revisions, at)

    async def restarts(self, app: str, revision: str) -> int:
        """1 GET of the revision's replicas, which are those that run now."""
        target = _Target(self._arm, app)
        with asking(target.where(f"replicas of {revision}")):
            async with asyncio.timeout(READ_WITHIN):
                replicas = target.client.container_apps_revision_replicas
                found = await replicas.list_replicas(target.group, target.name, revision)
        return app_shape.restarts(cast("JsonMap", found))

    async def operation(self, location: str) -> OperationSeen:
        """1 GET. The address is opaque and signed: it is asked as it was given."""
        from azure.core.rest import HttpRequest  # noqa: PLC0415 - not on the way of a cold start

        where = "Container Apps: operation"
        if not location.startswith("https://"):
            raise Refused(f"{where}: expected an https:// address, found {location[:8]!r}")
        with asking(where):
            async with asyncio.timeout(READ_WITHIN):
                answer = await self._arm.send(HttpRequest("GET", location))
        body = parsed(answer.content)
        if answer.status_code in _GONE:
            return OperationSeen(state=OperationState.UNKNOWN)
        if answer.status_code not in (200, 202, 204):
            raise of_answer(where, answer.status_code, answer.headers, body, wrote=False)
        return app_shape.operation_seen(answer.status_code, body)

    async def send(self, app: str, write: ArmWrite, before: datetime) -> Sent:
        """1 PATCH or POST; for a new canary 1 GET of the template before it, which must leave time to send."""
        target = _Target(self._arm, app)
        ends = asyncio.get_running_loop().time() + WRITE_WITHIN
        match write:
            case SetTraffic(traffic=traffic):
                return await self._patch(target, app_shape.traffic_patch(traffic), ends)
            case CreateCanary():
                template = await self._template(target)
                if self._clock.now() >= before:
                    raise Retry(target.where("reading its template took too long; nothing was sent"))
                return await self._patch(target, app_shape.canary_patch(template, write), ends)
            case Activate(revision=revision):
                act = target.client.container_apps_revisions.activate_revision
                return await self._post(target, act(target.group, target.name, revision), "activate", ends)
            case Deactivate(revision=revision):
                act = target.client.container_apps_revisions.deactivate_revision
                return await self._post(target, act(target.group, target.name, revision), "deactivate", ends)

    async def _template(self, target: _Target) -> JsonMap:
        """The template as it is now. A read that fails has sent nothing."""
        with asking(target.where("read its template")):
            async with asyncio.timeout(READ_WITHIN):
                body = await target.body()
        properties = body.get("properties")
        template = properties.get("template") if isinstance(properties, dict) else None
        if not isinstance(template, dict):
            raise Retry(target.where("expected a template, found none; nothing was sent"))
        return template

    async def _patch(self, target: _Target, properties: dict[str, object], ends: float) -> Sent:
        answers: list[AsyncHttpResponse] = []

        def keep(response: PipelineResponse[HttpRequest, AsyncHttpResponse]) -> None:
            answers.append(response.http_response)

        body = cast("ContainerApp", {"properties": properties})  # a plain dict: what is not in it is not sent
        with asking(target.where("write"), wrote=True):
            async with asyncio.timeout_at(ends):
                await target.client.container_apps.begin_update(
                    target.group, target.name, body, polling=False, raw_response_hook=keep
                )
        return _accepted(target, answers[-1])

    async def _post(self, target: _Target, act: Awaitable[None], name: str, ends: float) -> Sent:
        """A POST that answers at once; its effect comes later and is seen by looking."""
        with asking(target.where(name), wrote=True):
            async with asyncio.timeout_at(ends):
                await act
        return Sent()


async def _both(
    first: Coroutine[object, object, JsonMap], second: Coroutine[object, object, list[JsonMap]]
) -> tuple[JsonMap, list[JsonMap]]:
    """Run both at once; the first failure ends the other and is raised as itself."""
    try:
        async with asyncio.TaskGroup() as group:
            one, other = group.create_task(first), group.create_task(second)
    except ExceptionGroup as failed:
        raise failed.exceptions[0] from None
    return one.result(), other.result()


def _accepted(target: _Target, answer: AsyncHttpResponse) -> Sent:
    """Where to ask how it went: the statuses address tells of an error, so it is preferred where both are given."""
    location = answer.headers.get("Azure-AsyncOperation") or answer.headers.get("Location") or ""
    if answer.status_code == 202 and not location:  # noqa: PLR2004 - HTTP's own number is its best name
        raise Retry(target.where("write: expected an address to poll, found 202 without one"), lost=True)
    return Sent(location=location)
