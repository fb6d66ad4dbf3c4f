"""Images from elsewhere: public samples have stand-ins that say so, an engine runs them where asked, others fail."""

from __future__ import annotations

import asyncio
import json
import sys
from typing import TYPE_CHECKING

import aiohttp
import pytest

from localcloud.dataplane import PullError
from localcloud.dataplane.fate import FateKind
from localcloud.samples import elsewhere
from tests.localcloud.arm.cloud import APP, app_body
from tests.localcloud.arm.cloud import cloud as azure
from tests.localcloud.planes import HOST, plane, ready, running, until, workload
from tests.localcloud.serving import serving
from tests.localcloud.static_registry import StaticRegistry
from tests.source import ROOT

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from localcloud.dataplane import DataPlane

DIGEST = "sha256:" + "1" * 64
# Obeys as Docker does: it notes how it was called, and `run` serves on the port it publishes until it is ended.
ENGINE = """#!{python}
import http.server, json, os, sys
with open({calls!r}, "a") as calls:
    calls.write(json.dumps(sys.argv[1:]) + "\\n")
match sys.argv[1]:
    case "pull" if "missing" in sys.argv[-1]:
        sys.exit("Error response from daemon: manifest unknown")
    case "ps":
        print("left1 left2")
    case "image":
        print(json.dumps(["x@{digest}"]))
    case "run":
        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                self.send_response(200); self.end_headers(); self.wfile.write(os.environ["GIVEN"].encode())
            def log_message(self, *_): pass
        port = sys.argv[sys.argv.index("--publish") + 1].split(":")[1]
        http.server.HTTPServer(("127.0.0.1", int(port)), Handler).serve_forever()
"""


class Known(StaticRegistry):
    """Beside its own, the stand-ins."""

    mcr = ""

    def base_of(self, login_server: str) -> str:
        return self.mcr if login_server == elsewhere.HOST else super().base_of(login_server)


@pytest.fixture
async def registry() -> AsyncIterator[Known]:
    async with Known() as known, serving(elsewhere.app()) as known.mcr:
        yield known


async def get(cloud: DataPlane) -> tuple[int, str, str]:
    async with (
        aiohttp.ClientSession() as session,
        session.get(f"http://{cloud.http}/", headers={"Host": HOST}) as got,
    ):
        return got.status, got.headers.get("X-Stand-In-For", ""), await got.text()


@pytest.mark.parametrize("repository", elsewhere.REPOSITORIES)
async def test_a_public_sample_is_answered_by_a_stand_in_that_says_it_is_one(
    tmp_path: Path, registry: Known, repository: str
) -> None:
    image = f"mcr.microsoft.com/{repository}"
    async with plane(tmp_path, registry) as cloud:
        await running(cloud, workload("web--a", image, port=80))
        await cloud.route({HOST: (("web--a", 100),)})

        status, stands_for, text = await get(cloud)
        assert (status, stands_for) == (200, image)
        assert f"stand-in for {image}" in text
        assert await cloud.resolve(f"{image}:latest") == elsewhere.stand_in(repository).digest
        assert await cloud.resolve(f"{image}@{elsewhere.stand_in(repository).digest}")


@pytest.mark.parametrize(
    ("image", "code"),
    [
        ("nginx", "UNAUTHORIZED"),
        ("docker.io/library/nginx:1", "UNAUTHORIZED"),
        ("ghcr.io/someone/app:1", "UNAUTHORIZED"),
        ("mcr.microsoft.com/dotnet/samples:aspnetapp", "MANIFEST_UNKNOWN"),
        (f"mcr.microsoft.com/k8se/quickstart@{DIGEST}", "MANIFEST_UNKNOWN"),
    ],
)
async def test_any_other_foreign_image_fails_as_a_pull_fails_in_azure(
    tmp_path: Path, registry: Known, image: str, code: str
) -> None:
    async with plane(tmp_path, registry) as real, azure(real=real) as it:
        failed = await it.end(await it.ask("PUT", APP, app_body(image=image)))

        assert failed.body["status"] == "Failed"
        assert failed.body["error"]["code"] == "ContainerAppOperationError"
        message = failed.body["error"]["message"]
        assert "Field 'template.containers.web.image' is invalid with details" in message
        assert f'Invalid value: "{image}"' in message
        assert code in message
        assert (await it.ask("GET", f"{APP}/revisions")).body["value"] == []


