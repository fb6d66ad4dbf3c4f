"""What doctor found out, one line each, whoever looked: the installation itself, or the person who is signed in."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from policies.errors import printable

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping


class State(StrEnum):
    """How bad it is."""

    OK = "ok"
    WARNING = "warning"
    BROKEN = "broken"


# Looked at from here; those of the installation come with its answer.
CHECKS: Mapping[str, str] = {
    "topic": "each registry of a row has a system topic, and the topic of scans is there",
    "subscription": "one of its subscriptions delivers to this function app what it should, and is provisioned",
    "dead-letter": "that subscription keeps what it cannot deliver",
    "undelivered": "the topic gave up no event in a day",
    "worked": "the message in each queue came out of its function",
    "walk": "a test event went through the topic of scans, came out of the function and was written down",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Diagnosis:
    """As `delivery/diagnosis.py` has it; nothing of the product but its pure core is here."""

    check: str
    subject: str = ""
    state: State = State.OK
    found: str
    expected: str = ""
    who: str = ""
    do: str = ""

    @classmethod
    def of(cls, told: Mapping[str, Any]) -> Diagnosis:
        """Out of an installation's answer."""
        texts = {name: str(told.get(name) or "") for name in ("subject", "found", "expected", "who", "do")}
        return cls(check=str(told["check"]), state=State(told["state"]), **texts)

    def json(self) -> dict[str, object]:
        """As `--json` prints it."""
        return asdict(self)


def wrong(check: str, subject: str, found: str, expected: str, who: str, do: str, *, mild: bool = False) -> Diagnosis:
    """Something that somebody must do something about. mild: it works all the same."""
    state = State.WARNING if mild else State.BROKEN
    return Diagnosis(check=check, subject=subject, state=state, found=found, expected=expected, who=who, do=do)


def as_text(found: Iterable[Diagnosis]) -> str:
    """One line each, and below what is not ok what was expected, who must act, and how; the worst last."""
    every = sorted(found, key=lambda one: list(State).index(one.state))
    width = max((len(f"{one.check} {one.subject}".rstrip()) for one in every), default=0)
    lines: list[str] = []
    for one in every:
        lines.append(f"{one.state:<7}  {f'{one.check} {one.subject}'.rstrip():<{width}}  {printable(one.found)}")
        more = (("expected", one.expected), (one.who, one.do)) if one.state is not State.OK else ()
        lines += [f"           {name}: {printable(said)}" for name, said in more if said]
    counts = ((state, sum(one.state is state for one in every)) for state in reversed(State))
    return "\n".join([*lines, "", ", ".join(f"{count} {state}" for state, count in counts if count) or "nothing"])
