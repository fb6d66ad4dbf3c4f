"""What was recorded of images, one JSON object each: pushes, scans, and verdicts on rollouts.

An object is an event as it was received: a push in either schema of Event Grid or as a webhook of the registry sends
it, a scan event, a message of a rollout's end. Or it is a short form that a person writes, as in
`{"time": T, "push": {"image": REF}}`, likewise `scan` and `verdict`. Described in docs/simulate.md.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime

from policies import events
from policies.body import Part, whole
from policies.containers import split_reference
from policies.errors import EvidenceError, printable
from policies.events import Ignored
from policies.evidence import (
    DIGEST,
    REPOSITORY,
    SEVERITIES,
    ScanEvidence,
    Severities,
    is_count,
    read_time,
)
from policies.pushes import PushEvidence
from policies.tags import TAG
from rollouts.model import Phase

_ENDED = "Weighbridge.Rollout"
OUTCOMES: Mapping[str, Phase] = {
    f"{_ENDED}Promoted": Phase.PROMOTED,
    f"{_ENDED}RolledBack": Phase.ROLLED_BACK,
    f"{_ENDED}Failed": Phase.FAILED,
    f"{_ENDED}Aborted": Phase.ABORTED,
}
_WORDS = {phase.value.replace("_", " "): phase for phase in OUTCOMES.values()}
_SERVER = re.compile(r"[a-z0-9][a-z0-9.-]{0,252}(?::[0-9]{1,5})?", re.ASCII)
_SCANNER = re.compile(r"[A-Za-z0-9][A-Za-z0-9:._-]{0,63}", re.ASCII)
_NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,62}", re.ASCII)
_REFERENCE = '"<login server>/<repository>[:TAG]@sha256:<64 hex digits>"'
YEARS = range(2000, 3000)  # so that no sum of a time and a duration leaves the calendar
_LONGEST_WHY = 280  # characters of a because
_LONGEST = 600  # characters of a reference; its longest parts are shorter together
_FIELDS: Mapping[str, frozenset[str]] = {
    "push": frozenset({"image", "by"}),
    "scan": frozenset({"image", "scanner", "counts"}),
    "verdict": frozenset({"image", "policy", "outcome", "because"}),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """How a rollout of an image by a row ended. policy: the row's name. outcome: of four that say something of it."""

    at: datetime
    registry: str
    repository: str
    tag: str
    digest: str
    policy: str
    outcome: Phase
    because: str = ""


Entry = PushEvidence | ScanEvidence | Verdict


def moment_of(entry: Entry) -> datetime:
    """When it happened."""
    match entry:
        case PushEvidence():
            return entry.pushed_at
        case ScanEvidence():
            return entry.completed_at
        case Verdict():
            return entry.at


def is_of_our_time(entry: Entry) -> bool:
    """Whether times can be reckoned from it; a sender may have written any."""
    return moment_of(entry).year in YEARS


def read_entry(source: str, value: object) -> Entry | Ignored:
    """One recorded object; raises `EvidenceError`. source: where it stands."""
    entry = _read(whole(source, value))
    if not isinstance(entry, Ignored) and not is_of_our_time(entry):
        expected = f"a time of the years {YEARS[0]} to {YEARS[-1]}"
        raise EvidenceError(source, [f"expected {expected}, found {moment_of(entry):%Y-%m-%d}"])
    return entry


def _read(body: Part) -> Entry | Ignored:
    if "specversion" in body.found or "eventType" in body.found:
        return _event(body)
    if "action" in body.found and "target" in body.found:
        return events.acr_webhook(body)
    named = [name for name in _SHORT if name in body.found]
    if len(named) != 1 or set(body.found) - {"time", *named}:
        found = ", ".join(str(name) for name in list(body.found)[:8]) or "nothing"
        expected = f'an event, or "time" and one of {", ".join(_SHORT)}'
        raise EvidenceError(body.source, [f"expected {expected}, found {printable(found[:120])}"])
    at = read_time(body.text("time"))
    if at is None:
        raise body.wrong("time", "an RFC 3339 time as in 2026-11-24T09:04:11Z", body.found.get("time"))
    return _SHORT[named[0]](body.part(named[0]), at)


