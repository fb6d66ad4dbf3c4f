"""`python -m localcloud up`: everything a client needs in one line, on loopback only, and nothing left at the end."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import re
import signal
import socket
import ssl
import subprocess
import sys
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import aiohttp
import pytest

from localcloud import azurite as emulator
from localcloud import images, samples
from localcloud.scratch import Scratch
from tests.localcloud.hosts import write_app

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

ROOT = Path(__file__).parents[2]
LIMIT_SECONDS = 20.0
PROMISED = {
    *("arm", "arm_http", "ca", "registry", "ingress", "storage", "identity_endpoint", "identity_header"),
    *("eventgrid", "eventgrid_tls", "eventgrid_key"),
    *("webhook", "control", "functions", "subscription", "resource_group", "environment"),
    *("proxy", "tenant", "client", "client_secret"),
    *("logs", "metrics", "prometheus", "telemetry", "workspace", "component"),
}
LOOPBACK = {"0100007F", "00000000000000000000000001000000"}  # as /proc writes 127.0.0.1 and ::1
APP = """
@app.event_grid_trigger(arg_name="event")
async def image_pushed(event: str):
    tell(pushed=json.loads(event)["data"]["target"]["tag"])

@app.event_grid_trigger(arg_name="event")
async def scan_completed(event: str):
    pass

@app.queue_trigger(arg_name="message", queue_name="work", connection=STORAGE)
async def work(message: str):
    pass
"""
pytestmark = [
    pytest.mark.skipif(not emulator.installed(ROOT), reason="Azurite is not installed under .work: run `make setup`"),
    pytest.mark.skipif(not Path("/proc/net/tcp").exists(), reason="what is left behind is read from Linux's /proc"),
]


def stat(pid: int) -> list[str]:
    """State, parent, … of a process; [] of one that is gone."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return []


def alive(pid: int) -> bool:
    return stat(pid)[:1] not in ([], ["Z"])  # a zombie has ended; its new parent has not looked yet


def program(pid: int) -> bytes:
    return Path(f"/proc/{pid}/cmdline").read_bytes().partition(b"\0")[0]


def descendants(pid: int) -> set[int]:
    """It and all its children's children."""
    parents = {int(path.name): stat(int(path.name))[1:2] for path in Path("/proc").glob("[0-9]*")}
    found: set[int] = {pid}
    while more := {child for child, of in parents.items() if of and int(of[0]) in found} - found:
        found |= more
    return found


def listening(pids: set[int]) -> set[tuple[str, int, str]]:
    """Those of `all_listening` that are these processes'."""
    sockets = set()
    for pid in pids:
        for link in Path(f"/proc/{pid}/fd").glob("*"):
            try:
                sockets.add(str(link.readlink()))
            except OSError:
                continue
    return {one for one in all_listening() if f"socket:[{one[2]}]" in sockets}


def all_listening() -> set[tuple[str, int, str]]:
    """Address, as /proc writes it, port and inode of every socket that listens for TCP connections.

    The inode is the socket's own: a port that was given up may soon be another process's.
    """
    rows = [row.split() for name in ("tcp", "tcp6") for row in Path(f"/proc/net/{name}").read_text().splitlines()[1:]]
    bound = [(*row[1].split(":"), row[9]) for row in rows if row[3] == "0A"]
    return {(address, int(port, 16), inode) for address, port, inode in bound}


@dataclass(frozen=True, kw_only=True)
class Up:
    """A running local cloud. at: the line it printed; temporary: where it may put files."""

    process: subprocess.Popen[str]
    at: dict[str, str]
    temporary: Path

    def ids(self, name: str) -> str:
        group = f"/subscriptions/{self.at['subscription']}/resourceGroups/{self.at['resource_group']}"
        return f"{group}/providers/Microsoft.App/{name}"


