"""The sections of a message's `data`; docs/webhooks.md is their reference.

A field whose value is not known is null, never a guess. Lists are cut with a mark that says how many are missing,
and the mark carries the worst answer of what it stands for.
"""

from __future__ import annotations

import heapq
import math
from typing import TYPE_CHECKING

from delivery.message_exposure import exposure
from delivery.message_scene import MARK, Scene, plain
from rollouts.checks import CheckKind, Verdict
from rollouts.decided import Said
from rollouts.findings import WORST_LAST

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from rollouts.checks import Measurement
    from rollouts.findings import Finding
    from rollouts.model import Rollout, Stable, Weights

Section = dict[str, object]

MOST_FINDINGS = 20
MOST_MEASUREMENTS = 12
MOST_REVISIONS = 12
REASON = 280  # bytes of JSON for one because in a list
VERDICTS_WORST_LAST = (Verdict.PASSED, Verdict.INCONCLUSIVE, Verdict.ERRORED, Verdict.FAILED)
ABOUT_GATES = frozenset({Said.WAITING, Said.STARTED, Said.REJECTED, Said.EXPIRED, Said.WOULD_HAVE, Said.APPROVAL_ASKED})


def stamp(time: datetime | None) -> str | None:
    """RFC 3339 in UTC, or null."""
    return None if time is None else time.isoformat().replace("+00:00", "Z")


def data(scene: Scene) -> Section:
    """Every section that can be filled from what is known; sections about a rollout only when there is one."""
    sections: Section = {"app": _app(scene), "previous": _previous(scene.previous), "traffic": _traffic(scene)}
    rollout = scene.rollout
    if rollout is None:
        return sections
    return {
        "rollout": _rollout(scene, rollout),
        "policy": _policy(rollout),
        "image": _image(rollout),
        **sections,
        "step": _step(rollout),
        "findings": _findings(rollout.finding) if scene.said.said in ABOUT_GATES and rollout.finding else [],
        "measurements": _measurements(rollout),
        "exposure": _exposure(scene, rollout),
    }


def policy_name(rollout: Rollout) -> str:
    """The row's name: a policy is `<partition>/<row>`, and neither half holds a slash."""
    return rollout.policy.partition("/")[2]


def _rollout(scene: Scene, rollout: Rollout) -> Section:
    earlier = (*scene.before.waiting, *([scene.before.live] if scene.before.live else []))
    previous = next((r.phase for r in earlier if r.n == rollout.n), None)
    if scene.said.said is Said.REPORTED:
        previous = rollout.phase
    return {
        "id": plain(f"{scene.after.key}/{rollout.n}", 512),
        "attempt": rollout.attempt,
        "phase": (scene.outcome or rollout.phase).value,
        "previousPhase": previous.value if previous else None,
        "startedAt": stamp(rollout.started_at),
        "finishedAt": stamp(rollout.finished_at),
        "outcome": scene.outcome.value if scene.outcome else None,
    }


def _policy(rollout: Rollout) -> Section:
    return {
        "image": plain(rollout.policy.partition("/")[0].replace("|", "/"), 320),
        "name": plain(policy_name(rollout), 160),
        "version": plain(rollout.policy_version, 80) or None,
    }


def _app(scene: Scene) -> Section:
    parts = scene.app_id.split("/")
    lowered = [part.lower() for part in parts]
    group = parts[lowered.index("resourcegroups") + 1] if "resourcegroups" in lowered[:-1] else ""
    seen = scene.seen
    return {
        "id": plain(scene.app_id, 512),
        "name": scene.app_name,
        "resourceGroup": plain(group, 96) or None,
        "environment": (plain(seen.environment, 512) or None) if seen else None,
        "region": (plain(seen.location, 64) or None) if seen else None,
        "fqdn": (plain(seen.fqdn, 256) or None) if seen else None,
    }


def _image(rollout: Rollout) -> Section:
    image = rollout.image
    return {
        "registry": plain(image.registry, 256),
        "repository": plain(image.repository, 256),
        "tag": plain(image.tag, 128) or None,
        "digest": plain(image.digest, 80),
        "pushedAt": stamp(rollout.pushed_at),
        "revisionLabel": plain(rollout.source_revision, 128) or None,
        "sourceUrl": plain(rollout.source_url, 256) or None,
    }


def _previous(stable: Stable | None) -> Section | None:
    if stable is None:
        return None
    return {
        "tag": plain(stable.tag, 128) or None,
        "digest": plain(stable.digest, 80) or None,
        "revision": plain(stable.revision, 128),
    }


def _traffic(scene: Scene) -> Section:
    told, live = scene.said, scene.live
    return {
        "before": _shares(scene, told.before if told.before is not None else live),
        "after": _shares(scene, told.after if told.after is not None else live),
    }


