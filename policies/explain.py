"""Why does this image (not) ship? What every row about it says, as one answer; `render.py` shows it."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from policies.errors import PolicyError
from policies.evaluate import evaluate, short
from policies.facts import Facts
from policies.gate import is_closed
from policies.model import Policy
from policies.patterns import glob_matches
from policies.render import finding as finding_fields
from policies.render import moment, tree
from rollouts.findings import Answer, Finding, all_of
from rollouts.model import Image, Mode


@dataclass(frozen=True, slots=True, kw_only=True)
class Explained:
    """What one row says. key: the row's. app: "" of a broken row. not_asked: gates that are only taken to be open.

    mode: None of a broken row.
    """

    key: str
    app: str
    mode: Mode | None
    finding: Finding
    not_asked: frozenset[str] = frozenset()

    @property
    def ships(self) -> bool:
        """Whether the image goes out by this row now."""
        return self.finding.answer is Answer.OPEN and self.mode is Mode.ON

    @property
    def conclusion(self) -> str:
        """The whole answer on one line."""
        match self.finding.answer:
            case Answer.OPEN if self.mode is Mode.OBSERVE:
                return f"would ship to {self.app}: every gate is open, and the row only observes"
            case Answer.OPEN:
                return f"ships to {self.app}: every gate is open"
            case Answer.WAITING:
                at = self.finding.ask_at
                return f"waits: {self.finding.because}{f'; asked again {moment(at)}' if at else ''}"
            case Answer.CLOSED:
                return f"does not ship: {self.finding.because}"


def explain(
    policy: Policy, image: Image, facts: Facts, now: datetime, not_asked: Mapping[str, str] | None = None
) -> Explained:
    """What a good row says of an image. not_asked: for each gate that could not be asked, what it is taken to say."""
    assumed = not_asked or {}
    whole = assume(evaluate(policy, image, facts, now), assumed)
    return Explained(
        key=policy.key,
        app=policy.app.named(image.repository),
        mode=policy.mode,
        finding=whole,
        not_asked=frozenset(gate.gate for gate in whole.children if gate.gate in assumed),
    )


def assume(whole: Finding, assumed: Mapping[str, str]) -> Finding:
    """The answer of all gates, some of which nobody could be asked about. assumed: by gate, what it is taken to say."""
    return all_of(whole.gate, tuple(_assumed(gate, assumed) for gate in whole.children))


def _assumed(gate: Finding, assumed: Mapping[str, str]) -> Finding:
    if gate.gate in assumed:
        return replace(gate, answer=Answer.OPEN, because=f"not asked: {assumed[gate.gate]}", ask_at=None, children=())
    if not assumed or gate.ask_at is None:
        return gate
    # Where nobody can be asked, asking again is no way out.
    children = tuple(replace(one, ask_at=None) if _untold(one) else one for one in gate.children)
    asks = [one.ask_at for one in children if one.ask_at is not None]
    again = min(asks, default=None) if children else None if _untold(gate) else gate.ask_at
    return replace(gate, children=children, ask_at=again)


def _untold(one: Finding) -> bool:
    return one.because.startswith("cannot tell: ")


def broken(error: PolicyError) -> Explained:
    """What a row says that cannot be read: nothing ships from it."""
    problems = "; ".join(str(problem) for problem in error.problems)
    gate = is_closed("policy", f"the row is broken, so nothing ships from it: {problems}")
    return Explained(key=error.source, app="", mode=None, finding=all_of("gates", (gate,)))


def is_about(key: str, image: Image, pattern: str = "*") -> bool:
    """Whether a row of this key, perhaps a broken one, is about the image. pattern: Repository, of a pattern row."""
    server, _, path = key.partition("/")[0].partition("|")
    if server != image.registry.lower():
        return False
    return glob_matches(pattern, image.repository) if path == "*" else path.replace("|", "/") == image.repository


def as_text(rows: Iterable[Explained], *, paint: bool = False) -> str:
    """Every row with its conclusion and the tree below it."""
    return "\n\n".join("\n".join(_row(row, paint=paint)) for row in rows)


def _row(row: Explained, *, paint: bool) -> list[str]:
    return [f"{row.key}: {row.conclusion}", *tree(row.finding, not_asked=row.not_asked, paint=paint)]


def as_fields(row: Explained) -> dict[str, object]:
    """The answer as JSON types."""
    return {
        "policy": row.key,
        "app": row.app or None,
        "mode": row.mode.value if row.mode else None,
        "ships": row.ships,
        "answer": row.finding.answer.value,
        "conclusion": row.conclusion,
        "ask_at": row.finding.ask_at.isoformat() if row.finding.ask_at else None,
        "not_asked": sorted(row.not_asked),
        "finding": finding_fields(row.finding),
    }


def named(image: Image) -> str:
    """The image as a person knows it, with the digest it is."""
    tag = f":{image.tag}" if image.tag else ""
    return f"{image.registry}/{image.repository}{tag} ({short(image.digest)})"


def ships(rows: Collection[Explained]) -> bool:
    """Whether any of the rows lets it out."""
    return any(row.ships for row in rows)
