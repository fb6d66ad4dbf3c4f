"""Free ports on loopback for processes that bind them themselves."""

from __future__ import annotations

import random
import socket

# Below the range from which systems take the ports of outgoing connections (Linux 32768, others 49152): one of those
# could otherwise be in the way between the moment a port is found free and the moment its process binds it.
_FIRST, _LAST = 15000, 32000


class Ports:
    """Gives each port once until it is given back."""

    def __init__(self) -> None:
        self._given: set[int] = set()
        self._next = random.randrange(_FIRST, _LAST)  # noqa: S311 - so that two clouds on a machine rarely meet

    def take(self) -> int:
        """A port nobody listens on. Raises OSError when there is none."""
        for _ in range(_LAST - _FIRST):
            port, self._next = self._next, _FIRST if self._next + 1 >= _LAST else self._next + 1
            if port not in self._given and _free(port):
                self._given.add(port)
                return port
        raise OSError(f"ports: expected a free one from {_FIRST} to {_LAST}, found none")

    def give_back(self, port: int) -> None:
        """Another may have it."""
        self._given.discard(port)


def _free(port: int) -> bool:
    with socket.socket() as probe:
        # As servers do, else a port whose last connections are still in TIME_WAIT would look taken.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True