def _shares(scene: Scene, weights: Weights | None) -> list[Section] | None:
    """Revisions with their role, ours first; what is cut keeps its weight in the mark, so the sum stays."""
    if weights is None:
        return None
    canary = scene.rollout.canary.lower() if scene.rollout else ""
    stable = scene.previous.revision.lower() if scene.previous else ""
    labels = {entry.revision: entry.label for entry in (scene.seen.traffic if scene.seen else ()) if entry.label}
    known = {stable: "stable", canary: "canary"}
    roles = {name: known.get(name.lower(), "other") for name in weights}
    order = ("stable", "canary", "other")
    ranked = sorted(weights, key=lambda name: (order.index(roles[name]), -weights[name], name))
    shares: list[Section] = [
        {"revision": plain(name, 128), "role": roles[name], "weight": weights[name]}
        | ({"label": plain(labels[name], 64)} if name in labels else {})
        for name in ranked[:MOST_REVISIONS]
    ]
    if rest := ranked[MOST_REVISIONS:]:
        mark = f"{MARK} {len(rest)} more"
        shares.append({"revision": mark, "role": "other", "weight": sum(weights[name] for name in rest)})
    return shares


def _step(rollout: Rollout) -> Section | None:
    """Where the plan stands. index: from 1. bake: seconds. dueAt: null until the weight was seen live."""
    if rollout.plan is None or not 0 <= rollout.step < len(rollout.plan.steps):
        return None
    step = rollout.plan.steps[rollout.step]
    return {
        "index": rollout.step + 1,
        "of": len(rollout.plan.steps),
        "weight": step.weight,
        "bake": step.bake.total_seconds(),
        "dueAt": stamp(rollout.verified_at + step.bake) if rollout.verified_at else None,
    }


def _worst_kept(ranks: Sequence[int], most: int) -> tuple[list[int], int | None]:
    """Indices to keep, the worst first choice and in their old order; and the worst rank among the rest."""
    if len(ranks) <= most:
        return list(range(len(ranks))), None
    kept = sorted(heapq.nsmallest(most, range(len(ranks)), key=lambda index: (-ranks[index], index)))
    chosen = set(kept)
    return kept, max(rank for index, rank in enumerate(ranks) if index not in chosen)


def _findings(root: Finding) -> list[Section]:
    """The tree in reading order, outermost first; walked without recursion, because a tree may be deep."""
    flat: list[Finding] = []
    stack = [root]
    while stack:
        finding = stack.pop()
        flat.append(finding)
        stack.extend(reversed(finding.children))
    kept, worst = _worst_kept([WORST_LAST.index(f.answer) for f in flat[1:]], MOST_FINDINGS - 1)
    told = [_finding(finding) for finding in [root, *(flat[index + 1] for index in kept)]]
    if worst is not None:
        answer = WORST_LAST[worst].value
        told.append({"gate": MARK, "answer": answer, "because": f"{MARK} {len(flat) - len(told)} more"})
    return told


def _finding(finding: Finding) -> Section:
    told = {"gate": plain(finding.gate, 96), "answer": finding.answer.value, "because": plain(finding.because, REASON)}
    return {**told, "until": stamp(finding.ask_at)}


def _measurements(rollout: Rollout) -> list[Section]:
    kinds = {check.text: check.kind for check in (rollout.plan.checks if rollout.plan else ())}
    measured = rollout.measurements
    kept, worst = _worst_kept([VERDICTS_WORST_LAST.index(m.verdict) for m in measured], MOST_MEASUREMENTS)
    told = [_measurement(rollout, measured[index], kinds) for index in kept]
    if worst is not None:
        verdict = VERDICTS_WORST_LAST[worst].value
        told.append({"check": MARK, "verdict": verdict, "because": f"{MARK} {len(measured) - len(told)} more"})
    return told


def _measurement(rollout: Rollout, measured: Measurement, kinds: Mapping[str, CheckKind]) -> Section:
    """One check in numbers. from, to: the span of counts and queries; null for what is looked at in a moment."""
    counted = rollout.read if kinds.get(measured.check) is CheckKind.ERRORS else None
    since, until = (counted.since, counted.at) if counted else (measured.since, measured.until)
    return {
        "check": plain(measured.check, 160),
        "verdict": measured.verdict.value,
        "because": plain(measured.because, REASON),
        "value": _number(measured.value),
        "limit": _number(measured.limit),
        "stable": _number(measured.stable),
        "samples": measured.samples,
        "missing": measured.missing,
        "from": stamp(since),
        "to": stamp(until),
        "strikes": measured.strikes,
        "warn": measured.warn,
    }


def _number(value: float | None) -> float | None:
    """JSON has no infinity and no NaN."""
    return None if value is None or not math.isfinite(value) else round(value, 6)


def _exposure(scene: Scene, rollout: Rollout) -> Section:
    """What the canary's users met. Counted only where a check asks for request counts; else null."""
    if not scene.exposed:
        return {"requests": 0, "errors": 0, "seconds": 0, "peakWeight": 0, "complete": True}
    met = exposure(scene, rollout)
    return {
        "requests": met.counts.requests if met.counts else None,
        "errors": met.counts.errors if met.counts else None,
        "seconds": met.seconds,
        "peakWeight": met.peak,
        "complete": met.complete,
    }
