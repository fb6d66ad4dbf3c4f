"""Images become processes that are pulled, checked, started, watched, and gone when stopped."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import aiohttp
import pytest

from localcloud import samples, tls
from localcloud.dataplane import DataPlane, PullError, WorkloadState
from localcloud.dataplane.envoy import find_envoy
from localcloud.dataplane.ports import Ports
from localcloud.dataplane.tally import Tally
from localcloud.images import build
from tests.localcloud.planes import HOST, children, plane, ready, running, until, workload
from tests.localcloud.static_registry import StaticRegistry

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from localcloud.images import Image

ROOT = Path(__file__).parents[2]
TELLS = b"""
import http.server, json, os, sys
class H(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200); self.end_headers()
        self.wfile.write(json.dumps({"argv": sys.argv, "env": dict(os.environ), "cwd": os.getcwd()}).encode())
http.server.HTTPServer(("127.0.0.1", int(os.environ["PORT"])), H).serve_forever()
"""
# Ends when it is asked to by a file, and leaves a grandchild that would outlive it.
FORKS = b"""
import os, pathlib, subprocess, sys, time
left = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(300)"])
pathlib.Path(os.environ["PIDS"]).write_text(f"{os.getpid()} {left.pid}")
time.sleep(300)
"""


@pytest.fixture
async def registry() -> AsyncIterator[StaticRegistry]:
    async with StaticRegistry() as opened:
        yield opened


@pytest.fixture
async def cloud(tmp_path: Path, registry: StaticRegistry) -> AsyncIterator[DataPlane]:
    async with plane(tmp_path, registry, envoy=False) as opened:
        yield opened


def lives(pid: int) -> bool:
    with contextlib.suppress(OSError):
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    return False


async def test_a_name_resolves_to_its_digest_and_an_unknown_one_says_so(
    cloud: DataPlane, registry: StaticRegistry
) -> None:
    image = samples.good("1.0.0")
    name = registry.add(image, "1.0.0")

    assert await cloud.resolve(name) == image.digest
    assert await cloud.resolve(f"weighbridge.azurecr.io/shop/web@{image.digest}") == image.digest
    scope = "GET https:?scope=repository%3A"
    for missing, code, text in (
        (
            "weighbridge.azurecr.io/shop/web:9.9.9",
            "MANIFEST_UNKNOWN",
            'GET https:: MANIFEST_UNKNOWN: manifest tagged by "',
        ),
        (
            f"weighbridge.azurecr.io/shop/web@sha256:{'0' * 64}",
            "MANIFEST_UNKNOWN",
            "MANIFEST_UNKNOWN: shop/web@sha256:",
        ),
        ("other.azurecr.io/shop/web:1.0.0", "UNAUTHORIZED", f"{scope}shop%2Fweb%3Apull&service=other.azurecr.io: UN"),
        ("web:1.0.0", "UNAUTHORIZED", f"{scope}library%2Fweb%3Apull&service=docker.io: UNAUTHORIZED: auth"),
        ("shop/web", "UNAUTHORIZED", f"{scope}shop%2Fweb%3Apull&service=docker.io: UNAUTHORIZED: auth"),
        ("shop/web@sha256:1", "NAME_INVALID", "NAME_INVALID: image: expected"),
    ):
        with pytest.raises(PullError) as error:
            await cloud.resolve(missing)
        assert (error.value.code, str(error.value)[: len(text)]) == (code, text)


async def test_the_registrys_own_refusal_is_passed_on(cloud: DataPlane, registry: StaticRegistry) -> None:
    name = registry.add(samples.good("1.0.0"), "1.0.0")
    registry.refuse = (401, "UNAUTHORIZED")

    with pytest.raises(PullError) as error:
        await cloud.start(workload("web--a", name))

    assert error.value.code == "UNAUTHORIZED"
    assert str(error.value).endswith("&service=weighbridge.azurecr.io: UNAUTHORIZED: authentication required")
    assert cloud.state("web--a") == WorkloadState(replicas=())


@pytest.mark.parametrize("kind", ["manifests", "blobs"])
async def test_bytes_that_do_not_match_their_digest_never_run(
    cloud: DataPlane, registry: StaticRegistry, kind: str
) -> None:
    image = samples.good("1.0.0")
    registry.add(image, "1.0.0")
    digest = image.digest if kind == "manifests" else json.loads(image.manifest)["layers"][0]["digest"]
    spoilt = registry.things[kind, digest]
    registry.things[kind, digest] = spoilt.replace(b"0", b"1")

    with pytest.raises(PullError) as error:
        await cloud.start(workload("web--a", f"weighbridge.azurecr.io/shop/web@{image.digest}"))

    assert error.value.code == "DIGEST_INVALID"
    assert cloud.state("web--a") == WorkloadState(replicas=())


async def test_of_an_index_the_child_for_linux_amd64_runs(cloud: DataPlane, registry: StaticRegistry) -> None:
    image = samples.good("1.0.0")
    registry.add(image, "child")

    def index(architecture: str) -> bytes:
        child = {"digest": image.digest, "platform": {"os": "linux", "architecture": architecture}}
        return json.dumps({"schemaVersion": 2, "manifests": [child]}).encode()

    registry.things["manifests", "many"] = index("amd64")
    registry.things["manifests", "other"] = index("arm64")

    await running(cloud, workload("web--a", "weighbridge.azurecr.io/shop/web:many"))
    with pytest.raises(PullError) as error:
        await cloud.start(workload("web--b", "weighbridge.azurecr.io/shop/web:other"))
    assert error.value.code == "MANIFEST_UNKNOWN"
    assert str(error.value) == "no child with platform linux/amd64 in index weighbridge.azurecr.io/shop/web:other"


async def test_a_digest_is_unpacked_once_for_all_its_replicas(cloud: DataPlane, registry: StaticRegistry) -> None:
    image = samples.good("1.0.0")
    name = registry.add(image, "1.0.0")
    layer = json.loads(image.manifest)["layers"][0]["digest"]

    await asyncio.gather(*(running(cloud, workload(f"web--{n}", name, replicas=2)) for n in range(3)))

    assert registry.fetched.count(("blobs", layer)) == 1
    names = {replica.name for n in range(3) for replica in cloud.state(f"web--{n}").replicas}
    assert len(names) == 6


async def test_a_process_is_told_what_container_apps_tells_it_and_nothing_of_this_machine(
    cloud: DataPlane, registry: StaticRegistry, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OF_THIS_MACHINE", "secret")
    image = build({"/srv/tells.py": TELLS}, ("/usr/bin/python3", "/srv/tells.py", "/no/such"), env={"A": "1", "B": "1"})
    one = workload("ca-web--abc", registry.add(image, "1"), env={"B": "2", "PORT": "99"}, port=8080)
    await running(cloud, one)
    await cloud.route({HOST: (("ca-web--abc", 100),)})

    url, headers = f"http://{cloud.http}/", {"Host": HOST}
    async with aiohttp.ClientSession() as session, session.get(url, headers=headers) as response:
        told = json.loads(await response.read())

    assert told["argv"][0].endswith("rootfs/srv/tells.py")
    assert told["argv"][1:] == ["/no/such"]
    assert (told["env"]["A"], told["env"]["B"]) == ("1", "2")
    assert told["env"]["PORT"] not in ("99", "8080")
    assert told["env"]["CONTAINER_APP_NAME"] == "ca-web"
    assert told["env"]["CONTAINER_APP_REVISION"] == "ca-web--abc"
    assert told["env"]["CONTAINER_APP_PORT"] == "8080"
    assert told["env"]["CONTAINER_APP_REPLICA_NAME"] == cloud.state("ca-web--abc").replicas[0].name
    assert "OF_THIS_MACHINE" not in told["env"]
    assert told["cwd"].endswith("rootfs")


async def test_command_and_args_replace_the_entrypoint(cloud: DataPlane, registry: StaticRegistry) -> None:
    image = build({"/other.py": TELLS}, ("python3", "/no/such.py"))
    name = registry.add(image, "1")

    await running(cloud, workload("web--a", name, command=("python3", "/other.py"), args=("x",)))
    await cloud.route({HOST: (("web--a", 100),)})

    url, headers = f"http://{cloud.http}/", {"Host": HOST}
    async with aiohttp.ClientSession() as session, session.get(url, headers=headers) as response:
        program, *rest = json.loads(await response.read())["argv"]
    assert (program.endswith("rootfs/other.py"), rest) == (True, ["x"])


@pytest.mark.parametrize(
    ("image", "code"),
    [(samples.crash("1"), 1), (build({}, ("/no/such/program",)), None), (build({}, ()), None)],
    ids=["exits", "missing", "empty"],
)
async def test_a_crash_loop_is_counted_and_reported(
    cloud: DataPlane, registry: StaticRegistry, image: Image, code: int | None
) -> None:
    await cloud.start(workload("web--a", registry.add(image, "1")))

    await until(lambda: cloud.state("web--a").failed != "")
    state = cloud.state("web--a")
    assert state.failed == "Container crashing: web"
    assert state.replicas[0].restarts >= 3
    assert not state.replicas[0].ready
    assert state.replicas[0].exit_code == code
    before = state.replicas[0].restarts
    await until(lambda: cloud.state("web--a").replicas[0].restarts > before)  # it is tried again all the same


async def test_a_replica_that_dies_is_started_again_and_serves_again(
    cloud: DataPlane, registry: StaticRegistry
) -> None:
    before = children()
    await running(cloud, workload("web--a", registry.add(samples.good("1"), "1")))
    (pid,) = children() - before
    os.kill(pid, signal.SIGKILL)

    await until(lambda: cloud.state("web--a").replicas[0].restarts == 1 and ready(cloud, "web--a"))

    assert cloud.state("web--a").failed == ""
    (replica,) = cloud.state("web--a").replicas
    assert replica.exit_code == 137
    assert replica.since is not None
    assert abs(replica.since - datetime.now(UTC)) < timedelta(minutes=5)


async def test_one_that_listens_elsewhere_or_not_yet_runs_and_is_not_ready(
    cloud: DataPlane, registry: StaticRegistry
) -> None:
    await cloud.start(workload("web--a", registry.add(samples.portmismatch("1"), "1")))
    await cloud.start(workload("web--b", registry.add(samples.slow("1", seconds=0.5), "2")))
    await until(lambda: all(cloud.state(name).replicas[0].started for name in ("web--a", "web--b")))
    assert not ready(cloud, "web--b")

    await until(lambda: ready(cloud, "web--b"))

    (other,) = cloud.state("web--a").replicas
    assert (other.ready, other.started, other.restarts, other.running) == (False, True, 0, "Running")
    assert cloud.state("web--a").failed == ""


async def test_without_ingress_a_process_that_lives_a_moment_is_ready(
    cloud: DataPlane, registry: StaticRegistry
) -> None:
    image = build({"/w.py": b"import os, time\nassert 'PORT' not in os.environ\ntime.sleep(300)"}, ("python3", "/w.py"))

    await running(cloud, workload("worker--a", registry.add(image, "1"), port=None))
    assert cloud.state("worker--a").replicas[0].restarts == 0


async def test_stop_leaves_no_process_also_no_grandchild(
    cloud: DataPlane, registry: StaticRegistry, tmp_path: Path
) -> None:
    pids = tmp_path / "pids"
    image = build({"/f.py": FORKS}, ("python3", "/f.py"))
    one = workload("worker--a", registry.add(image, "1"), port=None, env={"PIDS": str(pids)})
    await running(cloud, one)
    await until(lambda: pids.is_file() and len(pids.read_text().split()) == 2)
    process, grandchild = map(int, pids.read_text().split())
    assert lives(process)
    assert lives(grandchild)

    await cloud.stop("worker--a")

    await until(lambda: not lives(process) and not lives(grandchild))
    assert cloud.state("worker--a") == WorkloadState(replicas=())
    await cloud.stop("worker--a")  # twice is once


async def test_one_that_ignores_sigterm_is_killed(cloud: DataPlane, registry: StaticRegistry) -> None:
    deaf = b"import signal, time\nsignal.signal(signal.SIGTERM, signal.SIG_IGN)\ntime.sleep(300)"
    before = children()
    await running(
        cloud, workload("worker--a", registry.add(build({"/d.py": deaf}, ("python3", "/d.py")), "1"), port=None)
    )

    await cloud.stop("worker--a")

    assert children() == before


async def test_scale_makes_it_so_many_and_the_newest_go_first(cloud: DataPlane, registry: StaticRegistry) -> None:
    await running(cloud, workload("web--a", registry.add(samples.good("1"), "1")))
    (first,) = cloud.state("web--a").replicas
    await cloud.scale("web--a", 3)
    await until(lambda: ready(cloud, "web--a"))
    assert len(cloud.state("web--a").replicas) == 3

    await cloud.scale("web--a", 1)

    assert cloud.state("web--a").replicas == (first,)
    with pytest.raises(KeyError):
        await cloud.scale("web--none", 1)


async def test_replicas_of_a_revision_that_is_begun_again_have_other_names(
    cloud: DataPlane, registry: StaticRegistry
) -> None:
    """Recorded in scale_revision_copy: a restart makes another replica set."""
    registry.add(samples.good("1.0.0"), "1.0.0")
    one = workload("web--a", "weighbridge.azurecr.io/shop/web:1.0.0")
    await cloud.start(one)
    (before,) = cloud.state("web--a").replicas
    await cloud.stop("web--a")
    await cloud.start(one)
    (after,) = cloud.state("web--a").replicas

    assert before.name != after.name
    assert before.name.rpartition("-")[0] != after.name.rpartition("-")[0]


async def test_a_revision_that_runs_is_not_started_again(cloud: DataPlane, registry: StaticRegistry) -> None:
    one = workload("web--a", registry.add(samples.good("1"), "1"))
    await cloud.start(one)

    with pytest.raises(ValueError, match="web--a"):
        await cloud.start(one)


@pytest.mark.skipif(sys.platform != "linux" or find_envoy() is None, reason="Linux ends children with their parent")
async def test_a_parent_that_is_killed_takes_its_children_with_it(tmp_path: Path, registry: StaticRegistry) -> None:
    name = registry.add(samples.good("1"), "1")
    tls.make_ca(tmp_path, ["wb.localhost"])
    program = f"""
