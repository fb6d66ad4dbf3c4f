"""Defender for Containers raises no event when it has scanned an image, so it is asked about images that wait for it.

Its findings come minutes to an hour after the push. It writes nothing of an image that it has not looked at, so no rows
is no result, and the image goes on waiting. Switched off, which is the default, nothing is read and nothing is asked.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from delivery import intake, names, policy_book, state
from delivery.bounds import cut
from delivery.errors import Malformed, Refused, Retry
from delivery.ports import Put
from policies.errors import EvidenceError, PolicyError
from policies.evidence import evidence_partition
from policies.facts import PLATFORM
from policies.scan import ScanRule
from policies.scan_event import read_scan
from policies.scans.adapt import adapt
from rollouts.findings import Answer

if TYPE_CHECKING:
    from collections.abc import Sequence

    from delivery.policy_book import Book
    from delivery.ports import Ports, Row
    from policies.evidence import ScanEvidence
    from rollouts.model import Image, Rollout

SCANNER = "defender"
BACK_OFF = tuple(timedelta(minutes=minutes) for minutes in (1, 2, 5, 10, 20, 40))  # the last one again and again
SETTLED = timedelta(minutes=2)  # rows of one scan may appear one after another
MOST_ASKED = 10  # images of one run; Resource Graph takes 15 queries in 5 s of an identity
COMPLETED = "completed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Polled:
    """What a run did. problems: one line an image that could not be asked about, or whose rows cannot be read."""

    asked: int = 0
    found: int = 0
    problems: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class _Wait:
    """An image that waits for Defender's word. since: when it was offered. fresh: how old that word may get."""

    image: Image
    since: datetime
    fresh: timedelta | None


@dataclass(frozen=True, slots=True, kw_only=True)
class _Memory:
    """What is remembered of asking about an image: row `defender:<repository>` of its evidence.

    completed_at: of the scan that was found, None while none is.
    """

    since: datetime
    tries: int = 0
    next_at: datetime
    completed_at: datetime | None = None

    def due(self, wait: _Wait, now: datetime) -> bool:
        """Whether Defender is to be asked now."""
        if self.since < wait.since:
            return True  # a new attempt does not wait as long as the one before had come to
        stale = self.completed_at is not None and wait.fresh is not None and now - self.completed_at >= wait.fresh
        return self.next_at <= now and (self.completed_at is None or stale)


async def poll(ports: Ports) -> Polled:
    """Ask about every image whose time has come, the longest overdue first.

    16 reads and 1 an active app; for those that wait, 2 reads a repository and 1 an image; then 1 question to the
    registry, 1 to Resource Graph and 1 write an image that is asked about. Raises what the store raises.
    """
    if ports.settings.defender is None:
        return Polled()
    now = ports.clock.now()
    due: list[tuple[datetime, _Wait, _Memory]] = []
    for wait in await _waits(ports):
        row = await ports.rows.get(names.EVIDENCE, *_place(wait.image))
        memory = _memory(row) or _Memory(since=wait.since, next_at=wait.since)
        if memory.due(wait, now):
            due.append((memory.next_at, wait, memory))
    found, problems = 0, []
    chosen = sorted(due, key=lambda each: (each[0], each[1].image.digest))[:MOST_ASKED]
    for _, wait, memory in chosen:
        scan, problem = await _ask(ports, wait.image, now)
        if scan is not None:
            await intake.scan_completed(ports, scan)
            found += 1
        if problem:
            problems.append(f"{wait.image.short}: {problem}")
        await _remember(ports, wait, memory, scan, problem)
    return Polled(asked=len(chosen), found=found, problems=tuple(problems))


