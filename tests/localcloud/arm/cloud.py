"""An emulator on loopback with a fake data plane, and a client that speaks plain HTTP to it."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from aiohttp import ClientSession, web

from localcloud.arm import Arm
from localcloud.arm.trouble import Kind
from localcloud.clock import Clock
from localcloud.control import Controlled, control_app
from localcloud.journal import Journal
from localcloud.profile import FAST, Latency, Profile
from tests.localcloud.arm.fake_plane import FakeDataPlane

if TYPE_CHECKING:
    import ssl
    from collections.abc import AsyncIterator, Callable

    from localcloud.arm.knobs import Knobs
    from localcloud.arm.models import Plane

SUBSCRIPTION = "00000000-0000-0000-0000-000000000001"
GROUP = f"/subscriptions/{SUBSCRIPTION}/resourceGroups/rg-local"
ENVIRONMENT = f"{GROUP}/providers/Microsoft.App/managedEnvironments/env-local"
APP = f"{GROUP}/providers/Microsoft.App/containerApps/web"
VERSION = "2026-07-01"
IMAGE = "weighbridge.azurecr.io/shop/web:1.0.0"
SOON = Latency(p50=0.01, p90=0.011)
QUICK = replace(
    FAST, put=SOON, patch=SOON, delete=SOON, environment=SOON, environment_delete=SOON, activate=0, drain=0.05
)


async def until(condition: Callable[[], bool], within: float = 5) -> None:
    """Wait for a condition; fails when it does not come."""
    async with asyncio.timeout(within):
        while not condition():  # noqa: ASYNC110 - the condition is any test's own
            await asyncio.sleep(0.005)


@dataclass(frozen=True)
class Answer:
    status: int
    headers: dict[str, str]
    body: Any


@dataclass
class Cloud:
    arm: Arm
    plane: FakeDataPlane
    clock: Clock
    base: str
    controls: str
    http: ClientSession

    async def ask(self, method: str, path: str, body: object = None, version: str = VERSION) -> Answer:
        """One request; a path that is a whole address is asked as it is."""
        from yarl import URL  # noqa: PLC0415 - only here

        whole = path.startswith("http")
        url = path if whole else f"{self.base}{path}{'&' if '?' in path else '?'}api-version={version}"
        json = {} if body is None else {"json": body}
        async with self.http.request(method, URL(url, encoded=True), **json) as got:  # type: ignore[arg-type] # JSON
            raw = await got.read()
            return Answer(got.status, {k.lower(): v for k, v in got.headers.items()}, await got.json() if raw else None)

    async def slow(self, method: str, body: object, version: str = VERSION) -> Answer:
        """A write of the app whose operation does not end unless time is skipped."""
        self.arm.troubles.add(Kind.SLOW, seconds=600)
        return await self.ask(method, APP, body, version)

    async def end(self, answer: Answer, skip: float = 0) -> Answer:
        """The last answer of its statuses address, or of its results address. skip: seconds before each question."""
        address = answer.headers.get("azure-asyncoperation") or answer.headers["location"]
        async with asyncio.timeout(10):
            while True:
                self.clock.advance(timedelta(seconds=skip))
                got = await self.ask("GET", address)
                if got.status != 202 and not (isinstance(got.body, dict) and got.body.get("status") == "InProgress"):
                    return got
                await asyncio.sleep(0.005)

    async def patch(self, properties: dict[str, Any], app: str = APP) -> Answer:
        """PATCH, and the end of its operation."""
        answer = await self.ask("PATCH", app, {"properties": properties})
        assert answer.status == 202, answer
        return await self.end(answer)

    async def create(self, mode: str = "Multiple", app: str = APP, **template: Any) -> str:
        """An app with one revision that is ready; answers the revision's name."""
        answer = await self.ask("PUT", app, app_body(mode, **template))
        assert answer.status == 201, answer
        assert (await self.end(answer)).body["status"] == "Succeeded"
        name: str = (await self.ask("GET", app)).body["properties"]["latestRevisionName"]
        return name

    async def properties(self, path: str = APP) -> dict[str, Any]:
        found: dict[str, Any] = (await self.ask("GET", path)).body["properties"]
        return found

    async def revision(self, name: str) -> dict[str, Any]:
        return await self.properties(f"{APP}/revisions/{name}")

    async def until(self, path: str, *, skip: float = 0, **wanted: object) -> dict[str, Any]:
        """Ask until the properties have these values. skip: seconds before each question."""
        async with asyncio.timeout(5):
            while True:
                self.clock.advance(timedelta(seconds=skip))
                found = await self.properties(path)
                if all(found.get(k) == v for k, v in wanted.items()):
                    return found
                await asyncio.sleep(0.01)

    async def control(self, method: str, path: str, body: object = None) -> Answer:
        async with self.http.request(method, f"{self.controls}{path}", json=body) as got:
            return Answer(got.status, dict(got.headers), await got.json())


def app_body(mode: str = "Multiple", *, image: str = IMAGE, **template: Any) -> dict[str, Any]:
    return {
        "location": "eastus",
        "properties": {
            "environmentId": ENVIRONMENT,
            "configuration": {
                "activeRevisionsMode": mode,
                "ingress": {"external": True, "targetPort": 80, "transport": "auto"},
            },
            "template": {"containers": [{"name": "web", "image": image}], **template},
        },
    }


def image(tag: str, **template: Any) -> dict[str, Any]:
    """A template with another image."""
    return {"containers": [{"name": "web", "image": f"weighbridge.azurecr.io/shop/web:{tag}"}], **template}


def traffic(*entries: dict[str, Any]) -> dict[str, Any]:
    return {"ingress": {"traffic": list(entries)}}


def to(revision: str, weight: object, **more: Any) -> dict[str, Any]:
    return {"revisionName": revision, "weight": weight, **more}


@asynccontextmanager
async def served(app: web.Application, context: ssl.SSLContext | None = None) -> AsyncIterator[str]:
    """An application on a free port; answers where."""
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=1)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0, ssl_context=context).start()
        yield f"{'https' if context else 'http'}://127.0.0.1:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()


@asynccontextmanager
async def cloud(
    profile: Profile = QUICK,
    *,
    plane: FakeDataPlane | None = None,
    real: Plane | None = None,
    context: ssl.SSLContext | None = None,
    seed: str = "",
    knobs: Knobs | None = None,
) -> AsyncIterator[Cloud]:
    """real: a data plane to use instead of the fake one."""
    plane, clock = plane or FakeDataPlane(), Clock()
    arm = Arm(clock=clock, dataplane=real or plane, profile=profile, seed=seed, knobs=knobs)
    await arm.create_environment(SUBSCRIPTION, "rg-local", "env-local", "wb.localhost")
    try:
        controls = control_app(Controlled(clock=clock, journal=Journal(clock), arm=arm))
        async with served(arm.app(), context) as base, served(controls) as control, ClientSession() as http:
            yield Cloud(arm, plane, clock, base, control, http)
    finally:
        await arm.close()
