"""Where a push was heard from, and when: several events tell of one push, and one of them may tell of several.

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
from dataclasses import replace
from datetime import datetime
from heapq import nlargest
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from policies.evidence import PushEvidence

Span = tuple[datetime, datetime]
MOST_PLACES = 100  # Azure has fewer regions
MOST_PUSHERS = 16
LONGEST_REGION = 64
_NOT_IN_REGION = re.compile(r"[^a-z0-9]+", re.ASCII)


def plain_region(text: str) -> str:
    """A region as Azure names it for programs: `westeurope` also for "West Europe"; "" for what is no text of one."""
    return _NOT_IN_REGION.sub("", text[:LONGEST_REGION].lower())


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


def write_times(times: Mapping[str, Iterable[datetime]]) -> str:
    """The column of a row: names and their times."""
    return json.dumps({name: [time.isoformat() for time in each] for name, each in times.items()})


def read_times(value: object, count: int) -> dict[str, tuple[datetime, ...]]:
    """A decoded column back; raises `ValueError` unless each name has `count` times."""
    found: dict[str, tuple[datetime, ...]] = {}
    for name, each in value.items() if isinstance(value, dict) else [("", None)]:
        times = tuple(datetime.fromisoformat(str(time)) for time in each) if isinstance(each, list) else ()
        if len(times) != count or any(time.tzinfo is None for time in times):
            raise ValueError(name)
        found[name] = times
    return found
