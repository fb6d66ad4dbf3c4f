"""The stream of what the platform does: of an app, of an environment, and for who follows it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from localcloud.monitor.collector import Collector
from tests.localcloud.arm.cloud import APP, ENVIRONMENT, app_body
from tests.localcloud.monitor.monitors import Served, monitor

if TYPE_CHECKING:
    from pathlib import Path

    from aiohttp import ClientResponse

GREETING = ["StartingGettingEvents", "ConnectedToEventsServer"]


def look(it: Served) -> None:
    Collector(it.cloud.arm.store, it.cloud.clock, it.folder, it.monitor.workspace).look()


async def address(it: Served, path: str) -> tuple[str, dict[str, str]]:
    """Where the stream of an app or an environment is, and the header that opens it."""
    told = (await it.cloud.ask("GET", path)).body["properties"]["eventStreamEndpoint"]
    token = (await it.cloud.ask("POST", f"{path}/getAuthToken")).body["properties"]["token"]
    return f"{it.cloud.base}{told.removeprefix(it.cloud.arm.store.streams)}", {"Authorization": f"Bearer {token}"}


async def streamed(it: Served, path: str, query: str = "") -> list[dict[str, Any]]:
    url, headers = await address(it, path)
    async with it.cloud.http.get(f"{url}{query}", headers=headers) as answer:
        assert answer.status == 200
        return [json.loads(line) for line in (await answer.text()).splitlines()]


async def reason(answer: ClientResponse) -> str:
    told: str = json.loads(await answer.content.readline())["Reason"]
    return told


async def test_a_stream_greets_and_tells_what_happened_to_the_app_in_azures_members(tmp_path: Path) -> None:
    """Recorded in containerapp_eventstream of June 2023."""
    async with monitor(tmp_path) as it:
        name = await it.cloud.create()
        look(it)
        first, second, created, *_ = await streamed(it, APP, "?follow=false&output=json&tailLines=20")

        assert [first["Reason"], second["Reason"]] == GREETING
        assert (
            list(first)
            == list(created)
            == [
                *("TimeStamp", "Type", "ContainerAppName", "RevisionName", "ReplicaName"),
                *("Msg", "Reason", "EventSource", "Count"),
            ]
        )
        assert (first["ContainerAppName"], first["TimeStamp"][-1]) == (None, "Z")
        assert (created["Reason"], created["RevisionName"], created["ReplicaName"]) == ("RevisionCreation", name, "")
        assert created["TimeStamp"].endswith(" +0000 UTC")


async def test_an_app_is_told_of_itself_and_an_environment_of_its_apps_and_only_the_last_lines(tmp_path: Path) -> None:
    async with monitor(tmp_path) as it:
        await it.cloud.create()
        await it.cloud.create(app=f"{APP}-2")
        look(it)

        apps = [{line["ContainerAppName"] for line in await streamed(it, path)} for path in (APP, ENVIRONMENT)]
        assert apps == [{None, "web"}, {None, "web", "web-2"}]
        assert len(await streamed(it, ENVIRONMENT, "?tailLines=1")) == len(await streamed(it, APP, "?tailLines=0")) + 1


async def test_who_follows_is_told_what_happens_next(tmp_path: Path) -> None:
    async with monitor(tmp_path) as it:
        await it.cloud.create()
        look(it)
        url, headers = await address(it, APP)
        async with it.cloud.http.get(f"{url}?follow=true&tailLines=0", headers=headers) as answer:
            assert [await reason(answer), await reason(answer)] == GREETING
            look(it)
            assert await reason(answer) == "RevisionCreation"


async def test_nobody_without_a_token_and_nothing_that_is_not_there_is_told_of(tmp_path: Path) -> None:
    async with monitor(tmp_path) as it:
        await it.cloud.create()
        url, headers = await address(it, APP)
        for where, opens, status in ((url, {}, 401), (url.replace("/web/", "/gone/"), headers, 404)):
            async with it.cloud.http.get(where, headers=opens) as answer:
                assert answer.status == status


async def test_what_was_reset_is_told_no_more(tmp_path: Path) -> None:
    async with monitor(tmp_path) as it:
        await it.cloud.create()
        look(it)
        await it.cloud.arm.reset()
        await it.cloud.ask("PUT", APP, app_body())

        assert [line["Reason"] for line in await streamed(it, APP)] == GREETING
