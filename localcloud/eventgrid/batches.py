"""Events that go to an endpoint in one request.

https://learn.microsoft.com/en-us/azure/event-grid/delivery-and-retry: what is there goes together, nothing waits for
more; a batch arrives or fails as a whole; one event that is larger than the size goes alone. Of a setting that is not
given the page says that there is a default and not which: here it is the most events, and the 64 KB that ARM answers.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Annotated

import msgspec

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from localcloud.eventgrid.model import Taken

_KILOBYTE = 1024


class Batching(msgspec.Struct, kw_only=True, frozen=True, rename="camel", forbid_unknown_fields=True):
    """Of a webhook, as ARM has it among the properties of its destination."""

    max_events_per_batch: Annotated[int, msgspec.Meta(ge=1, le=5000)] = 5000
    preferred_batch_size_in_kilobytes: Annotated[int, msgspec.Meta(ge=1, le=1024)] = 64

    def cut(self, waiting: Iterable[Taken]) -> Iterator[list[Taken]]:
        """All of them, in their order."""
        batch: list[Taken] = []
        size = 0
        for one in waiting:
            more = len(json.dumps(one.event))
            full = size + more > self.preferred_batch_size_in_kilobytes * _KILOBYTE
            if batch and (full or len(batch) == self.max_events_per_batch):
                yield batch
                batch, size = [], 0
            batch.append(one)
            size += more
        if batch:
            yield batch


ONE_BY_ONE = Batching(max_events_per_batch=1)
