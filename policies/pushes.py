"""What is known of a push: who, when, and in which regions. Several events tell of one push, and each may tell of more.

A geo-replicated registry raises an event in the region that took the push, and one in each other region as the image
arrives there; they differ in region, id and time, not in tag and digest
(learn.microsoft.com/azure/container-registry/container-registry-geo-replication). A webhook tells the same push once
more, without a region. Events come late, twice, and in any order, so all that is kept is what no order changes: per
region the earliest and the latest time told, per person the latest.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from heapq import nlargest

from policies.evidence import ROW_VERSION, StoredRow, evidence_partition

Span = tuple[datetime, datetime]
MOST_PLACES = 100  # Azure has fewer regions
MOST_PUSHERS = 16
LONGEST_REGION = 64
_NOT_IN_REGION = re.compile(r"[^a-z0-9]+", re.ASCII)


def plain_region(text: str) -> str:
    """A region as Azure names it for programs: `westeurope` also for "West Europe"; "" for what is no text of one."""
    return _NOT_IN_REGION.sub("", text[:LONGEST_REGION].lower())


@dataclass(frozen=True, slots=True, kw_only=True)
class PushEvidence:
    """A push as events of the registry told it. tag "": pushed by digest. location: the region first heard from.

    pushed_at: the last time, not counting its copies in other regions. pushed_by: who did, "" where the registry does
    not tell. places: per region heard from ("": not told) the first and the last time. pushers: everybody who ever
    pushed this digest under this tag, and when last. Both may be empty: then this is what one event told.
    listed: no event told of it; it was found in the registry's listing, pushed_at being when the tag last moved.
    """

    registry: str
    repository: str
    tag: str
    digest: str
    pushed_at: datetime
    media_type: str = ""
    location: str = ""
    pushed_by: str = ""
    places: Mapping[str, Span] = field(default_factory=dict)
    pushers: Mapping[str, datetime] = field(default_factory=dict)
    listed: bool = False

    @property
    def spans(self) -> Mapping[str, Span]:
        """The places, also of what one event alone has told."""
        return self.places or {self.location: (self.pushed_at, self.pushed_at)}

    @property
    def named(self) -> Mapping[str, datetime]:
        """The pushers, also of what one event alone has told."""
        return self.pushers or ({self.pushed_by: self.pushed_at} if self.pushed_by else {})

    @property
    def first_at(self) -> datetime:
        """When the registry first had it under this tag, as far as is known."""
        return min(first for first, _ in self.spans.values())

    @property
    def partition(self) -> str:
        """PartitionKey of its row."""
        return evidence_partition(self.registry, self.digest)

    @property
    def key(self) -> str:
        """RowKey: with the repository, for one digest may be pushed into several."""
        return f"push:{self.repository.replace('/', '|')}:{self.tag}"


def pushed_at(places: Mapping[str, Span]) -> datetime:
    """When it was last pushed: a region that speaks for the first time may tell of a copy, one that speaks again not.

    So a copy that arrives late makes no image the newest, and a tag that is pushed again is pushed again. The copies of
    that later push may move its time on by what copying takes.
    """
    again = [last for first, last in places.values() if first < last]
    return max(again) if again else min(first for first, _ in places.values())


def join_pushes(known: PushEvidence, said: PushEvidence) -> PushEvidence:
    """One evidence of two for the same tag and digest; the order of many makes no difference."""
    places = dict(known.spans)
    for place, (first, last) in said.spans.items():
        before = places.get(place, (first, last))
        places[place] = (min(before[0], first), max(before[1], last))
    pushers = dict(known.named)
    for name, at in said.named.items():
        pushers[name] = max(pushers.get(name, at), at)
    places = dict(nlargest(MOST_PLACES, places.items(), key=lambda place: (place[1][1], place[0])))
    pushers = dict(nlargest(MOST_PUSHERS, pushers.items(), key=lambda pusher: (pusher[1], pusher[0])))
    return replace(
        said,
        pushed_at=pushed_at(places),
        media_type=max(known.media_type, said.media_type),
        location=min(places, key=lambda place: (places[place][0], place)),
        pushed_by=next(iter(pushers), ""),
        places=places,
        pushers=pushers,
        listed=known.listed and said.listed,
    )


def join_all(pushes: Iterable[PushEvidence]) -> list[PushEvidence]:
    """One evidence of all that was told of the same tag and digest, as rows would keep it."""
    joined: dict[tuple[str, str], PushEvidence] = {}
    for push in pushes:
        where = (push.partition, push.key)
        joined[where] = join_pushes(joined.get(where, push), push)
    return list(joined.values())


def push_to_columns(push: PushEvidence) -> dict[str, object]:
    """The columns of its row."""
    return {
        "v": ROW_VERSION,
        "registry": push.registry,
        "repository": push.repository,
        "tag": push.tag,
        "digest": push.digest,
        "pushed_at": push.pushed_at.isoformat(),
        "media_type": push.media_type,
        "location": push.location,
        "pushed_by": push.pushed_by,
        "places": _write_times(push.places),
        "pushers": _write_times({name: (at,) for name, at in push.pushers.items()}),
        "listed": push.listed,
    }


def push_from_columns(source: str, columns: Mapping[str, object]) -> PushEvidence:
    """The evidence of a row. source: its keys, for the error. Columns that came later may be missing."""
    row = StoredRow(source, columns)
    return PushEvidence(
        registry=row.text("registry"),
        repository=row.text("repository"),
        tag=row.text("tag"),
        digest=row.text("digest"),
        pushed_at=row.time("pushed_at"),
        media_type=row.text("media_type"),
        location=row.text("location"),
        pushed_by=row.text("pushed_by") if "pushed_by" in columns else "",
        places={place: (first, last) for place, (first, last) in _times(row, columns, "places", 2).items()},
        pushers={name: at for name, (at,) in _times(row, columns, "pushers", 1).items()},
        listed=columns.get("listed") is True,  # rows from before this was kept were all heard of
    )


def _write_times(times: Mapping[str, Iterable[datetime]]) -> str:
    """The column of a row: names and their times."""
    return json.dumps({name: [time.isoformat() for time in each] for name, each in times.items()})


def _times(row: StoredRow, columns: Mapping[str, object], column: str, count: int) -> dict[str, tuple[datetime, ...]]:
    """Such a column back, of which each name has `count` times; it may be missing."""
    if column not in columns:
        return {}
    try:
        return _read_times(row.decoded(column), count)
    except ValueError as error:
        raise row.fault(column, f"names with {count} times") from error


def _read_times(value: object, count: int) -> dict[str, tuple[datetime, ...]]:
    """A decoded column back; raises `ValueError` unless each name has `count` times."""
    found: dict[str, tuple[datetime, ...]] = {}
    for name, each in value.items() if isinstance(value, dict) else [("", None)]:
        times = tuple(datetime.fromisoformat(str(time)) for time in each) if isinstance(each, list) else ()
        if len(times) != count or any(time.tzinfo is None for time in times):
            raise ValueError(name)
        found[name] = times
    return found
