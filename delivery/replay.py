"""What would an edit of rows have changed? The service's own record through the rows as they are, and as edited.

The record is the evidence that came in and the rollouts that are kept. Nothing is written.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from delivery import codec, names, policy_book
from delivery.errors import Malformed
from policies.body import read_body
from policies.compare import compare
from policies.entities import Entity, NotRows, read_entities
from policies.errors import EvidenceError
from policies.evidence import scan_from_columns
from policies.history import OUTCOMES, Entry, Verdict, is_of_our_time
from policies.lint import check
from policies.pushes import PushEvidence, push_from_columns
from policies.simulate import simulate
from policies.simulated_text import change_fields

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Sequence

    from delivery.ports import Ports, Row
    from policies.lint import Linted
    from policies.model import Policy

Json = dict[str, object]
MOST_BYTES = 1024 * 1024  # of a request
MOST_ROWS = 200  # of an edit
MOST_EVIDENCE = 20_000  # rows of evidence that are read
MOST_REPOSITORIES = 100  # each costs a read of its rows
SINCE = timedelta(days=90)  # as long as rollouts are kept
Repository = tuple[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """What is known of the repositories that an edit is about. notes: what was left out."""

    entries: tuple[Entry, ...]
    repositories: tuple[Repository, ...]
    notes: tuple[str, ...] = ()


def read(text: str) -> list[Entity]:
    """The rows of a request, `{"rows": [ … ]}`. Raises `Malformed`."""
    try:
        found = read_entities(read_body("simulate", text, MOST_BYTES).found.get("rows"))
    except (EvidenceError, NotRows) as error:
        raise Malformed(str(error) if isinstance(error, EvidenceError) else f"simulate: rows: {error}") from error
    if not 0 < len(found) <= MOST_ROWS:
        raise Malformed(f"simulate: rows: expected 1 to {MOST_ROWS} rows, found {len(found)}")
    return found


async def edit(ports: Ports, rows: Sequence[Entity]) -> Json:
    """What changes when these rows are put into the table.

    1 reading of the evidence, and 2 of rows a repository in it; 1 of rollouts an app.
    """
    record = await _record(ports, rows)
    there = await _rows(ports, record.repositories, {row.partition for row in rows})
    edited = {(row.partition, row.key): row for row in rows}
    kept = [row for row in there if (row.partition, row.key) not in edited]
    before, after = check(there, whole=False), check([*kept, *rows], whole=False)
    ends = await _ends(ports, before, record.repositories)
    history = [*record.entries, *ends]
    # Seconds of computing for a long record: the ticks of this process do not wait for them.
    found = await asyncio.to_thread(lambda: (simulate(_good(before), history), simulate(_good(after), history)))
    return {
        "changes": [change_fields(change) for change in compare(*found)],
        "broken": [str(one.error) for one in after if one.error and (one.row.partition, one.row.key) in edited],
        "record": {
            "repositories": sorted("/".join(where) for where in record.repositories),
            "evidence": len(record.entries),
            "ends": len(ends),
        },
        "notes": [*record.notes, *dict.fromkeys(note.value for one in found for note in one.notes)],
    }


def _good(rows: Iterable[Linted]) -> list[Policy]:
    return [one.policy for one in rows if one.policy]


async def _record(ports: Ports, rows: Sequence[Entity]) -> Record:
    """The evidence of what the edit is about; an edited pattern or defaults row is about its whole registry."""
    since = ports.clock.now() - SINCE
    found = await ports.rows.scan(names.EVIDENCE, changed_since=since, most=MOST_EVIDENCE)
    entries = [entry for row in found if (entry := _entry(row)) and is_of_our_time(entry) and _is_meant(entry, rows)]
    repositories = sorted({(entry.registry, entry.repository) for entry in entries if isinstance(entry, PushEvidence)})
    notes: list[str] = []
    if len(found) >= MOST_EVIDENCE:
        notes.append(f"only {MOST_EVIDENCE} pieces of evidence were read")
    if len(repositories) > MOST_REPOSITORIES:
        notes.append(f"only the first {MOST_REPOSITORIES} of {len(repositories)} repositories were looked at")
    chosen = tuple(repositories[:MOST_REPOSITORIES])
    mine = tuple(entry for entry in entries if (entry.registry, entry.repository) in chosen)
    return Record(entries=mine, repositories=chosen, notes=tuple(notes))


def _entry(row: Row) -> Entry | None:
    """A row of evidence; one that cannot be read is no evidence."""
    source = f"evidence/{row.partition}/{row.key}"
    try:
        if row.key.startswith("scan:"):
            return scan_from_columns(source, row.columns)
        return push_from_columns(source, row.columns) if row.key.startswith("push:") else None
    except EvidenceError:
        return None


def _is_meant(entry: Entry, rows: Sequence[Entity]) -> bool:
    partitions = {policy_book.partition(entry.registry, entry.repository), f"{entry.registry}|*"}
    return any(row.partition in partitions for row in rows)


async def _rows(ports: Ports, repositories: Collection[Repository], edited: Collection[str]) -> list[Row]:
    """The rows about these repositories as they are in the table, and what stands beside the edited ones."""
    registries = {where[0] for where in repositories} | {name.partition("|")[0] for name in edited}
    partitions = {policy_book.partition(*where) for where in repositories} | set(edited)
    wanted = sorted(partitions | {f"{registry}|*" for registry in registries})
    found = await asyncio.gather(*(ports.rows.scan(names.POLICIES, partition) for partition in wanted))
    return [row for rows in found for row in rows]


async def _ends(ports: Ports, rows: Iterable[Linted], repositories: Collection[Repository]) -> list[Verdict]:
    """How the rollouts that are kept ended, by the rows as they are."""
    apps = {
        policy.app.app_key(ports.settings.subscription, repository)
        for policy in _good(rows)
        for registry, repository in repositories
        if policy.covers(registry, repository)
    }
    found = await asyncio.gather(
        *(ports.rows.scan(names.ROLLOUTS, app, first="rollout:", last="rollout:" + names.LAST) for app in sorted(apps))
    )
    return [end for rows_ in found for row in rows_ if (end := _end(row)) is not None]


def _end(row: Row) -> Verdict | None:
    try:
        past = codec.decode_rollout(row)
    except Malformed:
        return None
    if past.finished_at is None or past.phase not in OUTCOMES.values():
        return None
    image = past.image
    return Verdict(
        at=past.finished_at,
        registry=image.registry,
        repository=image.repository,
        tag=image.tag,
        digest=image.digest,
        policy=past.policy.partition("/")[2],
        outcome=past.phase,
        because=past.because,
    )
