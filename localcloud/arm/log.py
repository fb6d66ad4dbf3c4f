"""Every request that came, for tests that count them and people who wonder."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from localcloud.arm.calls import Call

_WRITES = ("PUT", "PATCH", "POST", "DELETE")
_MOST = 50_000


@dataclass(slots=True, kw_only=True)
class Entry:
    """One request. keys: dotted names of what its body sets. status: 0 while it has no answer. trouble: what it met."""

    method: str
    path: str
    at: str
    keys: list[str]
    status: int = 0
    trouble: str = ""


class RequestLog:
    """In the order they came; the oldest go first."""

    def __init__(self) -> None:
        self.entries: list[Entry] = []

    def arrived(self, call: Call, at: datetime) -> Entry:
        """Note a request before it is answered."""
        entry = Entry(method=call.method, path=call.path, at=at.isoformat(), keys=sorted(_keys(call.body)))
        self.entries.append(entry)
        del self.entries[:-_MOST]
        return entry

    def matching(self, method: str, path: str) -> list[dict[str, Any]]:
        """Entries with this method ("" is any) whose path has this part."""
        found = (e for e in self.entries if method.upper() in ("", e.method) and path.lower() in e.path.lower())
        return [asdict(e) for e in found]

    def writes(self, app: str) -> dict[str, int]:
        """Writes to an app ("" is all) by method, whatever was answered; reads by POST are none."""
        counts = dict.fromkeys(_WRITES, 0)
        for entry in self.entries:
            _, _, rest = entry.path.lower().partition("/containerapps/")
            ours = rest and (not app or rest.split("/")[0] == app.lower())
            if ours and entry.method in counts and not rest.endswith("/listsecrets"):
                counts[entry.method] += 1
        return {**counts, "total": sum(counts.values())}


def _keys(body: object, before: str = "") -> Iterator[str]:
    if not isinstance(body, dict) or not body:
        if before:
            yield before
        return
    for key, value in body.items():
        yield from _keys(value, f"{before}.{key}" if before else str(key))
