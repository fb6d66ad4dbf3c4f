"""A finding tree for people (text) and programs (JSON types): the same for the command line and the HTTP API."""

from __future__ import annotations

from datetime import datetime

from rollouts.findings import Answer, Finding

_DEEPEST = 8
NOT_ASKED = "not asked here"  # how the because of a gate begins that was taken for open
_WIDTH = max(len(answer) for answer in Answer)


def when(time: datetime) -> str:
    """A time as messages write it."""
    return f"{time:%Y-%m-%d %H:%M} UTC"


def conclusion(finding: Finding, app: str, *, observes: bool = False) -> str:
    """What comes of the answer, in one line."""
    match finding.answer:
        case Answer.OPEN if observes:
            return f"would ship to {app}; its row only observes"
        case Answer.OPEN:
            return f"ships to {app}"
        case Answer.WAITING:
            again = f"; asked again {when(finding.ask_at)}" if finding.ask_at else ""
            return f"waits: {finding.because}{again}"
        case Answer.CLOSED:
            return f"does not ship: {finding.because}"


def as_text(finding: Finding, indent: str = "  ") -> str:
    """One line a gate, what it rests on below it; the outermost finding itself is left to its conclusion."""
    return "\n".join(_lines(finding.children, indent, 0))


def _lines(findings: tuple[Finding, ...], indent: str, depth: int) -> list[str]:
    width = max((len(finding.gate) for finding in findings), default=0)
    lines: list[str] = []
    for finding in findings:
        word = "assumed" if finding.because.startswith(NOT_ASKED) else finding.answer
        lines.append(f"{indent}{word:<{_WIDTH}}  {finding.gate:<{width}}  {finding.because}".rstrip())
        if depth < _DEEPEST:
            lines += _lines(finding.children, f"{indent}{' ' * (_WIDTH + 2)}", depth + 1)
    return lines


def as_data(finding: Finding, depth: int = 0) -> dict[str, object]:
    """The tree as JSON types. askAt: RFC 3339 in UTC, or null."""
    return {
        "gate": finding.gate,
        "answer": finding.answer.value,
        "because": finding.because,
        "askAt": finding.ask_at.isoformat().replace("+00:00", "Z") if finding.ask_at else None,
        "children": [as_data(child, depth + 1) for child in finding.children] if depth < _DEEPEST else [],
    }
