"""Events come in: each writes its own evidence first, then wakes every app whose rows are about the image.

Nothing is decided here. A crash between two wake-ups makes the event come again, which wakes some apps twice: harmless.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from delivery import names, policy_book
from delivery.errors import Conflict
from delivery.ports import Insert, Put, Replace
from delivery.tick import Wake
from policies import evidence
from policies.errors import EvidenceError
from policies.scan import ScanRule
from rollouts.model import Image, Mode
from rollouts.seen import Offer

if TYPE_CHECKING:
    from delivery.ports import Change, Ports, Row
    from policies.evidence import PushEvidence, ScanEvidence

HEARD = "heard"
TRIES = 4


async def image_pushed(ports: Ports, push: PushEvidence) -> tuple[str, ...]:
    """Offer a pushed image to every app whose rows select its tag. Answers the keys of the apps woken.

    1 write, 2 reads, and 1 message per app.
    """
    kept = Put(key=push.key, columns=evidence.push_to_columns(push))
    await _keep(ports, push.registry, push.partition, kept)
    book = await policy_book.read(ports.rows, push.registry, push.repository)
    image = Image(registry=push.registry, repository=push.repository, tag=push.tag, digest=push.digest)
    offers: dict[str, list[Offer]] = {}
    for policy in book.policies:
        if policy.mode is not Mode.OFF and policy.selects(image):
            app = policy.app.app_key(ports.settings.subscription, push.repository)
            offer = Offer(image=image, policy=policy.key, pushed_at=push.pushed_at, policy_version=policy.version)
            offers.setdefault(app, []).append(offer)
    for app, offered in offers.items():
        await ports.queue.put(names.TICKS, Wake(app=app, offers=tuple(offered)).message(), timedelta())
    return tuple(offers)


async def scan_completed(ports: Ports, scan: ScanEvidence) -> tuple[str, ...]:
    """Keep a scan's result and wake every app that may be waiting for it. Answers the keys of the apps woken."""
    await _keep_last_word(ports, scan)
    book = await policy_book.read(ports.rows, scan.registry, scan.repository)
    apps = {
        policy.app.app_key(ports.settings.subscription, scan.repository): None
        for policy in book.policies
        if policy.mode is not Mode.OFF and any(isinstance(rule, ScanRule) for rule in policy.gates)
    }
    for app in apps:
        await ports.queue.put(names.TICKS, Wake(app=app).message(), timedelta())
    return tuple(apps)


async def _keep(ports: Ports, registry: str, partition: str, change: Change) -> None:
    await ports.rows.commit(names.EVIDENCE, partition, [change])
    if registry not in ports.heard:
        # Once per process: the watch over policy rows warns of a registry that never sent an event.
        await ports.rows.commit(names.NAMES, HEARD, [Put(key=registry, columns={"at": ports.clock.now()})])
        ports.heard.add(registry)


async def _keep_last_word(ports: Ports, scan: ScanEvidence) -> None:
    """Events come in any order, and two of one scanner may race: the row never goes back to an earlier scan.

    Raises `Conflict` when others keep changing the row; the event then comes again.
    """
    columns = evidence.scan_to_columns(scan)
    for tries_left in reversed(range(TRIES)):
        row = await ports.rows.get(names.EVIDENCE, scan.partition, scan.key)
        if row is not None and _is_later(row, scan):
            return
        change: Change = Insert(key=scan.key, columns=columns)
        if row is not None:
            change = Replace(key=scan.key, columns=columns, etag=row.etag)
        try:
            await _keep(ports, scan.registry, scan.partition, change)
        except Conflict:
            if not tries_left:
                raise
        else:
            return


def _is_later(row: Row, scan: ScanEvidence) -> bool:
    try:
        known = evidence.scan_from_columns(f"evidence/{row.partition}/{row.key}", row.columns)
    except EvidenceError:
        return False
    return known.completed_at > scan.completed_at
