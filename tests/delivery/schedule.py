"""Every call a use case makes to its ports, seen from outside: counted, cut short, or held until its turn comes."""

from __future__ import annotations

import dataclasses
import re
from dataclasses import dataclass
from typing import Any, Protocol

from delivery.ports import Ports

EFFECTS = ("commit", "put", "send")


@dataclass(frozen=True, kw_only=True)
class Call:
    """One port call. port: its field in `Ports`."""

    port: str
    name: str
    arguments: tuple[Any, ...]

    @property
    def effect(self) -> bool:
        """Whether it changes anything outside."""
        return self.name in EFFECTS

    def __str__(self) -> str:
        """Names the call in every run alike: what is random in an order's key is left out."""
        return re.sub(r"(\.[0-9]{6}Z):[0-9a-f]{8}", r"\1", self._spelled())

    def _spelled(self) -> str:
        match self.port, self.name:
            case "rows", "commit":
                table, partition, changes = self.arguments
                kinds = ",".join(f"{type(c).__name__} {c.key}" for c in changes)
                return f"commit {table}/{partition[-12:]} [{kinds}]"
            case "rows", _:
                return f"{self.name} " + "/".join(str(a)[-24:] for a in self.arguments)
            case "queue", _:
                queue, body, delay = self.arguments
                what = body.get("key") or f"seq {body.get('seq')} offers {len(body.get('offers') or ())}"
                return f"put {queue} {what} after {delay.total_seconds():g} s"
            case "apps", "send":
                return f"send {self.arguments[1]}"
            case _:
                return f"{self.port}.{self.name}"


class Tap(Protocol):
    """Stands before and after every port call."""

    async def before(self, call: Call) -> object:
        """Asked when the call arrives; what it raises, the call raises without effect. Its answer goes to `after`."""

    async def after(self, call: Call, token: object) -> None:
        """Asked once the call took effect; what it raises is an answer that was lost."""


class Tapped:
    """A port whose every call passes a tap; the call itself never yields, so it is atomic."""

    def __init__(self, port: str, inner: object, tap: Tap) -> None:
        self._port = port
        self._inner = inner
        self._tap = tap

    def __getattr__(self, name: str) -> Any:
        method = getattr(self._inner, name)

        async def call(*arguments: object, **more: object) -> object:
            made = Call(port=self._port, name=name, arguments=(*arguments, *more.values()))
            token = await self._tap.before(made)
            answer = await method(*arguments, **more)
            await self._tap.after(made, token)
            return answer

        return call


TAPPED = ("rows", "queue", "apps", "metrics", "prober", "registry")


def tapped(ports: Ports, tap: Tap) -> Ports:
    """The same ports, seen by a tap; clock, settings and secrets as they are."""
    wrapped: dict[str, Any] = {name: Tapped(name, getattr(ports, name), tap) for name in TAPPED}
    channels: dict[str, Any] = {kind: Tapped("channel", channel, tap) for kind, channel in ports.channels.items()}
    return dataclasses.replace(ports, **wrapped, channels=channels)


class Counting:
    """Remembers every call."""

    def __init__(self) -> None:
        self.calls: list[Call] = []

    async def before(self, call: Call) -> object:
        self.calls.append(call)
        return len(self.calls) - 1

    async def after(self, call: Call, token: object) -> None:
        pass
