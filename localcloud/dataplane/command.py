"""An image and a workload become a command line, an environment and a folder on this machine."""

from __future__ import annotations

import os
import re
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from localcloud.dataplane.model import Workload
    from localcloud.dataplane.pull import Pulled

_PYTHON = re.compile(r"python(3(\.\d+)?)?")
# Of this machine's environment only these: where programs are, and where they may write.
_INHERITED = ("PATH", "TMPDIR", "LANG", "LD_LIBRARY_PATH", "SYSTEMROOT")


@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    """What to start. Paths inside the program's own code are not rewritten: that is the limit of processes.

    after: to be run once it has ended, () for nothing. relayed: its port is listened to by somebody who passes on, so
    that a connection that is accepted proves nothing unless it stays.
    """

    argv: tuple[str, ...]
    env: Mapping[str, str]
    cwd: Path
    after: tuple[str, ...] = ()
    relayed: bool = False


def command(pulled: Pulled, workload: Workload, replica: str, port: int | None) -> Command:
    """As a container runtime would: `command` replaces entrypoint and arguments, `args` the arguments only."""
    entrypoint = workload.command or pulled.entrypoint
    args = workload.args or (() if workload.command else pulled.cmd)
    argv = tuple(_on_this_machine(part, pulled.rootfs) for part in (*entrypoint, *args))
    if argv and _PYTHON.fullmatch(Path(argv[0]).name):
        argv = (sys.executable, *argv[1:])
    workdir = pulled.rootfs / pulled.workdir.lstrip("/")
    return Command(
        argv=argv,
        env={
            **{name: os.environ[name] for name in _INHERITED if name in os.environ},
            **pulled.env,
            **told(workload, replica),
            **workload.env,
            **({} if port is None else {"PORT": str(port)}),
        },
        cwd=workdir if workdir.is_dir() else pulled.rootfs,
    )


def _on_this_machine(part: str, rootfs: Path) -> str:
    inside = rootfs / part.lstrip("/")
    return str(inside) if part.startswith("/") and inside.exists() else part


def told(workload: Workload, replica: str) -> dict[str, str]:
    """What Container Apps tells every container (learn.microsoft.com, container-apps/environment-variables)."""
    told = {
        "CONTAINER_APP_NAME": workload.revision.partition("--")[0],
        "CONTAINER_APP_REVISION": workload.revision,
        "CONTAINER_APP_REPLICA_NAME": replica,
    }
    return told if workload.port is None else {**told, "CONTAINER_APP_PORT": str(workload.port)}