@contextmanager
def up(temporary: Path, *arguments: str, wait: bool = True) -> Iterator[Up]:
    """Started in a folder of its own; killed at the end if it still runs. wait: until it is up."""
    temporary.mkdir(exist_ok=True)
    command = [sys.executable, "-m", "localcloud", "up", "--json", *arguments]
    environment = {**os.environ, "TMPDIR": str(temporary), "PYTHONPATH": str(ROOT), "FOLDER": str(temporary.parent)}
    with subprocess.Popen(
        command, cwd=temporary.parent, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        try:
            assert process.stdout is not None
            line = process.stdout.readline() if wait else ""
            yield Up(process=process, at=json.loads(line) if line else {}, temporary=temporary)
        finally:
            process.kill()


async def until(condition: Callable[[], Any]) -> None:
    async with asyncio.timeout(LIMIT_SECONDS):
        while not condition():  # noqa: ASYNC110 - the condition is another process's state
            await asyncio.sleep(0.02)


async def with_a_revision(cloud: Up) -> None:
    """Push an image and run it, so that a revision's process is there too."""
    await images.push(samples.good("1.0.0"), f"http://{cloud.at['registry']}", "shop/web", "1.0.0")
    body = {
        "location": "local",
        "properties": {
            "environmentId": cloud.ids(f"managedEnvironments/{cloud.at['environment']}"),
            "configuration": {"ingress": {"external": True, "targetPort": 8080}},
            "template": {"containers": [{"name": "web", "image": "weighbridge.azurecr.io/shop/web:1.0.0"}]},
        },
    }
    url = f"{cloud.at['arm_http']}{cloud.ids('containerApps/ca-web')}?api-version=2025-07-01"
    async with aiohttp.ClientSession() as http, asyncio.timeout(LIMIT_SECONDS):
        async with http.put(url, json=body, raise_for_status=True):
            pass
        revisions = url.replace("?", "/revisions?")
        health: set[str] = set()
        while health != {"Healthy"}:
            health = {one["properties"]["healthState"] for one in (await json_of(http, revisions))["value"]}
            await asyncio.sleep(0.02)
        assert await status(http, f"http://{cloud.at['ingress']}/", Host="ca-web.wb.localhost") == 200


async def json_of(http: aiohttp.ClientSession, url: str, **more: Any) -> Any:
    async with http.get(url, **more) as answer:
        return await answer.json()


async def status(http: aiohttp.ClientSession, url: str, **headers: str) -> int:
    async with http.get(url, headers=headers) as answer:
        return answer.status


async def test_it_runs_as_many_instances_of_the_app_as_asked_for_and_one_of_them_can_be_killed(tmp_path):
    app = write_app(tmp_path / "app", APP)
    with up(tmp_path / "temporary", "--app", str(app), "--instances", "2") as cloud:
        kill, start = (f"{cloud.at['control']}/functions/{act}" for act in ("kill", "start"))
        async with aiohttp.ClientSession() as http:
            for url, code, answer in (
                (f"{kill}?instance=3", 400, "instance: expected a number from 1 to 2, found '3'"),
                (f"{kill}?instance=1", 200, [False, True]),
                (start, 200, [True, True]),
            ):
                async with http.post(url) as answered:
                    told = await answered.json()
                    assert (answered.status, told.get("running") or told["error"]) == (code, answer)
                assert await status(http, f"{cloud.at['functions']}/admin/host/ping") == 200


async def test_it_prints_every_endpoint_and_each_of_them_answers_on_loopback(tmp_path):
    app = write_app(tmp_path / "app", APP)
    with up(tmp_path / "temporary", "--app", str(app)) as cloud:
        assert set(cloud.at) >= PROMISED
        assert all(cloud.at[name] for name in PROMISED)
        assert cloud.at["arm"].startswith("https://localhost:")
        trusted = ssl.create_default_context(cafile=cloud.at["ca"])
        environment = f"{cloud.ids('managedEnvironments')}/{cloud.at['environment']}?api-version=2025-07-01"
        identity = f"{cloud.at['identity_endpoint']}?api-version=2019-08-01&resource=https://management.azure.com/"
        async with aiohttp.ClientSession() as http:
            found = await json_of(http, f"{cloud.at['arm']}{environment}", ssl=trusted)
            assert found["properties"]["defaultDomain"] == "wb.localhost"
            described = await json_of(http, f"{cloud.at['arm']}/metadata/endpoints", ssl=trusted)
            assert described["resourceManager"] == f"{cloud.at['arm']}/"
            assert await status(http, f"{cloud.at['arm_http']}{environment}") == 200
            assert await status(http, f"http://{cloud.at['registry']}/v2/") == 200
            assert await status(http, f"http://{cloud.at['ingress']}/", Host="unknown.wb.localhost") == 404
            assert await status(http, identity, **{"X-IDENTITY-HEADER": cloud.at["identity_header"]}) == 200
            assert await status(http, f"{cloud.at['eventgrid']}/") == 501
            assert await status(http, f"{cloud.at['control']}/log") == 200
            for name, path in (
                ("logs", f"v1/workspaces/{cloud.at['workspace']}/query"),
                ("prometheus", "api/v1/labels"),
            ):
                async with http.get(f"{cloud.at[name]}/{path}", ssl=trusted) as refused:
                    assert (await refused.json())["error"]["code"] == "AuthenticationFailed"
            assert await status(http, f"{cloud.at['functions']}/admin/host/ping") == 200
        await with_a_revision(cloud)
        await until((tmp_path / "told").exists)
        assert json.loads((tmp_path / "told").read_text())["pushed"] == "1.0.0"
        running = descendants(cloud.process.pid)
        assert len(running) >= 6  # itself, its keeper, Azurite, Envoy, the Functions host, a revision
        bound = listening(running)
        assert len(bound) >= 13
        assert {address for address, _, _ in bound} <= LOOPBACK


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGKILL, signal.SIGHUP])
async def test_it_leaves_no_process_no_port_and_no_file_however_it_is_ended(tmp_path, number):
    app = write_app(tmp_path / "app", APP)
    with up(tmp_path / "temporary", "--app", str(app)) as cloud:
        await with_a_revision(cloud)
        running = descendants(cloud.process.pid)
        bound = listening(running)
        assert bound
        assert list(cloud.temporary.iterdir())
        cloud.process.send_signal(number)
        await asyncio.to_thread(cloud.process.wait, LIMIT_SECONDS)
        by_itself = number in (signal.SIGTERM, signal.SIGINT)
        assert cloud.process.returncode == (0 if by_itself else -number)
        if not by_itself:
            await until(lambda: not any(map(alive, running)))
            await until(lambda: not list(cloud.temporary.iterdir()))
        assert not [pid for pid in running if alive(pid)]
        assert not bound & all_listening()
        assert list(cloud.temporary.iterdir()) == []
        assert cloud.process.stderr is not None
        assert cloud.process.stderr.read() == ""


