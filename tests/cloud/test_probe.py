"""Probes over real TLS: to whom they connect, whom they name, whom they trust."""

from __future__ import annotations

import socket
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from cloud import probe as probe_module
from cloud.probe import Probe
from delivery.settings import SettingsError
from rollouts.checks import ProbeSpec
from tests.cloud.loopback import CUT, SILENT, Answer, Loopback, loopback, settings
from tests.fakes.clock import START, FakeClock

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

CANARY = "web--wb1-abcdef.env.example"


@asynccontextmanager
async def ingress(**changed: object) -> AsyncIterator[tuple[Loopback, Probe]]:
    async with loopback() as server:
        via = {"probe_via": server.url.removeprefix("https://"), **changed}
        probe = Probe(settings(**via), FakeClock())
        try:
            yield server, probe
        finally:
            await probe.close()


async def test_a_probe_connects_to_the_ingress_and_names_the_revision() -> None:
    async with ingress() as (server, probe):
        server.on("GET", "/healthz", Answer(204))

        seen = await probe.probe(CANARY, ProbeSpec(path="/healthz?deep=1"))

    assert (seen.status, seen.because, seen.at, seen.path) == (204, "", START, "/healthz?deep=1")
    assert seen.took > timedelta()
    assert server.asked[0].headers["Host"] == CANARY
    assert server.sni == [CANARY]
    assert server.asked[0].target == "/healthz?deep=1"
    assert server.asked[0].headers["User-Agent"] == "weighbridge-probe"
    assert "Authorization" not in server.asked[0].headers


@pytest.mark.parametrize("status", [200, 302, 404, 500, 503])
async def test_whatever_status_is_an_answer_and_no_redirect_is_followed(status: int) -> None:
    async with ingress() as (server, probe):
        server.on("GET", "/", Answer(status, None, {"Location": f"https://{CANARY}/elsewhere"}))

        seen = await probe.probe(CANARY, ProbeSpec())

    assert (seen.status, len(server.asked)) == (status, 1)


async def test_every_probe_has_a_connection_of_its_own() -> None:
    async with ingress() as (server, probe):
        server.on("GET", "/", Answer(200))
        for _ in range(3):
            await probe.probe(CANARY, ProbeSpec())

    assert len(server.sni) == 3


@pytest.mark.parametrize("path", ["@evil.example/", "evil", "//evil.example/x", "/a b"])
async def test_no_path_leads_to_another_host(path: str) -> None:
    async with ingress() as (server, probe):
        await probe.probe(CANARY, ProbeSpec(path=path))

    assert [a.headers["Host"] for a in server.asked] == [CANARY]


async def test_no_answer_in_time_is_an_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(probe_module, "_WITHIN", 0.2)
    async with ingress() as (server, probe):
        server.on("GET", "/", SILENT)

        seen = await probe.probe(CANARY, ProbeSpec())

    assert (seen.status, seen.because) == (None, "no answer within 0 s")
    assert seen.took >= timedelta(seconds=0.2)


async def test_a_cut_connection_is_an_answer() -> None:
    async with ingress() as (server, probe):
        server.on("GET", "/", CUT)

        seen = await probe.probe(CANARY, ProbeSpec())

    assert (seen.status, seen.because) == (None, "the connection broke before an answer")


async def test_a_closed_port_is_an_answer() -> None:
    with socket.socket() as held:  # bound, not listening: nobody else can take the port meanwhile
        held.bind(("127.0.0.1", 0))
        probe = Probe(settings(probe_via=f"127.0.0.1:{held.getsockname()[1]}"), FakeClock())
        seen = await probe.probe(CANARY, ProbeSpec())
        await probe.close()

    assert (seen.status, seen.because) == (None, "no connection")


async def test_a_name_nobody_knows_is_an_answer() -> None:
    probe = Probe(settings(), FakeClock())
    seen = await probe.probe("web.invalid", ProbeSpec())
    await probe.close()

    assert (seen.status, seen.because) == (None, "its name is not known")


@pytest.mark.parametrize("fqdn", ["", "a b", "a:port", "[::"])
async def test_what_is_no_name_is_an_answer(fqdn: str) -> None:
    async with ingress() as (server, probe):
        seen = await probe.probe(fqdn, ProbeSpec())

    assert seen.status is None
    assert seen.because
    assert server.asked == []


async def test_a_certificate_of_nobody_we_trust_is_an_answer() -> None:
    async with ingress(ca_file="") as (server, probe):
        seen = await probe.probe(CANARY, ProbeSpec())

    assert (seen.status, seen.because) == (None, "its certificate is not trusted")
    assert server.asked == []


async def test_a_certificate_for_another_name_is_an_answer() -> None:
    async with ingress() as (server, probe):
        seen = await probe.probe("other.env.example", ProbeSpec())

    assert (seen.status, seen.because) == (None, "its certificate is not trusted")
    assert server.asked == []


@pytest.mark.parametrize("via", ["localhost", ":443", "localhost:", "localhost:https"])
def test_a_place_to_connect_to_is_a_host_and_a_port(via: str) -> None:
    with pytest.raises(SettingsError, match="WEIGHBRIDGE_PROBE_VIA: expected host:port"):
        Probe(settings(probe_via=via), FakeClock())
