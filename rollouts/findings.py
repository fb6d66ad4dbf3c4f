"""The answer tree: one shape for gates, logs, messages, pages and `explain`."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class Answer(StrEnum):
    """What a gate says; ordered from best to worst in `WORST_LAST`."""

    OPEN = "open"
    WAITING = "waiting"
    CLOSED = "closed"


WORST_LAST = (Answer.OPEN, Answer.WAITING, Answer.CLOSED)


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One gate's answer, why, and the answers it rests on.

    `because` is one short clause, lower case, without a full stop.
    `ask_at` is when the answer may change by itself; None means only a new fact changes it.
    """

    gate: str
    answer: Answer
    because: str
    ask_at: datetime | None = None
    children: tuple[Finding, ...] = ()

    def walk(self) -> Iterator[Finding]:
        """Yield this finding and every one below it, outermost first."""
        yield self
        for child in self.children:
            yield from child.walk()


def all_of(gate: str, children: tuple[Finding, ...]) -> Finding:
    """Fold answers to the worst of them; no children at all is closed, never open."""
    if not children:
        return Finding(gate=gate, answer=Answer.CLOSED, because="nothing was asked")
    worst = max(children, key=lambda child: WORST_LAST.index(child.answer))
    asks = [child.ask_at for child in children if child.ask_at is not None]
    because = f"{worst.gate}: {worst.because}" if worst.answer is not Answer.OPEN else "every gate is open"
    return Finding(
        gate=gate,
        answer=worst.answer,
        because=because,
        ask_at=min(asks, default=None),
        children=children,
    )
