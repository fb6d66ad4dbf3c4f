"""What is known of an image and its app when its gates are asked: gathered here, judged in `policies/evaluate.py`."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from delivery import elsewhere, heard, names, running, switch, trust
from delivery.errors import Malformed
from delivery.reading import ask
from policies import evidence
from policies.errors import EvidenceError
from policies.facts import PLATFORM, Facts, Manifest
from policies.pushes import PushEvidence, push_from_columns
from policies.tags import Pushed
from rollouts.seen import AppSeen, Unknown

if TYPE_CHECKING:
    from delivery.policy_book import Book
    from delivery.ports import Ports, Row
    from policies.model import Policy
    from rollouts.model import App, Rollout


async def gather(
    ports: Ports, app: App, rollout: Rollout, policy: Policy, book: Book, seen: AppSeen | Unknown | None
) -> Facts:
    """Everything the gates of one rollout rest on, asked side by side."""
    image = rollout.image
    where = (image.registry, image.repository)
    found = await running.find(ports, app, rollout, policy, seen)
    again = isinstance(found, Pushed) and found.tag == image.tag
    moves = not policy.tags.by_tag or again
    manifest, tag_now, known, held, stopped, there = await asyncio.gather(
        ask(ports.registry.manifest(*where, image.digest)),
        ask(ports.registry.digest(*where, image.tag)) if moves and image.tag else _nothing(),
        ask(ports.rows.scan(names.EVIDENCE, evidence.evidence_partition(image.registry, image.digest))),
        ask(ports.rows.get(names.ROLLOUTS, app.key, names.quarantine_key(image.digest))),
        switch.stopped(ports.rows),
        elsewhere.seen(ports, policy, book, image),
    )
    signatures, keys = await asyncio.gather(
        trust.signatures(ports.registry, policy, image), trust.keys(ports.rows, policy)
    )
    _, pushes = _evidence(known if isinstance(known, list) else [])
    siblings = tuple(
        other
        for other in book.policies
        if other.key != policy.key and _names_app(ports, other, rollout, app) and other.container == policy.container
    )
    facts = Facts(
        offered_at=rollout.offered_at,
        manifest=manifest,
        tag_now=tag_now,
        running=found,
        scans=await _scans(ports, image.registry, manifest, known),
        pushes=pushes,
        quarantined=_quarantined(held),
        siblings=siblings,
        lanes=app.lanes,
        images=seen.images if isinstance(seen, AppSeen) else seen,
        stopped=stopped,
        pin=app.pin,
        approvals=rollout.approvals,
        asked_at=rollout.asked_at,
        elsewhere=there,
        signatures=signatures,
        keys=keys,
    )
    return await heard.placed(ports.rows, facts, image, seen)


async def _scans(
    ports: Ports, registry: str, manifest: Manifest | Unknown | None, known: list[Row] | Unknown
) -> tuple[evidence.ScanEvidence, ...] | Unknown:
    """Of the digest, and of the manifest within an index that will run: scanners look at either."""
    child = manifest.children.get(PLATFORM, "") if isinstance(manifest, Manifest) else ""
    more = await ask(ports.rows.scan(names.EVIDENCE, evidence.evidence_partition(registry, child))) if child else []
    if isinstance(known, Unknown):
        return known
    if isinstance(more, Unknown):
        return more
    return _evidence([*known, *more])[0]


async def _nothing() -> None:
    return None


def _names_app(ports: Ports, policy: Policy, rollout: Rollout, app: App) -> bool:
    return policy.app.app_key(ports.settings.subscription, rollout.image.repository) == app.key


def _evidence(rows: list[Row]) -> tuple[tuple[evidence.ScanEvidence, ...], tuple[PushEvidence, ...]]:
    scans: list[evidence.ScanEvidence] = []
    pushes: list[PushEvidence] = []
    for row in rows:
        source = f"evidence/{row.partition}/{row.key}"
        try:
            if row.key.startswith("scan:"):
                scans.append(evidence.scan_from_columns(source, row.columns))
            elif row.key.startswith("push:"):
                pushes.append(push_from_columns(source, row.columns))
        except (EvidenceError, Malformed):
            # An unreadable row is no evidence; the gate that misses it says so.
            continue
    return tuple(scans), tuple(pushes)


def _quarantined(row: Row | Unknown | None) -> str:
    if isinstance(row, Unknown):
        return f"cannot tell whether it is in quarantine: {row.because}"
    return f"in quarantine: {row.columns.get('because', '')}" if row else ""