import asyncio, sys
from pathlib import Path
from localcloud.dataplane import DataPlane
from tests.localcloud.planes import children, running, workload
async def main():
    folder = Path({str(tmp_path)!r})
    plane = DataPlane(folder, lambda _: {registry.base!r}, folder / "cert.pem", folder / "key.pem")
    await plane.open()
    await running(plane, workload("web--a", {name!r}))
    print(*children(), flush=True)
    await asyncio.sleep(300)
asyncio.run(main())
"""
    parent = await asyncio.create_subprocess_exec(
        sys.executable, "-c", program, cwd=ROOT, stdout=subprocess.PIPE, env={**os.environ, "PYTHONPATH": str(ROOT)}
    )
    assert parent.stdout is not None
    pids = [int(pid) for pid in (await parent.stdout.readline()).split()]
    assert len(pids) == 2
    parent.kill()
    await parent.wait()

    try:
        await until(lambda: not any(map(lives, pids)))
    finally:
        for pid in filter(lives, pids):
            os.kill(pid, signal.SIGKILL)


def test_a_port_is_given_once_until_it_is_given_back() -> None:
    ports = Ports()
    taken = [ports.take() for _ in range(50)]

    assert len(set(taken)) == 50
    assert all(port < 32768 for port in taken)


def test_totals_never_fall_when_counters_begin_again() -> None:
    tally = Tally()
    tally.read({("a", "200"): 5, ("b", "200"): 1})
    tally.read({("b", "200"): 4})
    tally.read({("a", "200"): 2, ("b", "200"): 3})

    assert tally.totals == {"a": {"200": 7}, "b": {"200": 7}}
