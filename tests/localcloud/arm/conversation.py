"""A recorded conversation held again with the emulator: what it answers otherwise than Azure did."""

from __future__ import annotations

import asyncio
import json
import re
from collections import Counter
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from aiohttp import ClientSession
from yarl import URL

from localcloud.arm import Arm
from localcloud.arm.canonical import region
from localcloud.arm.environment_body import properties
from localcloud.arm.urls import resource_type
from localcloud.clock import Clock
from localcloud.profile import Latency, Profile
from tests.localcloud.arm.assumed import drained, environments, of_its_day
from tests.localcloud.arm.cloud import served
from tests.localcloud.arm.fake_plane import FakeDataPlane
from tests.localcloud.arm.recordings import MANAGEMENT, OF_THE_FRONT

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator, Sequence

    from localcloud.arm.knobs import Knobs
    from tests.localcloud.arm.recordings import Interaction

OPERATION, POLL = 600.0, 2.0  # seconds of the clock, which only this test moves
STEADY = Latency(p50=OPERATION, p90=OPERATION + 0.001)
PROFILE = Profile(
    name="replay",
    put=STEADY,
    patch=STEADY,
    delete=STEADY,
    environment=STEADY,
    environment_delete=STEADY,
    activate=0,
    drain=1_000_000,  # most recordings end before anything was drained
    ready_lag=0,
    progress=600,
    metrics_delay=0,
    logs_delay=0,
    signature=0,
    expires=1_000_000,
)
_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?|\d+/\d+/\d{4} \d+:\d\d:\d\d [AP]M", re.ASCII)
_GUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_PERSON = re.compile(r"[\w.+-]+@[\w-]+\.[\w.]+", re.ASCII)
_ENDED = (200, 204)
_REFUSED = 400