@pytest.fixture
def engine(tmp_path: Path) -> Engine:
    return Engine(tmp_path)


class Engine:
    """A program that stands for Docker. calls: the arguments of each call."""

    def __init__(self, folder: Path) -> None:
        self.program, self._calls = folder / "engine", folder / "calls"
        self.program.write_text(ENGINE.format(python=sys.executable, calls=str(self._calls), digest=DIGEST))
        self.program.chmod(0o755)

    @property
    def calls(self) -> list[list[str]]:
        return [json.loads(line) for line in self._calls.read_text().splitlines()]

    def of(self, verb: str) -> list[list[str]]:
        return [call for call in self.calls if call[0] == verb]


async def test_an_engine_runs_foreign_images_on_the_target_port_and_ours_stay_processes(
    tmp_path: Path, registry: StaticRegistry, engine: Engine
) -> None:
    async with plane(tmp_path, registry, engine=str(engine.program)) as cloud:
        one = workload("web--a", "ghcr.io/someone/app:1", env={"GIVEN": "s3cret"}, port=80, args=("--x",))
        await running(cloud, one)
        await cloud.route({HOST: (("web--a", 100),)})
        assert (await get(cloud))[::2] == (200, "s3cret")
        assert await cloud.resolve("ghcr.io/someone/app:1") == DIGEST
        (run,) = engine.of("run")
        assert run[:2] == ["run", "--rm"]
        assert run[run.index("--publish") + 1].startswith("127.0.0.1:")
        assert run[run.index("--publish") + 1].endswith(":80")
        assert run[-2:] == ["ghcr.io/someone/app:1", "--x"]
        assert "GIVEN" in run
        assert not any("s3cret" in part for call in engine.calls for part in call)
        await cloud.stop("web--a")

    name = run[run.index("--name") + 1]
    assert engine.of("rm")[0] == ["rm", "--force", name]


async def test_a_container_that_dies_is_removed_and_run_again(
    tmp_path: Path, registry: StaticRegistry, engine: Engine
) -> None:
    async with plane(tmp_path, registry, engine=str(engine.program)) as cloud:
        await running(cloud, workload("web--a", "ghcr.io/someone/app:1", env={"GIVEN": ""}, port=80))
        cloud.fates.add(FateKind.MEMORY_KILL, "web--a", times=1)
        await until(lambda: cloud.state("web--a").replicas[0].restarts == 1 and ready(cloud, "web--a"))

        assert [call[0] for call in engine.calls] == ["pull", "image", "run", "rm", "run"]


@pytest.mark.parametrize(
    ("image", "code"), [("ghcr.io/someone/missing:1", "MANIFEST_UNKNOWN"), ("nowhere", "UNAVAILABLE")]
)
async def test_what_the_engine_cannot_pull_fails_with_its_reason(
    tmp_path: Path, registry: StaticRegistry, engine: Engine, image: str, code: str
) -> None:
    program = engine.program if image != "nowhere" else tmp_path / "no-such-engine"
    async with plane(tmp_path, registry, engine=str(program)) as cloud:
        with pytest.raises(PullError) as error:
            await cloud.start(workload("web--a", image))
        assert error.value.code == code


@pytest.mark.parametrize("killed", [False, True])
async def test_containers_that_are_left_go_with_the_local_cloud_also_when_it_is_killed(
    tmp_path: Path, engine: Engine, *, killed: bool
) -> None:
    program = f"""
import asyncio, sys
from pathlib import Path
from localcloud.dataplane.engine import Engine
async def main():
    engine = Engine({str(engine.program)!r}, Path({str(tmp_path)!r}))
    await engine.pull("ghcr.io/someone/app:1")
    print(flush=True)
    await asyncio.to_thread(sys.stdin.read)
    await engine.close()
asyncio.run(main())
"""
    pipe = asyncio.subprocess.PIPE
    parent = await asyncio.create_subprocess_exec(sys.executable, "-c", program, cwd=ROOT, stdin=pipe, stdout=pipe)
    assert parent.stdout is not None
    assert parent.stdin is not None
    await parent.stdout.readline()
    assert engine.of("rm") == []
    if killed:
        parent.kill()
    parent.stdin.close()
    await parent.wait()

    await until(lambda: engine.of("rm") == [["rm", "--force", "left1", "left2"]])
    (asked,) = engine.of("ps")
    assert asked[-1].startswith("label=localcloud=")
