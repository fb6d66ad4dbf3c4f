"""Signed: who must have signed an image, and how long it may wait for that.

Open is only what was verified; that a signature is there says nothing. It is asked again while a rollout is live: a
key that an operator takes out of its row must stop what it signed from rising, and that is when it matters most. A
certificate or signature that runs out meanwhile does the same, for nothing proves any more when it was made.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import ClassVar

from policies.durations import read_duration, say_duration, suggest_duration
from policies.errors import CellError, Problem, quoted
from policies.gate import ASK_AGAIN, Asked
from policies.scan import Late
from policies.signatures import Kind
from rollouts.findings import Answer, Finding, all_of

GATE = "signed"
_MOST = 5
_LATEST = timedelta(minutes=10)
_PATIENCE = 10  # asked again after this part of the time it has waited
_EXPECTED = '"notation: KEY" or "cosign: KEY", where names/key/KEY is a row, or "within D else hold|reject"'
_KEY = r"[A-Za-z0-9][A-Za-z0-9._-]{0,62}"
_SIGNER = re.compile(rf"(notation|cosign) ?: ?({_KEY})", re.ASCII | re.IGNORECASE)
_WITHIN = re.compile(r"within (.+?) else (hold|reject)", re.ASCII | re.IGNORECASE)
_LOOSE_SIGNER = re.compile(
    rf"(?:(notation|notary|cosign|sigstore)(?: ?[:=] ?| by | ))?({_KEY})", re.ASCII | re.IGNORECASE
)
_LOOSE_WITHIN = re.compile(r"within (.+?)(?:,? ?(?:else|or|then) (\w+))?", re.IGNORECASE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Signer:
    """One who must have signed. key: RowKey of the row `names | key | …` that says who that is."""

    kind: Kind
    key: str

    @property
    def text(self) -> str:
        """As a cell holds it."""
        return f"{self.kind}: {self.key}"


@dataclass(frozen=True, slots=True, kw_only=True)
class SignedRule:
    """The Signed cell: all signers must have signed, each by one good signature among whatever else is attached.

    within None: waits without limit.
    """

    text: str
    signers: tuple[Signer, ...]
    within: timedelta | None = None
    late: Late = Late.HOLD
    lasting: ClassVar[bool] = True

    def ask(self, asked: Asked) -> Finding:
        """What was verified by whom, and what was not."""
        from policies.verified import answer  # noqa: PLC0415 - cryptography is loaded by rows that ask for it alone

        answers = tuple(answer(signer.kind, signer.key, asked) for signer in self.signers)
        whole = all_of(GATE, answers)
        if whole.answer is Answer.OPEN:
            return replace(whole, because="; ".join(each.because for each in answers))
        known = all(each.ask_at is None for each in answers)  # of what could not be asked, nothing is too late
        return self._late(whole, asked) if known else whole

    def _late(self, whole: Finding, asked: Asked) -> Finding:
        """Signing follows a push by seconds, so a minute decides at first; whoever signs by hand takes longer."""
        since, now = asked.facts.offered_at, asked.now
        again = now + min(max((now - since) / _PATIENCE, ASK_AGAIN), _LATEST)
        if self.within is None:
            return replace(whole, ask_at=again)
        limit = since + self.within
        if now < limit:
            because = f"{whole.because}; waits until {_clock(limit, now)}, then {self.late}"
            return replace(whole, because=because, ask_at=min(again, limit))
        late = f"{whole.because}; waited {say_duration(self.within)} in vain"
        match self.late:
            case Late.REJECT:
                return replace(whole, answer=Answer.CLOSED, because=late)
            case Late.HOLD:
                return replace(whole, because=f"{late}; held until it is signed", ask_at=again)


def _clock(when: datetime, now: datetime) -> str:
    return f"{when:%H:%M} UTC" if when.date() == now.date() else f"{when:%Y-%m-%d %H:%M} UTC"


def read_signed(text: str, column: str = "Signed") -> SignedRule | None:
    """The rule, None for `none`; raises `CellError` with every problem of the cell."""
    if text.lower() == "none":
        return None
    problems: list[Problem] = []
    signers: list[Signer] = []
    limits: list[tuple[timedelta, Late]] = []
    parts = [part.strip() for part in text.split(",")]
    if len(parts) > _MOST:
        raise CellError(Problem(column=column, expected=f"at most {_MOST} parts", found=str(len(parts))))
    for part in parts:
        limit = _WITHIN.fullmatch(part)
        within = read_duration(limit[1]) if limit else None
        if match := _SIGNER.fullmatch(part):
            signers.append(Signer(kind=Kind(match[1].lower()), key=match[2]))
        elif limit and within:
            limits.append((within, Late(limit[2].lower())))
        else:
            problems.append(Problem(column=column, expected=_EXPECTED, found=quoted(part), hint=_repaired(text)))
    if not signers and not problems:
        expected = 'somebody who signs, as in "notation: release-key"'
        problems.append(Problem(column=column, expected=expected, found=quoted(text)))
    if len(set(signers)) < len(signers) or len(limits) > 1:
        problems.append(Problem(column=column, expected="each part once", found=quoted(text)))
    if problems:
        raise CellError(*problems)
    within, late = limits[0] if limits else (None, Late.HOLD)
    return SignedRule(text=text, signers=tuple(signers), within=within, late=late)


def _repaired(text: str) -> str:
    """The cell that was probably meant: it reads without a problem, or none is offered."""
    parts: list[str] = []
    for part in (part.strip() for part in re.split(r"[,;]| and ", text)):
        if match := _LOOSE_WITHIN.fullmatch(part):
            span = match[1] if read_duration(match[1]) else suggest_duration(match[1])
            parts.append(f"within {span} else {'reject' if (match[2] or '').lower() == 'reject' else 'hold'}")
        elif match := _LOOSE_SIGNER.fullmatch(part):
            kind = Kind.COSIGN if (match[1] or "").lower() in ("cosign", "sigstore") else Kind.NOTATION
            parts.append(f"{kind}: {match[2]}")
        else:
            return ""
    offer = ", ".join(dict.fromkeys(parts))
    try:
        read_signed(offer)
    except CellError:
        return ""
    return offer