@dataclass
class Replay:
    """names: of revisions and operations in the recording -> ours. found: (a member, theirs, ours) -> how often."""

    base: str
    http: ClientSession
    arm: Arm
    names: dict[str, str] = field(default_factory=dict)
    found: Counter[tuple[str, str, str]] = field(default_factory=Counter)

    async def play(self, interactions: list[Interaction]) -> None:
        """Hold it again, in the environments that it found there."""
        for identifier, given in environments(interactions).items():
            if identifier.lower() in self.arm.store.environments:
                continue
            _, _, subscription, _, group, *_, name = identifier.split("/")
            await self.arm.create_environment(subscription, group, name, given["defaultDomain"])
            environment = self.arm.store.environments[identifier.lower()]
            environment.given = properties(given)
            if "location" in given:
                environment.location, environment.asked = region(given["location"]), given["location"]
        for one in interactions:
            await self._one(one["request"], one["response"])

    async def _one(self, request: dict[str, Any], recorded: dict[str, Any]) -> None:
        path = request["uri"].removeprefix(MANAGEMENT)
        where = f"{request['method']} {_kind(path)}"
        try:
            status, headers, body = await self._ask(request["method"], path, request["body"], recorded)
        except TimeoutError:
            self._tell(f"{where}: end", "it ended", "it never did")
            return
        if status != recorded["status"]:
            said = json.dumps(body) if status >= _REFUSED else ""
            self._tell(f"{where}: status", str(recorded["status"]), f"{status} {said}".strip())
            return
        theirs, ours = set(recorded["headers"]), set(headers) - OF_THE_FRONT
        for name in theirs ^ ours:
            self._tell(f"{where}: header {name}", *((name, "") if name in theirs else ("", name)))
        self._learn(where, recorded, headers, body)
        self._compare(where, recorded["body"], body)

    def _tell(self, where: str, theirs: str, ours: str) -> None:
        self.found[where, theirs, ours] += 1

    async def _ask(
        self, method: str, path: str, body: object, recorded: dict[str, Any]
    ) -> tuple[int, dict[str, str], Any]:
        sent = None if body is None else json.loads(self._ours(json.dumps(body)))
        await self._later(POLL)
        ended = method == "GET" and "/revisions" not in path and _over(recorded)
        async with asyncio.timeout(5):
            while True:
                async with self.http.request(method, URL(self.base + self._ours(path), encoded=True), json=sent) as got:
                    text = await got.text()
                    told = json.loads(text) if text and "json" in got.content_type else text or None
                    answer = got.status, {k.lower(): v for k, v in got.headers.items()}, told
                if not ended or _over({"status": answer[0], "body": answer[2]}):
                    return answer
                await self._later(OPERATION)

    async def _later(self, seconds: float) -> None:
        """What was due by then has been done."""
        self.arm.clock.advance(timedelta(seconds=seconds))
        await asyncio.sleep(0.01)
        await self.arm.lifecycle.step()

    def _ours(self, text: str) -> str:
        for theirs, ours in sorted(self.names.items(), key=lambda pair: -len(pair[0])):
            text = text.replace(theirs, ours)
        return text

    def _learn(self, where: str, recorded: dict[str, Any], headers: dict[str, str], body: object) -> None:
        """Names that Azure chose, and the emulator chose otherwise; one that was there stays one that was there."""
        for header in ("azure-asyncoperation", "location"):
            theirs, ours = recorded["headers"].get(header, ""), headers.get(header, "")
            if found := (re.search(r"/([^/?]+)\?", theirs), re.search(r"/([^/?]+)\?", ours)):
                first, second = found
                if first and second:
                    self.names[first[1]] = second[1]
        if where == "PUT containerApps":
            return  # tells of the revisions before it or, when it is late, after it: which of them is not known
        theirs, ours = _latest(recorded["body"]), _latest(body)
        if theirs and ours and (theirs in self.names or ours in self.names.values()) and self._ours(theirs) != ours:
            self._tell(f"{where}: a revision that was there", str(theirs in self.names), str(theirs not in self.names))
        self.names |= dict(_pairs(recorded["body"], body))

    def _compare(self, where: str, theirs: object, ours: object, path: str = "") -> None:
        if isinstance(theirs, dict) and isinstance(ours, dict):
            for key in {*theirs, *ours}:
                self._compare(where, theirs.get(key, "absent"), ours.get(key, "absent"), f"{path}.{key}")
            orders = [key for key in theirs if key in ours], [key for key in ours if key in theirs]
            if orders[0] != orders[1]:
                self._tell(f"{where}: order of {path.lstrip('.')}", ", ".join(orders[0]), ", ".join(orders[1]))
        elif isinstance(theirs, list) and isinstance(ours, list) and len(theirs) == len(ours):
            for one, other in zip(theirs, ours, strict=True):
                self._compare(where, one, other, f"{path}[]")
        elif self._masked(theirs) != _mask(json.dumps(ours)):
            self._tell(f"{where}: {path.lstrip('.')}", _mask(json.dumps(theirs)), _mask(json.dumps(ours)))

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
    return _GUID.sub("<guid>", _TIME.sub("<time>", _PERSON.sub("<person>", text)))


def _kind(path: str) -> str:
    """The words of the path that are no names; of an operation the last of them."""
    words = path.partition("?")[0].rstrip("/").partition("/Microsoft.App/")[2].split("/")
    if words == [""]:
        return resource_type(path.partition("?")[0].rstrip("/"))
    return words[2] if words[0] == "locations" and len(words) > 2 else "/".join(words[::2])


def _latest(body: object) -> str:
    """The name of an app's latest revision, "" where it tells none."""
    properties = body.get("properties") if isinstance(body, dict) else None
    return str(properties.get("latestRevisionName") or "") if isinstance(properties, dict) else ""


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
async def replay(interactions: Sequence[Interaction] = (), knobs: Knobs | None = None) -> AsyncIterator[Replay]:
    """With a fresh emulator as Azure was on that day, whose revisions drain as those did: for ever, or at once."""
    profile = replace(PROFILE, drain=0) if drained(interactions) else PROFILE
    arm = Arm(clock=Clock(), dataplane=FakeDataPlane(), profile=profile, knobs=knobs or of_its_day(interactions))
    try:
        async with served(arm.app()) as base, ClientSession() as http:
            yield Replay(base, http, arm)
    finally:
        await arm.close()
