"""Logs of containers and of the platform, streamed beside Azure Resource Manager to who shows a token that it gave."""

from __future__ import annotations

import asyncio
import hmac
import json
import secrets
from datetime import timedelta
from typing import TYPE_CHECKING

from aiohttp import web

from localcloud.arm import urls
from localcloud.arm.calls import Reply
from localcloud.arm.errors import not_found
from localcloud.arm.system_log import greeting

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    from localcloud.arm.calls import Call
    from localcloud.arm.models import App, Environment, Json, Plane, Store
    from localcloud.arm.system_log import SystemEvent
    from localcloud.arm.urls import Route
    from localcloud.clock import Clock

_LIFE = timedelta(hours=1)
_TAIL = 20  # lines before now, when the client does not say
_LOOK_SECONDS = 0.1
_APP = "/subscriptions/{subscription}/resourceGroups/{group}/containerApps/{app}"
_REPLICA = _APP + "/revisions/{revision}/replicas/{replica}"
_ENVIRONMENT = "/subscriptions/{subscription}/resourceGroups/{group}/managedEnvironments/{environment}"


class Streams:
    """The address of a stream has no provider in it and no api-version, as an app's `eventStreamEndpoint` has none."""

    def __init__(self, store: Store, clock: Clock, plane: Plane) -> None:
        self._store, self._clock, self._plane = store, clock, plane
        self._token = secrets.token_urlsafe(32)

    def routes(self) -> tuple[Route, ...]:
        """Its part of the table of Azure Resource Manager."""
        act = "/getAuthToken"
        return (("POST", urls.APP + act, self.token), ("POST", urls.ENVIRONMENT + act, self.token))

    def web_routes(self) -> list[web.RouteDef]:
        """The streams themselves."""
        return [
            web.get(_REPLICA + "/containers/{container}/logstream", self._console),
            web.get(_APP + "/eventstream", self._system),
            web.get(_ENVIRONMENT + "/eventstream", self._system),
        ]

    async def token(self, call: Call) -> Reply:
        """For the streams of one app or environment; raises ArmError 404."""
        *_, kind, name = call.path.removesuffix("/getAuthToken").rsplit("/", 2)
        names = call.names
        app = self._store.app(names["subscription"], names["group"], names.get("app", ""))
        environment = self._store.environments.get(call.path.rpartition("/")[0].lower())
        found = app or environment
        if found is None:
            raise not_found(f"Microsoft.App/{kind}", name, names["group"])
        location = app.resource["location"] if app else environment.location if environment else ""
        until = f"{self._clock.now() + _LIFE:%Y-%m-%dT%H:%M:%S.%f}0Z"
        body = {
            "location": location,
            "properties": {"token": self._token, "expires": until},
            "id": f"{app.home}/containerapps/{app.name}" if app else environment.id if environment else "",
            "name": found.name,
            "type": f"Microsoft.App/{'containerApps' if app else 'environments'}/accesstoken",  # recorded
        }
        return Reply(body=body)

    async def _console(self, request: web.Request) -> web.StreamResponse:
        """Lines of the replica's own output: the last ones, then with `follow=true` those to come until it ends."""
        if (refused := self._refused(request)) is not None:
            return refused
        names = request.match_info
        app = self._store.app(names["subscription"], names["group"], names["app"])
        revision = app.revision(names["revision"]) if app else None
        running = revision.seen.replicas if revision and revision.seen else ()
        replica = next((r.name for r in running if r.name == names["replica"]), None)
        if revision is None or replica is None:
            return web.json_response({"error": f"expected a running replica, found {names['replica']!r}"}, status=404)
        answer = await _begun(request)
        await self._send(answer, request, self._plane.log(revision.name, replica))
        await answer.write_eof()
        return answer

    async def _send(self, answer: web.StreamResponse, request: web.Request, path: Path) -> None:
        as_json = request.query.get("output", "json") != "text"
        lines, read = _whole_lines(path, 0)
        await answer.write(self._connected(request, as_json=as_json))
        lines = lines[max(0, len(lines) - _most(request)) :]
        while True:
            for line in lines:
                await answer.write(self._line(line, as_json=as_json))
            if not _follows(request) or self._ended(request):
                return
            await asyncio.sleep(_LOOK_SECONDS)
            lines, read = _whole_lines(path, read)

    async def _system(self, request: web.Request) -> web.StreamResponse:
        """What the platform does to an app, or to those of an environment: always JSON, the last lines first."""
        if (refused := self._refused(request)) is not None:
            return refused
        answer = await _begun(request)
        events, told = self._store.system_log.since(0)
        happened = _lines(events, request)
        lines = [*greeting(self._clock.now()), *happened[max(0, len(happened) - _most(request)) :]]
        while True:
            for line in lines:
                await answer.write(_json(line))
            if not _follows(request):
                await answer.write_eof()
                return answer
            await asyncio.sleep(_LOOK_SECONDS)
            events, told = self._store.system_log.since(told)
            lines = _lines(events, request)

    def _refused(self, request: web.Request) -> web.Response | None:
        """The answer to who has no token, or asks for what is not there."""
        given = request.headers.get("Authorization", "").removeprefix("Bearer ")
        if not hmac.compare_digest(given.encode(), self._token.encode()):
            return web.json_response({"error": "expected a token of getAuthToken, found another or none"}, status=401)
        names = request.match_info
        there = self._store.apps() if "app" in names else self._store.environments.values()
        if any(_is_named(one, names) for one in there):
            return None
        wanted = names.get("app") or names["environment"]
        return web.json_response({"error": f"expected what is there, found {wanted!r}"}, status=404)

    def _ended(self, request: web.Request) -> bool:
        names = request.match_info
        return all(replica.name != names["replica"] for replica in self._plane.state(names["revision"]).replicas)

    def _connected(self, request: web.Request, *, as_json: bool) -> bytes:
        """What the stream says of itself first, with fewer digits (as public logs of 2024 to 2026 have it)."""
        now, names = f"{self._clock.now():%Y-%m-%dT%H:%M:%S.%f}"[:-1], request.match_info
        there = f"'{names['container']}' [Revision: '{names['revision']}', Replica: '{names['replica']}']"
        said = f"Connecting to the container '{names['container']}'...", f"Successfully Connected to container: {there}"
        return b"".join(
            _json({"TimeStamp": now, "Log": text}) if as_json else f"{now}  {text}\n".encode() for text in said
        )

    def _line(self, line: str, *, as_json: bool) -> bytes:
        """Told with the time at which it was read: a process does not write when it wrote."""
        now = f"{self._clock.now():%Y-%m-%dT%H:%M:%S.%f}0Z"
        return _json({"TimeStamp": now, "Log": line}) if as_json else f"{now} {line}\n".encode()


