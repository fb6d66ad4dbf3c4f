"""What the replicas write, read from the files the data plane gives them: one row of the console log a line."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from datetime import datetime
    from pathlib import Path

    from localcloud.arm.models import App, Revision

_MOST = 1024 * 1024  # bytes of one file that are read at one look; the rest at the next
_LONGEST = 32 * 1024  # characters of a line; a longer one is cut


class ConsoleLines:
    """folder: of the data plane's revisions, `<revision>/<replica>.log`."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._read: dict[Path, int] = {}

    def look(self, apps: Iterable[App], now: datetime) -> list[Mapping[str, object]]:
        """Rows of the whole lines that were written since the last look. Their time is that of the look."""
        rows: list[Mapping[str, object]] = []
        for app in apps:
            for revision in app.revisions:
                for file in sorted((self._folder / revision.name).glob("*.log")):
                    rows.extend(_row(app, revision, file.stem, line, now) for line in self._lines(file))
        return rows

    def _lines(self, file: Path) -> Iterator[str]:
        place = self._read.get(file, 0)
        if file.stat().st_size < place:
            place = 0  # it was begun anew
        with file.open("rb") as opened:
            opened.seek(place)
            found = opened.read(_MOST)
        whole = found.rfind(b"\n") + 1 or (len(found) if len(found) == _MOST else 0)
        self._read[file] = place + whole
        for line in found[:whole].decode(errors="replace").splitlines():
            yield line[:_LONGEST]


def _row(app: App, revision: Revision, replica: str, line: str, now: datetime) -> Mapping[str, object]:
    container = revision.template["containers"][0]
    return {
        "TimeGenerated": now,
        "Type": "ContainerAppConsoleLogs",
        "ContainerAppName": app.name,
        "ContainerGroupName": replica,
        "ContainerImage": container["image"],
        "ContainerName": container["name"] or "",
        "EnvironmentName": app.environment.name,
        "Location": app.environment.location,
        "Log": line,
        "RevisionName": revision.name,
        "SourceSystem": "Azure",
        "Stream": "stdout",
    }
