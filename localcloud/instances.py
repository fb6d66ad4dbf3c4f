"""Several Functions hosts of one app behind one address, as when an app has scaled out.

All listen on one port, and the system gives each new connection to one of them, as Azure's front end does. A host that
is killed takes its connections with it and gets no more.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from localcloud.functions import Functions


class Instances:
    """hosts: at least one, each told to share its port; counted from 1."""

    def __init__(self, hosts: Sequence[Functions]) -> None:
        self.hosts = tuple(hosts)

    async def start(self) -> None:
        """Start those that do not run. Raises FunctionsError."""
        first, *others = self.hosts
        await first.start()
        for other in others:
            other.port = first.port
        await asyncio.gather(*(other.start() for other in others))

    async def stop(self) -> None:
        """End all in order. Twice is once."""
        await asyncio.gather(*(host.stop() for host in self.hosts))

    async def kill(self, number: int | None = None) -> None:
        """End one at once, wherever it is; all of them without a number."""
        chosen = self.hosts if number is None else self.hosts[number - 1 : number]
        await asyncio.gather(*(host.kill() for host in chosen))
