"""The picture of the state machine, drawn from its one table."""

from __future__ import annotations

from rollouts.machine import TRANSITIONS
from rollouts.model import Phase

OUTCOMES = tuple(phase for phase in Phase if not any(before is phase for before, _ in TRANSITIONS))


def as_mermaid() -> str:
    """A Mermaid state diagram: one arrow per pair of phases, labelled with every cause that leads there."""
    arrows: dict[tuple[Phase, Phase], list[str]] = {}
    for (before, cause), after in TRANSITIONS.items():
        arrows.setdefault((before, after), []).append(cause.value.replace("_", " "))
    lines = ["stateDiagram-v2", f"    [*] --> {Phase.WAITING}"]
    lines += [f"    {before} --> {after}: {', '.join(causes)}" for (before, after), causes in arrows.items()]
    lines += [f"    {outcome} --> [*]" for outcome in OUTCOMES]
    return "\n".join(lines)