async def _begun(request: web.Request) -> web.StreamResponse:
    answer = web.StreamResponse(headers={"Content-Type": "text/plain; charset=utf-8"})
    await answer.prepare(request)
    return answer


def _follows(request: web.Request) -> bool:
    return request.query.get("follow") == "true"


def _most(request: web.Request) -> int:
    """How many of the last lines are asked for."""
    return int(request.query.get("tailLines") or _TAIL)


def _lines(events: Iterable[SystemEvent], request: web.Request) -> list[Json]:
    """Of the app, or of all apps in the environment, that the path names."""
    names = request.match_info
    return [
        event.line() for event in events if _is_named(event.app if "app" in names else event.app.environment, names)
    ]


def _is_named(one: App | Environment, names: Mapping[str, str]) -> bool:
    wanted = names["subscription"], names["group"], names.get("app") or names["environment"]
    return (one.subscription.lower(), one.group.lower(), one.name.lower()) == tuple(map(str.lower, wanted))


def _json(line: Json) -> bytes:
    return json.dumps(line, separators=(",", ":")).encode() + b"\n"


def _whole_lines(path: Path, since: int) -> tuple[list[str], int]:
    """Lines that are written to their end after the first `since` bytes, and how many bytes that makes in all."""
    written = path.read_bytes()[since:] if path.is_file() else b""
    whole = written[: written.rfind(b"\n") + 1]
    return whole.decode(errors="replace").splitlines(), since + len(whole)
