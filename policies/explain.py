"""Why did this image (not) ship? For every row about its repository: what each gate says, and what comes of it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from policies import render
from policies.errors import PolicyError
from policies.facts import Facts
from policies.model import Policy
from rollouts.findings import Answer, Finding
from rollouts.model import Image, Mode

Judge = Callable[[Policy, Image, Facts, datetime], Finding]


@dataclass(frozen=True, slots=True, kw_only=True)
class Explained:
    """One row's answer. app: as the row names it, `{name}` filled in; "" for a broken row.

    observes: nothing is written to Azure. ended: what became of the image there before, oldest first.
    """

    policy: str
    app: str
    finding: Finding
    observes: bool = False
    ended: tuple[str, ...] = ()

    @property
    def conclusion(self) -> str:
        """What comes of it, in one line."""
        return render.conclusion(self.finding, self.app, observes=self.observes)

    @property
    def ships(self) -> bool:
        """Whether every gate is open, and more than an observation comes of it."""
        return self.finding.answer is Answer.OPEN and not self.observes


def explain(
    policies: Iterable[Policy],
    broken: Mapping[str, PolicyError],
    image: Image,
    facts: Facts,
    now: datetime,
    judge: Judge,
) -> tuple[Explained, ...]:
    """The answers of the rows, in the order of their keys; a broken row ships nothing, because of its problems."""
    rows = [row for row in policies if row.covers(image.registry, image.repository)]
    answers = [
        Explained(
            policy=row.key,
            app=row.app.named(image.repository),
            finding=judge(row, image, facts, now),
            observes=row.mode is Mode.OBSERVE,
        )
        for row in rows
    ]
    answers += [spoilt(key, error) for key, error in broken.items()]
    return tuple(sorted(answers, key=lambda one: one.policy))


def spoilt(key: str, error: PolicyError) -> Explained:
    """The answer of a row that cannot be read."""
    problems = "; ".join(str(problem) for problem in error.problems)
    finding = Finding(gate="policy", answer=Answer.CLOSED, because=f"its row is broken: {problems}")
    return Explained(policy=key, app="", finding=finding)


def as_text(explained: Explained) -> str:
    """The row, the conclusion, and the tree."""
    head = f"{explained.policy}{f' → {explained.app}' if explained.app else ''}"
    tree = render.as_text(explained.finding)
    return "\n".join([head, f"  {explained.conclusion}", *explained_ends(explained), *([tree] if tree else [])])


def explained_ends(explained: Explained) -> list[str]:
    """Lines of what became of the image before."""
    return [f"  before  {line}" for line in explained.ended]


def as_data(explained: Explained) -> dict[str, object]:
    """The same as JSON types."""
    return {
        "policy": explained.policy,
        "app": explained.app or None,
        "ships": explained.ships,
        "conclusion": explained.conclusion,
        "before": list(explained.ended),
        "finding": render.as_data(explained.finding),
    }
