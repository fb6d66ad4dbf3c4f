"""What a gate of a row is: a rule read from its cell that says open, waiting or closed of an image, and why.

Adding one: a module with the cell's grammar and its rule, and a line in `policies/gate_cells.py`.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, ClassVar, Protocol

from rollouts.findings import Answer, Finding
from rollouts.model import Image
from rollouts.seen import Unknown

if TYPE_CHECKING:
    from policies.facts import Facts
    from policies.model import Policy

ASK_AGAIN = timedelta(minutes=1)  # after the outside could not be asked


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """One question to every gate: may this image ship by this row, going by these facts, now?"""

    policy: Policy
    image: Image
    facts: Facts
    now: datetime


class Rule(Protocol):
    """A gate's cell, read. lasting: it is asked again while the rollout is live, and one that closes moves no weight.

    Rules are frozen dataclasses. `ask` is total: whatever the facts, there is an answer; emptiness is never open.
    """

    lasting: ClassVar[bool]

    @property
    def text(self) -> str:
        """The cell as it was written."""
        ...

    def ask(self, asked: Asked) -> Finding:
        """The answer, with what it rests on as children and the time at which it may change by itself."""
        ...


def is_open(gate: str, because: str, children: tuple[Finding, ...] = ()) -> Finding:
    """The gate lets the image through."""
    return Finding(gate=gate, answer=Answer.OPEN, because=because, children=children)


def is_closed(gate: str, because: str, children: tuple[Finding, ...] = ()) -> Finding:
    """The gate refuses the image; only another fact changes that."""
    return Finding(gate=gate, answer=Answer.CLOSED, because=because, children=children)


def is_waiting(gate: str, because: str, ask_at: datetime | None = None, children: tuple[Finding, ...] = ()) -> Finding:
    """The gate may open yet. ask_at: when by itself; None: when a new fact comes."""
    return Finding(gate=gate, answer=Answer.WAITING, because=because, ask_at=ask_at, children=children)


def cannot_tell(gate: str, unknown: Unknown, now: datetime) -> Finding:
    """The outside could not be asked, which is neither a yes nor a no."""
    return is_waiting(gate, f"cannot tell: {unknown.because}", now + ASK_AGAIN)