async def test_one_that_is_ended_while_it_starts_leaves_nothing_either(tmp_path):
    temporary = tmp_path / "temporary"
    with up(temporary, "--no-app", wait=False) as cloud:
        await until(lambda: list(temporary.glob("azurite-*")))
        running = descendants(cloud.process.pid)
        cloud.process.send_signal(signal.SIGTERM)
        assert await asyncio.to_thread(cloud.process.wait, LIMIT_SECONDS) == 0
        assert not [pid for pid in running if alive(pid)]
        assert list(temporary.iterdir()) == []


async def test_without_envoys_package_the_whole_cloud_serves_all_the_same(tmp_path):
    (tmp_path / "envoy.py").write_text("")  # hides the package from the cloud, which runs in this folder
    with up(tmp_path / "temporary", "--no-app") as cloud:
        await with_a_revision(cloud)
        programs = [program(pid) for pid in descendants(cloud.process.pid)]
        assert not [name for name in programs if name.endswith(b"envoy")]
        assert len(programs) > 1


def port_of_nobody() -> int:
    """A free port below those that are given to who asks for any: another cloud could get one of them meanwhile."""
    for port in range(20_000 + os.getpid() % 8_000, 30_000):
        with socket.socket() as probe, contextlib.suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port
    raise AssertionError("no port is free")


