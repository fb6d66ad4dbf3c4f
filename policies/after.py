"""After: where the same digest must have been promoted before, and for how long it must have soaked there."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import timedelta
from typing import ClassVar

from policies.durations import read_duration, say_duration, suggest_duration
from policies.errors import CellError, Problem, quoted
from policies.facts import Elsewhere
from policies.gate import Asked, cannot_tell, is_open, is_waiting
from rollouts.findings import Finding, all_of
from rollouts.model import App, Phase
from rollouts.seen import Unknown

GATE = "after"
_MOST = 5
_EXPECTED = '"POLICY" or "POLICY for D", as in "staging for 2h"'
_NAME = r"[a-z0-9][a-z0-9._-]{0,62}"
_PART = re.compile(rf"({_NAME})(?: for (.+))?", re.ASCII)
_LOOSE = re.compile(rf"({_NAME})(?::| for| soaks?| soaked| after|) ?(?:for )?(.+)", re.ASCII)


@dataclass(frozen=True, slots=True, kw_only=True)
class AfterRule:
    """The After cell. before: policy names and the soak each asks for; all of them must hold."""

    text: str
    before: tuple[tuple[str, timedelta], ...]
    lasting: ClassVar[bool] = True

    def ask(self, asked: Asked) -> Finding:
        """Asked at the moment of use: a rollback there takes the right to ship here away again."""
        answers = tuple(_soaked(name, soak, asked) for name, soak in self.before)
        return answers[0] if len(answers) == 1 else all_of(GATE, answers)


def _soaked(name: str, soak: timedelta, asked: Asked) -> Finding:
    there = asked.facts.elsewhere.get(name)
    if there is None:
        return is_waiting(GATE, f"there is no policy {name} for {asked.image.repository}; correct After in the row")
    if isinstance(there, Unknown):
        return cannot_tell(GATE, there, asked.now)
    if there.revoked:
        return is_waiting(GATE, f"{name} took it back: {there.revoked}; a retry that is promoted there opens this")
    if there.promoted_at is None:
        return is_waiting(GATE, f"{name} has not promoted it yet")
    ripe = there.promoted_at + soak
    if asked.now < ripe:
        return is_waiting(
            GATE, f"promoted by {name}; soaks {say_duration(soak)}, until {ripe:%Y-%m-%d %H:%M} UTC", ripe
        )
    return is_open(GATE, f"promoted by {name} at {there.promoted_at:%Y-%m-%d %H:%M} UTC")


def elsewhere(app: App, policy: str, digest: str, quarantined: str = "") -> Elsewhere:
    """What that app's row says of the digest. policy: key of the row there. quarantined: why it is there, or ""."""
    ends = [done for done in app.done if done.digest == digest and done.policy == policy]
    promoted = [done.at for done in ends if done.phase is Phase.PROMOTED]
    if not promoted and app.stable and (app.stable.digest, app.stable.policy) == (digest, policy) and app.stable.since:
        promoted = [app.stable.since]
    if quarantined:
        return Elsewhere(promoted_at=max(promoted, default=None), revoked=quarantined)
    last = ends[-1] if ends else None
    undone = last is not None and promoted and last.phase in (Phase.ROLLED_BACK, Phase.ABORTED)
    said = f"{last.phase.replace('_', ' ')} at {last.at:%Y-%m-%d %H:%M} UTC" if last and undone else ""
    return Elsewhere(promoted_at=max(promoted, default=None), revoked=said)


def read_after(text: str, column: str = "After") -> AfterRule | None:
    """The rule, None for `none`; raises `CellError` with every problem of the cell."""
    if text.lower() == "none":
        return None
    parts = [part.strip() for part in text.split(",")]
    if len(parts) > _MOST:
        raise CellError(Problem(column=column, expected=f"at most {_MOST} policies", found=str(len(parts))))
    read = [_part(part) for part in parts]
    wrong = [part for part, found in zip(parts, read, strict=True) if found is None]
    if wrong:
        hint = ", ".join(part if found else _repaired(part) for part, found in zip(parts, read, strict=True))
        named = [_part(part.strip()) for part in hint.split(",")]
        hint = hint if all(named) and len({part[0] for part in named if part}) == len(named) else ""
        raise CellError(
            *(Problem(column=column, expected=_EXPECTED, found=quoted(part), hint=hint) for part in wrong[:1])
        )
    before = tuple(found for found in read if found)
    twice = [name for name, _ in before if sum(name == other for other, _ in before) > 1]
    if twice:
        raise CellError(Problem(column=column, expected="each policy once", found=quoted(twice[0])))
    return AfterRule(text=text, before=before)


def _part(text: str) -> tuple[str, timedelta] | None:
    match = _PART.fullmatch(text)
    if match is None:
        return None
    soak = read_duration(match[2]) if match[2] else timedelta()
    return (match[1], soak) if soak is not None else None


def _repaired(text: str) -> str:
    match = _LOOSE.fullmatch(text.lower())
    if match is None:
        return ""
    soak = match[2] if read_duration(match[2]) else suggest_duration(match[2])
    return f"{match[1]} for {soak}" if soak else ""