def _event(body: Part) -> Entry | Ignored:
    event = events.envelope(body)
    match event.type:
        case events.PUSHED:
            return events.image_pushed(body)
        case events.SCANNED:
            return events.scan_completed(body)
        case kind if kind in OUTCOMES:
            return _message(event)
        case _:
            return events.another(event)


def _message(event: events.Envelope) -> Verdict:
    """A message of ours about a rollout that ended; its fields are those of docs/webhooks.md."""
    image, policy = event.data.part("image"), event.data.part("policy")
    at = read_time(event.body.text("time"))
    if at is None:
        raise event.body.wrong("time", "an RFC 3339 time", event.body.found.get("time"))
    return Verdict(
        at=at,
        registry=image.matching(_SERVER, "registry", "a login server"),
        repository=image.matching(REPOSITORY, "repository", "a repository in lower case, as in shop/web"),
        tag=image.matching(TAG, "tag", "a tag of at most 128 characters") if image.found.get("tag") else "",
        digest=image.matching(DIGEST, "digest", "sha256: and 64 hex digits"),
        policy=policy.matching(_NAME, "name", "a policy's name"),
        outcome=OUTCOMES[event.type],
        because=_text(event.data, "because", _LONGEST_WHY),
    )


def _text(part: Part, name: str, most: int) -> str:
    """A text that may be missing, fit for a line; what is no text is none."""
    found = part.found.get(name)
    return printable(found[:most]) if isinstance(found, str) else ""


def _image(part: Part, kind: str) -> tuple[str, str, str, str]:
    """Registry, repository, tag and digest of the reference; other fields of the short form are a mistake."""
    unknown = sorted(str(name) for name in set(part.found) - _FIELDS[kind])
    if unknown:
        raise part.wrong(unknown[0][:40], f"one of {', '.join(sorted(_FIELDS[kind]))}", unknown[0])
    reference = part.text("image")
    where, tag, digest = split_reference(reference[:_LONGEST])
    server, _, repository = where.partition("/")
    fits = _SERVER.fullmatch(server) and REPOSITORY.fullmatch(repository) and DIGEST.fullmatch(digest)
    if not fits or (tag and TAG.fullmatch(tag) is None) or len(reference) > _LONGEST:
        raise part.wrong("image", _REFERENCE, reference)
    return server, repository, tag, digest


def _push(part: Part, at: datetime) -> PushEvidence:
    registry, repository, tag, digest = _image(part, "push")
    by = _text(part, "by", 160)
    return PushEvidence(registry=registry, repository=repository, tag=tag, digest=digest, pushed_at=at, pushed_by=by)


def _scan(part: Part, at: datetime) -> ScanEvidence:
    registry, repository, _, digest = _image(part, "scan")
    counts = part.part("counts").found
    wrong = [str(name) for name in counts if name not in SEVERITIES or not is_count(counts[name])]
    if wrong or not counts:
        expected = f"how many findings of each of {', '.join(SEVERITIES)}, at least of one"
        raise part.wrong("counts", expected, counts)
    return ScanEvidence(
        registry=registry,
        repository=repository,
        digest=digest,
        scanner=part.matching(_SCANNER, "scanner", "a scanner's name").lower(),
        status="completed",
        completed_at=at,
        counts=Severities(**{name: _count(counts.get(name)) for name in SEVERITIES}),
    )


def _count(value: object) -> int:
    return value if isinstance(value, int) else 0


def _verdict(part: Part, at: datetime) -> Verdict:
    registry, repository, tag, digest = _image(part, "verdict")
    outcome = _WORDS.get(part.text("outcome").replace("_", " ").lower())
    if outcome is None:
        raise part.wrong("outcome", f"one of {', '.join(_WORDS)}", part.found.get("outcome"))
    return Verdict(
        at=at,
        registry=registry,
        repository=repository,
        tag=tag,
        digest=digest,
        policy=part.matching(_NAME, "policy", "a policy's name as in production"),
        outcome=outcome,
        because=_text(part, "because", _LONGEST_WHY),
    )


_SHORT: Mapping[str, Callable[[Part, datetime], Entry]] = {"push": _push, "scan": _scan, "verdict": _verdict}
