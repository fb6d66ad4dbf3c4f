"""The traffic array: read as weights, and written whole from the level a rollout should be at.

ARM replaces the array as a whole, does not check a revision's health, and lets one revision appear in
several entries (aca-platform A5), so weights are compared summed per revision and written explicitly.
"""

from __future__ import annotations

from dataclasses import dataclass

from rollouts.model import Stable, Weights
from rollouts.seen import AppSeen, TrafficEntry

WHOLE = 100
LATEST = "latest"  # no revision is called so: each has `--` in its name


def weights(seen: AppSeen) -> dict[str, int]:
    """Live weights above 0 per revision name; a `latest` entry counts for the latest ready revision.

    A `latest` entry of an app that never had a ready revision counts for the name "".
    """
    found: dict[str, int] = {}
    for entry in seen.traffic:
        name = _named(seen, entry)
        if entry.weight:
            found[name] = found.get(name, 0) + entry.weight
    return found


def asked(seen: AppSeen) -> dict[str, int]:
    """The same as a person wrote it: a `latest` entry counts for the name `latest`, whichever revision that is."""
    found: dict[str, int] = {}
    for entry in seen.traffic:
        name = LATEST if entry.latest else _named(seen, entry)
        if entry.weight:
            found[name] = found.get(name, 0) + entry.weight
    return found


def _named(seen: AppSeen, entry: TrafficEntry) -> str:
    name = seen.latest_ready if entry.latest else entry.revision
    revision = seen.revision(name)
    return revision.name if revision else name


def pinned(seen: AppSeen) -> bool:
    """Whether every entry names its revision, so that a new revision cannot move traffic by itself."""
    return not any(entry.latest for entry in seen.traffic)


def array(seen: AppSeen, level: Weights) -> tuple[TrafficEntry, ...]:
    """The whole array that puts live traffic at `level` and keeps every label on its revision.

    A revision has one entry for its weight (with its first label, if it has one) and one at 0 per further label.
    Entries of revisions that are gone are left out.
    """
    labels: dict[str, list[str]] = {name: [] for name in level}
    for entry in seen.traffic:
        name = _named(seen, entry)
        if entry.label and seen.revision(name):
            labels.setdefault(name, []).append(entry.label)
    entries: list[TrafficEntry] = []
    for name, named in labels.items():
        first, *others = named or [""]
        entries.append(TrafficEntry(revision=name, weight=level.get(name, 0), label=first))
        entries.extend(TrafficEntry(revision=name, weight=0, label=label) for label in others)
    return tuple(entries)


def refusal(seen: AppSeen, level: Weights) -> str:
    """Why `level` must not be written now; "" when it may be."""
    if sum(level.values()) != WHOLE:
        return f"the weights {spell(level)} do not sum to 100"
    for name in level:
        revision = seen.revision(name)
        if revision is None:
            return f"revision {name} is gone"
        if not revision.active:
            return f"revision {name} is not active"
    return ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Split:
    """No single revision carries the traffic; a person has to say which is stable."""

    because: str


def stable(seen: AppSeen) -> Stable | Split | None:
    """The revision to return to, read from the live app. None: there never was a ready revision.

    Without ingress it is the latest ready revision.
    """
    if not seen.latest_ready:
        return None
    live = weights(seen)
    name = seen.latest_ready if not seen.ingress else next(iter(live), "")
    revision = seen.revision(name)
    if seen.ingress and (len(live) != 1 or live[name] != WHOLE):
        return Split(because=f"traffic is split {spell(live) or 'over nothing'} by someone else")
    if revision is None:
        return Split(because=f"the traffic goes to {name}, which is gone")
    return Stable(revision=revision.name)


def spell(level: Weights) -> str:
    """Weights for people, greatest first: `a 90 / b 10`."""
    return " / ".join(f"{name} {weight}" for name, weight in sorted(level.items(), key=lambda item: -item[1]))
