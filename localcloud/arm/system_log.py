"""What the platform says it does to apps, as it is streamed to who follows an app or an environment."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import datetime

    from localcloud.arm.models import App, Json

SOURCE = "ContainerAppController"
_KEPT = 1000  # lines


@dataclass(frozen=True, slots=True, kw_only=True)
class SystemEvent:
    """replica: "" for what happens to the revision. severity: `Normal` or `Warning`."""

    at: datetime
    app: App
    revision: str
    replica: str = ""
    reason: str
    severity: str
    said: str

    def line(self) -> Json:
        """As it is streamed (recorded in containerapp_eventstream of 2023; in public logs of 2025 likewise)."""
        return {
            "TimeStamp": f"{self.at:%Y-%m-%d %H:%M:%S} +0000 UTC",
            "Type": self.severity,
            "ContainerAppName": self.app.name,
            "RevisionName": self.revision,
            "ReplicaName": self.replica,
            "Msg": self.said,
            "Reason": self.reason,
            "EventSource": SOURCE,
            "Count": 1,
        }


class SystemLog:
    """The last events, in the order in which they happened."""

    def __init__(self) -> None:
        self._events: deque[SystemEvent] = deque(maxlen=_KEPT)
        self._told = 0

    def add(self, events: list[SystemEvent]) -> None:
        """They have happened now."""
        self._events.extend(events)
        self._told += len(events)

    def clear(self) -> None:
        """Forget them all; who follows the log is told what comes from now on."""
        self._events.clear()

    def since(self, told: int) -> tuple[list[SystemEvent], int]:
        """Those that are kept of what came after the first `told` ones, and how many came in all."""
        new = min(self._told - told, len(self._events))
        return list(self._events)[len(self._events) - new :], self._told


def greeting(at: datetime) -> list[Json]:
    """What a stream begins with (recorded in containerapp_eventstream)."""
    said = (
        ("StartingGettingEvents", "Connecting to the events collector..."),
        ("ConnectedToEventsServer", "Successfully connected to events server"),
    )
    of_nothing = dict.fromkeys(("ContainerAppName", "RevisionName", "ReplicaName"))
    return [
        {
            "TimeStamp": f"{at:%Y-%m-%dT%H:%M:%S}Z",
            "Type": "Normal",
            **of_nothing,
            "Msg": text,
            "Reason": reason,
            "EventSource": SOURCE,
            "Count": 1,
        }
        for reason, text in said
    ]
