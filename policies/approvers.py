"""Approvers: how many of a group must say yes, and what one person's yes is worth."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import ClassVar

from policies.durations import read_duration, say_duration, suggest_duration
from policies.errors import CellError, Problem, quoted
from policies.gate import Asked, Rule, is_closed, is_open, is_waiting
from rollouts import approvals
from rollouts.findings import Answer, Finding
from rollouts.model import BEFORE_START, Actor, Approvers, Step
from rollouts.seen import ApprovalSeen, Unknown

GATE = "approvers"
_ASKED_MEANWHILE = ("window", "freeze")  # gates people may decide in front of
_MOST = 5  # a rollout keeps 20 approvals, and each may count at one step alone
_EXPECTED = '"N of GROUP" or "N of GROUP within D", as in "1 of shop-leads within 24h"'
_CELL = re.compile(r"([0-9]{1,3}) of ([a-z0-9][a-z0-9_-]{0,62})(?: within (.+))?", re.ASCII | re.IGNORECASE)
_LOOSE = re.compile(
    r"(?:([0-9]{1,3}|one|two|any) ?(?:of|from|x|/|,|:)? )?([a-z0-9][a-z0-9_-]{0,62})(?:,? (?:within|in|for) (.+))?",
    re.ASCII | re.IGNORECASE,
)
_WORDS = {"one": "1", "any": "1", "two": "2"}


@dataclass(frozen=True, slots=True, kw_only=True)
class ApproversRule:
    """The Approvers cell. Asked before the start only where no step asks: then the steps do."""

    text: str
    need: Approvers
    lasting: ClassVar[bool] = False

    def ask(self, asked: Asked) -> Finding:
        """Open with enough approvals of this digest; closed when they did not come in time."""
        facts, need = asked.facts, self.need
        at_steps = [f"{step.weight} %" for step in asked.policy.plan.steps if step.until_approved]
        if at_steps:
            return is_open(GATE, f"{need.count} of {need.group} is asked at {', '.join(at_steps)}")
        given = [one for one in facts.approvals if one.step == BEFORE_START and need.group in one.groups]
        names = sorted({one.by for one in given})
        if approvals.people(need, given) >= need.count:
            return is_open(GATE, f"approved by {' and '.join(names)}{_own_push_is_unknown(asked)}")
        so_far = f"{len(names)} of {need.count} of {need.group}" + (f": {', '.join(names)}" if names else "")
        until = facts.asked_at + need.within if facts.asked_at and need.within else None
        if until is not None and asked.now >= until and need.within is not None:
            return is_closed(GATE, f"{so_far} approved within {say_duration(need.within)}")
        return is_waiting(GATE, f"needs {need.count} of {need.group}; {so_far}" if names else _needs(need), until)


def _needs(need: Approvers) -> str:
    return f"needs {need.count} of {need.group}"


def _own_push_is_unknown(asked: Asked) -> str:
    """Nobody approves their own push; where the registry does not say who pushed, that is said."""
    return "" if pushers(asked) else "; the registry does not say who pushed it"


def pushers(asked: Asked) -> set[str]:
    """Who pushed the image, as far as its events tell, in lower case."""
    return {name.lower() for push in asked.facts.pushes for name in push.named}


def read_approvers(text: str, column: str = "Approvers") -> ApproversRule | None:
    """The rule, None for `none`; raises `CellError`."""
    if text.lower() == "none":
        return None
    match = _CELL.fullmatch(text)
    within = read_duration(match[3]) if match and match[3] else None
    if match is None or not 0 < int(match[1]) <= _MOST or (match[3] and within is None):
        raise CellError(Problem(column=column, expected=_EXPECTED, found=quoted(text), hint=_repaired(text)))
    return ApproversRule(text=text, need=Approvers(count=int(match[1]), group=match[2].lower(), within=within))


def _repaired(text: str) -> str:
    match = _LOOSE.fullmatch(text)
    if match is None:
        return ""
    count = _WORDS.get((match[1] or "1").lower(), match[1] or "1")
    within = match[3] and (match[3] if read_duration(match[3]) else suggest_duration(match[3]))
    if not 0 < int(count) <= _MOST or (match[3] and not within):
        return ""
    return f"{int(count)} of {match[2].lower()}" + (f" within {within}" if within else "")


def lacks_approvers(steps: Iterable[Step], rules: Iterable[Rule]) -> str:
    """The steps at which nobody could ever approve, as a problem says them; "" when there are none."""
    asking = [f"{step.weight} %" for step in steps if step.until_approved]
    return "" if any(isinstance(rule, ApproversRule) for rule in rules) else ", ".join(asking)


def asks(finding: Finding) -> bool:
    """Whether only people, and perhaps the hour, keep the gates from opening: then it is time to ask people."""
    waiting = {gate.gate for gate in finding.children if gate.answer is not Answer.OPEN}
    return GATE in waiting and waiting <= {GATE, *_ASKED_MEANWHILE} and finding.answer is Answer.WAITING


def admitted(
    actor: Actor, needs: Iterable[Approvers], members: Mapping[str, frozenset[str] | Unknown], pushed_by: str
) -> ApprovalSeen:
    """What a person's yes is worth: the groups it counts for, or why it does not count.

    members: of each group, names and ids in lower case; Unknown when the group cannot be read. pushed_by: "" when it
    is not known.
    """
    wanted = list(needs)
    if not wanted:
        return ApprovalSeen()
    me = {part.lower() for part in (actor.id, actor.name) if part}
    if pushed_by and pushed_by.lower() in me:
        return ApprovalSeen(refused="nobody approves their own push")
    groups = [need.group for need in wanted]
    mine = tuple(group for group in groups if not isinstance(known := members[group], Unknown) and me & known)
    if mine:
        return ApprovalSeen(groups=tuple(dict.fromkeys(mine)))
    away = [known.because for group in groups if isinstance(known := members[group], Unknown)]
    if away:
        return ApprovalSeen(refused=f"cannot tell: {'; '.join(away)}")
    return ApprovalSeen(refused=f"{actor.name or actor.id or 'nobody'} is not in {' or '.join(groups)}")
