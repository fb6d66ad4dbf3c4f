"""Whether one signer of a Signed cell has signed an image: the row of the key, tried on every envelope of its kind."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime

from policies import cosign, notation
from policies.errors import PolicyError
from policies.facts import Manifest
from policies.gate import Asked, cannot_tell, is_open, is_waiting
from policies.signatures import KINDS, MOST, Kind, SignatureSeen, Unproven
from policies.signing_keys import read_public_keys, read_trusted
from rollouts.findings import Finding
from rollouts.seen import Unknown

_NAMED = 3  # bad signatures that a finding keeps
_DIGITS = len("sha256:") + 12


def answer(kind: Kind, key: str, asked: Asked) -> Finding:
    """Open when one signature of this kind is good by this key, however many are not; else waiting, with why."""
    gate, facts = f"{kind}: {key}", asked.facts
    row, signatures, manifest = facts.keys.get(key), facts.signatures, facts.manifest
    if row is None:
        return is_waiting(gate, f"cannot tell: names/key/{key}: expected a row, found none")
    if isinstance(row, Unknown):
        return cannot_tell(gate, row, asked.now)
    if isinstance(signatures, Unknown):
        return cannot_tell(gate, signatures, asked.now)
    if isinstance(manifest, Unknown):
        return cannot_tell(gate, manifest, asked.now)
    if manifest is None:
        return is_waiting(gate, "cannot tell: its manifest is gone")
    try:
        verify = _verifier(kind, key, row, manifest, asked.now)
    except PolicyError as error:
        problems = "; ".join(str(problem) for problem in error.problems)
        return is_waiting(gate, f"cannot tell: {error.source}: {problems}")
    return _tried(gate, kind, signatures, verify)


def _tried(
    gate: str, kind: Kind, signatures: Sequence[SignatureSeen], verify: Callable[[SignatureSeen], str]
) -> Finding:
    failed: list[Finding] = []
    for seen in (seen for seen in signatures if KINDS.get(seen.media_type) is kind):
        try:
            said = verify(seen)
        except Unproven as error:
            failed.append(is_waiting(f"signature {seen.digest[:_DIGITS]}…", str(error)))
        else:
            return is_open(gate, said, tuple(failed[:_NAMED]))
    more = f"; only {MOST} of what is attached are looked at" if len(signatures) >= MOST else ""
    if not failed:
        return is_waiting(gate, _unsigned(kind, signatures) + more)
    count = "its signature is not" if len(failed) == 1 else f"none of its {len(failed)} signatures is"
    return is_waiting(gate, f"{count} good: {failed[0].because}{more}", children=tuple(failed[:_NAMED]))


def _verifier(
    kind: Kind, key: str, row: Mapping[str, object], manifest: Manifest, now: datetime
) -> Callable[[SignatureSeen], str]:
    """What says who made a signature, and what was not checked of it. The row is read once for all of them."""
    match kind:
        case Kind.NOTATION:
            trusted = read_trusted(key, row)
            return lambda seen: (
                f"{key}: {notation.verify(_there(seen), manifest, trusted, now)}; {notation.NOT_CHECKED}"
            )
        case Kind.COSIGN:
            keys = read_public_keys(key, row)
            return lambda seen: f"{key}: {cosign.verify(_there(seen), manifest, keys)}; {cosign.NOT_CHECKED}"


def _there(seen: SignatureSeen) -> SignatureSeen:
    if seen.problem:
        raise Unproven(seen.problem)
    return seen


def _unsigned(kind: Kind, others: Iterable[SignatureSeen]) -> str:
    other = sum(KINDS.get(seen.media_type) not in (None, kind) for seen in others)
    aside = f"; of another kind it has {other}" if other else ""
    return f"no {kind} signature is attached to it yet{aside}"
