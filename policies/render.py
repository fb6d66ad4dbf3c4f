"""A finding as people and programs read it: one form for the command line, the API and the page."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime

from policies.errors import printable
from rollouts.findings import Answer, Finding

NOT_ASKED = "-"
_MARKS = {Answer.OPEN: "✓", Answer.WAITING: "…", Answer.CLOSED: "✗"}
_COLOURS = {"✓": "32", "…": "33", "✗": "31", NOT_ASKED: "2"}  # green, yellow, red, faint
MOST_DEPTH = 20  # of a tree that is read; ours have three levels
_WIDEST = 28  # of the column of gates; a longer name moves only its own line


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One finding in reading order. depth: 0 for a gate. asked: False for a gate that is only taken to be open."""

    depth: int
    finding: Finding
    asked: bool = True

    @property
    def mark(self) -> str:
        """The answer in one character."""
        return _MARKS[self.finding.answer] if self.asked else NOT_ASKED


def moment(at: datetime) -> str:
    """A time as a person reads it."""
    return f"{at.astimezone(UTC):%Y-%m-%d %H:%M} UTC"


def said(finding: Finding) -> str:
    """The because, and when it may change by itself."""
    again = f" (asked again {moment(finding.ask_at)})" if finding.ask_at and finding.answer is Answer.WAITING else ""
    return printable(finding.because) + again


def tree(root: Finding, *, not_asked: Collection[str] = (), paint: bool = False, indent: str = "  ") -> list[str]:
    """The gates of a finding and what each rests on, aligned, one a line. paint: for a terminal."""
    lines = list(_lines(root, not_asked))
    width = min(_WIDEST, max((_room(line) for line in lines), default=0))
    return [indent + _text(line, width, paint=paint) for line in lines]


def finding(root: Finding) -> dict[str, object]:
    """The tree as JSON types; every finding has the same five fields."""
    whole = _fields(root)
    todo: list[tuple[Finding, dict[str, object]]] = [(root, whole)]
    while todo:
        one, fields = todo.pop()
        below = [(child, _fields(child)) for child in one.children]
        fields["children"] = [child for _, child in below]
        todo += below
    return whole


def _fields(one: Finding) -> dict[str, object]:
    return {
        "gate": one.gate,
        "answer": one.answer.value,
        "because": one.because,
        "ask_at": one.ask_at.isoformat() if one.ask_at else None,
    }


def _lines(root: Finding, not_asked: Collection[str]) -> Iterator[Line]:
    """Every finding below the root, outermost first; without recursion, for a tree may be deep."""
    todo = [Line(depth=0, finding=child, asked=child.gate not in not_asked) for child in reversed(root.children)]
    while todo:
        line = todo.pop()
        yield line
        todo += [Line(depth=line.depth + 1, finding=child) for child in reversed(line.finding.children)]


def _room(line: Line) -> int:
    return 2 * line.depth + len(line.finding.gate)


def _text(line: Line, width: int, *, paint: bool) -> str:
    mark = f"\x1b[{_COLOURS[line.mark]}m{line.mark}\x1b[0m" if paint else line.mark
    inner = "  " * line.depth
    gate = printable(line.finding.gate).ljust(max(0, width - len(inner)))
    return f"{inner}{mark} {gate}  {said(line.finding)}"


def finding_of(fields: object, depth: int = 0) -> Finding:
    """The tree that `finding` wrote; raises ValueError for anything else, and for one that is too deep to show."""
    match fields:
        case {
            "gate": str(gate),
            "answer": str(answer),
            "because": str(because),
            "ask_at": None | str() as again,
            "children": list(children),
        } if depth < MOST_DEPTH:
            return Finding(
                gate=gate,
                answer=Answer(answer),
                because=because,
                ask_at=datetime.fromisoformat(again) if again else None,
                children=tuple(finding_of(child, depth + 1) for child in children),
            )
        case _:
            raise ValueError("expected a finding")