async def test_the_control_plane_is_where_it_is_asked_for_and_takes_everything_back(tmp_path):
    port = port_of_nobody()
    with up(tmp_path / "temporary", "--no-app", "--control", str(port)) as cloud:
        assert cloud.at["control"] == f"http://127.0.0.1:{port}"
        await with_a_revision(cloud)
        async with aiohttp.ClientSession() as http:
            async with http.post(f"{cloud.at['control']}/reset", raise_for_status=True):
                pass
            assert await json_of(http, f"http://{cloud.at['registry']}/v2/_catalog") == {"repositories": []}
            apps = f"{cloud.at['arm_http']}{cloud.ids('containerApps')}?api-version=2025-07-01"
            assert await json_of(http, apps) == {"value": []}
        await with_a_revision(cloud)
        with up(tmp_path / "other", "--no-app", "--control", str(port)) as second:
            said = await asyncio.to_thread(second.process.stderr.read) if second.process.stderr else ""
            assert second.process.wait(LIMIT_SECONDS) == 1
            assert said.startswith(f"localcloud: port: expected {port} to be free")


async def test_without_an_app_there_is_no_functions_host(tmp_path):
    with up(tmp_path / "temporary", "--no-app") as cloud:
        assert (cloud.at["functions"], cloud.at["functions_key"]) == ("", "")
        url = f"{cloud.at['control']}/functions/kill"
        async with aiohttp.ClientSession() as http, http.post(url) as answer:
            assert answer.status == 404
        await with_a_revision(cloud)


@pytest.mark.parametrize(
    ("program", "settings", "why"),
    [
        ("import no_such_module", "{}", "ModuleNotFoundError: No module named 'no_such_module'"),
        (
            APP.replace("(event: str)", "(event: func.TimerRequest)"),
            "{}",
            "TimerRequest does not fit an? eventGridTrigger",
        ),
        (APP, '{"A": "{nothing}"}', "settings.json: expected one JSON object of texts with {arm}, .* found 'nothing'"),
        (APP, "[", "settings.json: expected one JSON object of texts with"),
    ],
)
async def test_what_cannot_be_started_is_said_in_a_line_and_nothing_is_left(tmp_path, program, settings, why):
    app = write_app(tmp_path / "app", program)
    (app / "settings.json").write_text(settings)
    arguments = ("--app", str(app), "--settings", str(app / "settings.json"))
    with up(tmp_path / "temporary", *arguments) as cloud:
        said = cloud.process.stderr.read() if cloud.process.stderr else ""
        assert cloud.process.wait(LIMIT_SECONDS) == 1
        assert cloud.at == {}
        (line,) = said.splitlines()
        assert line.startswith("localcloud: ")
        assert re.search(why, line)
        assert list(cloud.temporary.iterdir()) == []


async def test_a_port_that_is_taken_is_said(tmp_path):
    server = await asyncio.start_server(lambda _reader, writer: writer.close(), "127.0.0.1", 0)
    async with server:
        port = server.sockets[0].getsockname()[1]
        with up(tmp_path / "temporary", "--no-app", "--ingress", str(port)) as cloud:
            said = await asyncio.to_thread(cloud.process.stderr.read) if cloud.process.stderr else ""
            assert cloud.process.wait(LIMIT_SECONDS) == 1
            assert said.startswith("localcloud: ")
            assert str(port) in said
            assert list(cloud.temporary.iterdir()) == []


def test_a_scratch_folder_goes_with_its_owner_and_closing_twice_is_once(tmp_path, monkeypatch):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    scratch = Scratch("it's a-")
    (scratch.path / "file").write_text("a")
    scratch.close()
    scratch.close()
    assert list(tmp_path.iterdir()) == []
