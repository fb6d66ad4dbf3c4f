"""Looks at an app, against a server that answers with what Azure was recorded to answer."""

from __future__ import annotations

import asyncio
import gzip
import json
from datetime import UTC, datetime, timedelta

import pytest

from cloud import container_apps
from delivery.errors import Refused, Retry
from rollouts.seen import TrafficEntry
from tests.cloud.fake_arm import APP, NEW, OLD, azure, serve_app
from tests.cloud.loopback import (
    CUT,
    SILENT,
    TOKEN,
    Answer,
    loopback,
    recorded,
)
from tests.fakes.clock import START


async def test_a_look_is_two_gets_and_reads_what_was_recorded() -> None:
    async with azure() as (server, apps):
        serve_app(server)

        seen = await apps.look(APP)

    assert sorted(a.path for a in server.asked) == [APP, f"{APP}/revisions"]
    assert all(a.headers["Authorization"] == f"Bearer {TOKEN}" for a in server.asked)
    assert all("api-version=2026-07-01" in a.target for a in server.asked)
    assert (seen.at, seen.multiple, seen.provisioning, seen.ingress) == (START, True, "Succeeded", True)
    assert seen.traffic == (TrafficEntry(weight=100, latest=True),)
    assert seen.latest_ready == NEW
    assert seen.fqdn == "containerapp000002.whitebeach-63bf60a5.eastus.azurecontainerapps.io"
    assert seen.images == {"containerapp000002": "nginx"}
    assert seen.location == "East US"
    assert seen.environment.endswith("/managedEnvironments/env-eastus")
    assert [r.name for r in seen.revisions] == [OLD, NEW]


async def test_a_revision_is_read_as_recorded() -> None:
    async with azure() as (server, apps):
        serve_app(server)

        newest = (await apps.look(APP)).revisions[-1]

    assert newest.active
    assert (newest.provisioning, newest.health, newest.running) == ("Provisioned", "Healthy", "Running")
    assert (newest.replicas, newest.floor, newest.restarts) == (2, 0, None)
    assert newest.images == {"containerapp000002": "nginx"}
    assert newest.fqdn.startswith(f"{NEW}.whitebeach")
    assert newest.created_at == datetime(2024, 4, 18, 2, 58, 14, tzinfo=UTC)


async def test_a_compressed_answer_is_read() -> None:
    async with azure() as (server, apps):
        body = gzip.compress(json.dumps(recorded("revision_label.json", 28).body).encode())
        server.on("GET", "/containerapp000002", Answer(200, body, {"Content-Encoding": "gzip"}))
        server.on("GET", "/revisions", recorded("revision_label.json", 29))

        assert (await apps.look(APP)).latest_ready == NEW


async def test_both_gets_are_under_way_at_once() -> None:
    async with azure() as (server, apps):
        server.on("GET", "/containerapp000002", SILENT)
        server.on("GET", "/revisions", SILENT)
        look = asyncio.create_task(apps.look(APP))
        await server.until_asked(2)
        look.cancel()
        with pytest.raises(asyncio.CancelledError):
            await look


async def test_ids_and_the_mode_are_read_in_any_casing() -> None:
    async with azure() as (server, apps):
        server.on(
            "GET",
            "/containerapp000002",
            Answer(200, {"properties": {"configuration": {"activeRevisionsMode": "MULTIPLE"}}}),
        )
        server.on("GET", "/revisions", recorded("revision_label.json", 29))

        seen = await apps.look(APP.lower())

    assert seen.multiple
    assert seen.revision(NEW.upper()) is not None


async def test_an_app_without_ingress_says_so() -> None:
    async with azure() as (server, apps):
        server.on("GET", "/containerapp000002", recorded("ingress_off.json", 22))
        server.on("GET", "/revisions", Answer(200, {"value": []}))

        seen = await apps.look(APP)

    assert (seen.ingress, seen.fqdn, seen.traffic) == (False, "", ())


async def test_revisions_fill_more_than_one_page() -> None:
    async with azure() as (server, apps):
        both = recorded("revision_label.json", 29).body
        assert isinstance(both, dict)
        server.on("GET", "/containerapp000002", recorded("revision_label.json", 28))
        server.on(
            "GET",
            "/revisions",
            Answer(200, {"value": both["value"][1:], "nextLink": f"{server.url}{APP}/revisions?page=2"}),
            Answer(200, {"value": both["value"][:1]}),
        )

        seen = await apps.look(APP)

    assert [r.name for r in seen.revisions] == [OLD, NEW], "oldest first, whatever the pages"


async def test_a_next_page_on_another_host_gets_no_token() -> None:
    async with azure() as (server, apps), loopback() as stranger:
        server.on("GET", "/containerapp000002", recorded("revision_label.json", 28))
        server.on("GET", "/revisions", Answer(200, {"value": [], "nextLink": f"{stranger.url}/next"}))

        with pytest.raises(Refused, match="expected an address on 127"):
            await apps.look(APP)

    assert stranger.asked == []


async def test_a_missing_app_is_refused_with_404() -> None:
    async with azure() as (server, apps):
        server.on("GET", "/containerapp000002", recorded("secrets.json", 3))
        server.on("GET", "/revisions", recorded("secrets.json", 3))

        with pytest.raises(
            Refused, match=r"clitest.rg000001/containerapp000002: read: .* 404 ResourceNotFound$"
        ) as caught:
            await apps.look(APP)

    assert caught.value.status == 404


async def test_what_is_no_app_id_is_refused_before_anything_is_sent() -> None:
    async with azure() as (server, apps):
        with pytest.raises(Refused, match="expected /subscriptions/"):
            await apps.look("/subscriptions/s/resourceGroups/g/providers/Microsoft.App/jobs/j")

    assert server.asked == []


@pytest.mark.parametrize("answer", [Answer(200, b"<html>a proxy</html>"), CUT, Answer(429, {}, {"Retry-After": "9"})])
async def test_a_look_that_fails_is_retried_by_nobody_here(answer: Answer) -> None:
    async with azure() as (server, apps):
        server.on("GET", "/revisions", recorded("revision_label.json", 29))
        server.on("GET", "/containerapp000002", answer)

        with pytest.raises(Retry) as caught:
            await apps.look(APP)

    assert not caught.value.lost
    assert caught.value.after in (None, timedelta(seconds=9))
    assert "a proxy" not in str(caught.value)


async def test_a_look_ends_although_azure_never_answers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(container_apps, "READ_WITHIN", 0.2)
    async with azure() as (server, apps):
        server.on("GET", "", SILENT)

        with pytest.raises(Retry, match="expected an answer in time"):
            await apps.look(APP)


async def test_connections_are_kept_between_looks_although_a_ca_file_is_set() -> None:
    async with azure() as (server, apps):
        serve_app(server)
        for _ in range(5):
            await apps.look(APP)

    assert len(server.asked) == 10
    assert len(server.connections) == 2


async def test_restarts_are_summed_over_the_replicas_containers() -> None:
    async with azure() as (server, apps):
        crashed = recorded("crash_loop.json", 65).body
        assert isinstance(crashed, dict)
        server.on("GET", f"/revisions/{NEW}/replicas", Answer(200, {"value": crashed["value"] * 2}))

        assert await apps.restarts(APP, NEW) == 4

    assert len(server.asked) == 1
