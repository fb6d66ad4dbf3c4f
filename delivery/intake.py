"""Events come in: each writes its own evidence first, then wakes every app whose rows are about the image.

Nothing is decided here. A crash between two wake-ups makes the event come again, which wakes some apps twice: harmless.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, TypeVar

from delivery import heard, names, policy_book
from delivery.errors import Conflict, Retry
from delivery.ports import Insert, Replace
from delivery.tick import Wake
from delivery.versions import newer
from policies import evidence, pushes
from policies.errors import EvidenceError
from policies.scan import SKEW, ScanRule
from rollouts.model import Image, Mode
from rollouts.seen import Offer

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from delivery.ports import Change, Ports, Row
    from policies.evidence import ScanEvidence
    from policies.pushes import PushEvidence

T = TypeVar("T", "PushEvidence", "ScanEvidence")
TRIES = 4


async def image_pushed(ports: Ports, push: PushEvidence) -> tuple[str, ...]:
    """Offer a pushed image to every app whose rows select its tag. Answers the keys of the apps woken.

    1 write, 2 reads, and 1 message per app; 1 read and 1 write more when the push was told of before.
    """
    push = await _keep(
        ports, push, pushes.push_from_columns, pushes.push_to_columns, join=pushes.join_pushes, region=push.location
    )
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
    now = ports.clock.now()

    def last_word(known: ScanEvidence, said: ScanEvidence) -> ScanEvidence:
        """Events come in any order, so an earlier scan is no news; one dated ahead would keep every later word out."""
        return known if said.completed_at < known.completed_at <= now + SKEW else said

    await _keep(ports, scan, evidence.scan_from_columns, evidence.scan_to_columns, join=last_word)
    book = await policy_book.read(ports.rows, scan.registry, scan.repository)
    apps = {
        policy.app.app_key(ports.settings.subscription, scan.repository): None
        for policy in book.policies
        if policy.mode is not Mode.OFF and any(isinstance(rule, ScanRule) for rule in policy.gates)
    }
    for app in apps:
        await ports.queue.put(names.TICKS, Wake(app=app).message(), timedelta())
    return tuple(apps)


async def _keep(
    ports: Ports,
    said: T,
    read: Callable[[str, Mapping[str, object]], T],
    write: Callable[[T], Mapping[str, object]],
    *,
    join: Callable[[T, T], T],
    region: str = "",
) -> T:
    """Keep what an event said together with what its row says already; answer both joined.

    Two events may race for the row. Raises `Conflict` when others keep changing it, and `Retry` when a newer version
    wrote it: the event then comes again.
    """
    row: Row | None = None
    for tries_left in reversed(range(TRIES)):
        known = _known(row, read)
        kept = join(said if known is None else known, said)
        if kept == known:
            break
        change: Change = Insert(key=said.key, columns=write(kept))
        if row is not None:
            change = Replace(key=said.key, columns=write(kept), etag=row.etag)
        try:
            await ports.rows.commit(names.EVIDENCE, said.partition, [change])
        except Conflict:
            if not tries_left:
                raise
            row = await ports.rows.get(names.EVIDENCE, said.partition, said.key)
        else:
            break
    await heard.note(ports, said.registry, region)
    return kept


def _known(row: Row | None, read: Callable[[str, Mapping[str, object]], T]) -> T | None:
    """What a row says; an unreadable one says nothing. Raises `Retry` for one of a newer version."""
    if row is None:
        return None
    source = f"evidence/{row.partition}/{row.key}"
    if why := newer(source, row.columns):
        raise Retry(why)
    try:
        return read(source, row.columns)
    except EvidenceError:
        return None