async def _waits(ports: Ports) -> list[_Wait]:
    """The images that wait for their gates in an active app, and whose row takes Defender's word."""
    books: dict[tuple[str, str], Book] = {}
    waits: dict[tuple[str, str, str], _Wait] = {}
    for shard in range(names.SHARDS):
        for row in await ports.rows.scan(names.ACTIVE, f"{shard:02}"):
            for rollout in await _waiting(ports, row.key):
                image = rollout.image
                where = (image.registry, image.repository)
                if where not in books:
                    books[where] = await policy_book.read(ports.rows, *where)
                wait = _wait(books[where], rollout)
                if wait is not None:
                    waits[(*where, image.digest)] = _sooner(wait, waits.get((*where, image.digest)))
    return list(waits.values())


async def _waiting(ports: Ports, app: str) -> Sequence[Rollout]:
    try:
        waiting = (await state.load(ports.rows, app)).app.waiting
    except Malformed:
        return ()  # parked and announced where it is ticked
    return [rollout for rollout in waiting if rollout.finding is None or rollout.finding.answer is Answer.WAITING]


def _wait(book: Book, rollout: Rollout) -> _Wait | None:
    policy = book.policy(rollout.policy)
    if policy is None or isinstance(policy, PolicyError):
        return None
    rules = [rule for rule in policy.gates if isinstance(rule, ScanRule) and (not rule.by or SCANNER in rule.by)]
    fresh = min((rule.fresh for rule in rules if rule.fresh is not None), default=None)
    return _Wait(image=rollout.image, since=rollout.offered_at, fresh=fresh) if rules else None


def _sooner(wait: _Wait, other: _Wait | None) -> _Wait:
    """One of two waits for the same image: the latest, with the least patience."""
    if other is None:
        return wait
    fresh = min((each.fresh for each in (wait, other) if each.fresh is not None), default=None)
    return _Wait(image=wait.image, since=max(wait.since, other.since), fresh=fresh)


async def _ask(ports: Ports, image: Image, now: datetime) -> tuple[ScanEvidence | None, str]:
    """Defender's word on the manifest that will run, None while it has none; and what went wrong, "" if nothing."""
    try:
        manifest = await ports.registry.manifest(image.registry, image.repository, image.digest)
        child = manifest.children.get(PLATFORM, "") if manifest else ""
        rows = await ports.assessments.sub_assessments(image.registry, child or image.digest)
        if not rows:
            return None, ""
        data = adapt(
            list(rows),
            registry=image.registry,
            repository=image.repository,
            digest=child or image.digest,
            index_digest=image.digest if child else "",
            platform=PLATFORM if child else "",
            at=now,
            defender_keys=ports.settings.defender.keys if ports.settings.defender else (),
        )
        scan = read_scan("defender", data)
    except (Retry, Refused, EvidenceError) as error:
        return None, str(error)
    return (scan, "") if now - scan.completed_at >= SETTLED else (None, "")


async def _remember(ports: Ports, wait: _Wait, memory: _Memory, scan: ScanEvidence | None, problem: str) -> None:
    tries = 1 if memory.since < wait.since else memory.tries + 1
    columns = {
        "since": wait.since,
        "tries": tries,
        "next_at": ports.clock.now() + BACK_OFF[min(tries, len(BACK_OFF)) - 1],
        "because": cut(problem, 400),
    }
    if scan is not None and scan.status == COMPLETED:
        columns["completed_at"] = scan.completed_at
    partition, key = _place(wait.image)
    await ports.rows.commit(names.EVIDENCE, partition, [Put(key=key, columns=columns)])


def _memory(row: Row | None) -> _Memory | None:
    """What the row remembers; one that does not fit is forgotten."""
    if row is None:
        return None
    since, tries, next_at = (row.columns.get(name) for name in ("since", "tries", "next_at"))
    completed_at = row.columns.get("completed_at")
    if not isinstance(since, datetime) or not isinstance(tries, int) or not isinstance(next_at, datetime):
        return None
    completed = completed_at if isinstance(completed_at, datetime) else None
    return _Memory(since=since, tries=tries, next_at=next_at, completed_at=completed)


def _place(image: Image) -> tuple[str, str]:
    """Partition and key of the memory of an image."""
    return evidence_partition(image.registry, image.digest), f"defender:{image.repository.replace('/', '|')}"
