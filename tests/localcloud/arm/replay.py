"""A recorded conversation held again with the emulator: what it answers otherwise than Azure did."""

from __future__ import annotations

import asyncio
import json
import re
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from aiohttp import ClientSession
from yarl import URL

from localcloud.arm import Arm
from localcloud.arm.environment_body import properties
from localcloud.clock import Clock
from localcloud.profile import Latency, Profile
from tests.localcloud.arm.cloud import served
from tests.localcloud.arm.fake_plane import FakeDataPlane

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

SUBSCRIPTION = "00000000-0000-0000-0000-000000000000"
DOMAIN = "whitebeach-63bf60a5.eastus.azurecontainerapps.io"
# The environment that was there before the recordings, and its profiles.
PROFILES = [
    {"workloadProfileType": "Consumption", "name": "Consumption"},
    {"workloadProfileType": "D8", "name": "wpname", "minimumCount": 1, "maximumCount": 8},
]
OPERATION = 10.0  # seconds of the clock, which only this test moves
STEADY = Latency(p50=OPERATION, p90=OPERATION + 0.001)
PROFILE = Profile(
    name="replay",
    put=STEADY,
    patch=STEADY,
    delete=STEADY,
    environment=STEADY,
    environment_delete=STEADY,
    activate=0,
    drain=1_000_000,  # the recordings end before anything was drained
    ready_lag=0,
    progress=600,
    metrics_delay=0,
    logs_delay=0,
    signature=0,
)
_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?|\d+/\d+/\d{4} \d+:\d\d:\d\d [AP]M", re.ASCII)
_GUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_ENDED = (200, 204)


@dataclass
class Replay:
    """names: of revisions and operations in the recording -> ours. found: (path of a member, theirs, ours)."""

    base: str
    http: ClientSession
    arm: Arm
    names: dict[str, str] = field(default_factory=dict)
    found: set[tuple[str, str, str]] = field(default_factory=set)

    async def play(self, interactions: list[dict[str, Any]]) -> None:
        for one in interactions:
            await self._one(one["request"], one["response"])

    async def _one(self, request: dict[str, Any], recorded: dict[str, Any]) -> None:
        path = request["uri"].removeprefix("https://management.azure.com")
        status, headers, body = await self._ask(request["method"], path, request["body"], recorded)
        where = f"{request['method']} {_kind(path)}"
        if status != recorded["status"]:
            self.found.add((f"{where}: status", str(recorded["status"]), str(status)))
            return
        theirs, ours = {k.lower() for k in recorded["headers"]}, set(headers)
        self.found |= {(f"{where}: header {name}", name, "") for name in theirs - ours}
        self.found |= {(f"{where}: header {name}", "", name) for name in ours - theirs}
        self._learn(recorded, headers, body)
        self._compare(where, recorded["body"], body)

    async def _ask(
        self, method: str, path: str, body: object, recorded: dict[str, Any]
    ) -> tuple[int, dict[str, str], Any]:
        sent = None if body is None else json.loads(self._ours(json.dumps(body)))
        await self.arm.lifecycle.step()
        ended = method == "GET" and "/revisions" not in path and _over(recorded)
        async with asyncio.timeout(5):
            while True:
                async with self.http.request(method, URL(self.base + self._ours(path), encoded=True), json=sent) as got:
                    body = await got.json() if await got.read() else None
                    answer = got.status, {k.lower(): v for k, v in got.headers.items()}, body
                if not ended or _over({"status": answer[0], "body": answer[2]}):
                    return answer
                self.arm.clock.advance(timedelta(seconds=OPERATION))
                await asyncio.sleep(0.01)

    def _ours(self, text: str) -> str:
        for theirs, ours in sorted(self.names.items(), key=lambda pair: -len(pair[0])):
            text = text.replace(theirs, ours)
        return text

    def _learn(self, recorded: dict[str, Any], headers: dict[str, str], body: object) -> None:
        """Names that Azure chose, and the emulator chose otherwise."""
        for header in ("azure-asyncoperation", "location"):
            theirs, ours = recorded["headers"].get(header, ""), headers.get(header, "")
            if found := (re.search(r"/([^/?]+)\?", theirs), re.search(r"/([^/?]+)\?", ours)):
                first, second = found
                if first and second:
                    self.names[first[1]] = second[1]
        self.names |= dict(_pairs(recorded["body"], body))

    def _compare(self, where: str, theirs: object, ours: object, path: str = "") -> None:
        if isinstance(theirs, dict) and isinstance(ours, dict):
            for key in {*theirs, *ours}:
                self._compare(where, theirs.get(key, "absent"), ours.get(key, "absent"), f"{path}.{key}")
        elif isinstance(theirs, list) and isinstance(ours, list) and len(theirs) == len(ours):
            for one, other in zip(theirs, ours, strict=True):
                self._compare(where, one, other, f"{path}[]")
        elif self._masked(theirs) != _mask(json.dumps(ours)):
            self.found.add((f"{where}: {path.lstrip('.')}", _mask(json.dumps(theirs)), _mask(json.dumps(ours))))

    def _masked(self, theirs: object) -> str:
        return _mask(self._ours(json.dumps(theirs)))


def _over(answer: dict[str, Any]) -> bool:
    body = answer["body"]
    waits = isinstance(body, dict) and (
        body.get("status") == "InProgress"
        or (body.get("properties") or {}).get("provisioningState") in ("Waiting", "InProgress")
    )
    return answer["status"] in _ENDED and not waits


def _mask(text: str) -> str:
    return _GUID.sub("<guid>", _TIME.sub("<time>", text))


def _kind(path: str) -> str:
    """The last word of the path that is no name."""
    words = path.partition("?")[0].rstrip("/").partition("/Microsoft.App/")[2].split("/")
    if words[0] == "locations":
        return words[2]
    return "/".join(words[::2])


def _pairs(theirs: object, ours: object) -> Iterator[tuple[str, str]]:
    """(recorded name, ours) of revisions and replicas, wherever two bodies have them in the same place."""
    if isinstance(theirs, dict) and isinstance(ours, dict):
        for key in ("latestRevisionName", "name"):
            if "--" in str(theirs.get(key, "")) and "--" in str(ours.get(key, "")):
                yield theirs[key], ours[key]
        if "defaultDomain" in theirs and "defaultDomain" in ours:
            yield theirs["defaultDomain"], ours["defaultDomain"]
        for key in theirs.keys() & ours.keys():
            yield from _pairs(theirs[key], ours[key])
    elif isinstance(theirs, list) and isinstance(ours, list):
        for one, other in zip(theirs, ours, strict=False):
            yield from _pairs(one, other)


@asynccontextmanager
async def replay() -> AsyncIterator[Replay]:
    clock = Clock()
    arm = Arm(clock=clock, dataplane=FakeDataPlane(), profile=PROFILE)
    await arm.create_environment(SUBSCRIPTION, "client.env_rg_eastus", "env-eastus", DOMAIN)
    for environment in arm.store.environments.values():
        environment.given = properties({"workloadProfiles": PROFILES})
    try:
        async with served(arm.app()) as base, ClientSession() as http:
            yield Replay(base, http, arm)
    finally:
        await arm.close()


def recording(name: str) -> list[dict[str, Any]]:
    file = json.loads((Path(__file__).parent / "fixtures" / f"{name}.json").read_text())
    found: list[dict[str, Any]] = file["interactions"]
    return found
