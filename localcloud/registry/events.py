"""The events a registry raises, as Azure Container Registry shapes them.

From the service's recorded payloads (`image_pushed.json`, `image_deleted.json` of its Event Grid schema). One event per
manifest PUT, also for the children of an index and for signatures, which have no tag; one per manifest DELETE; none
when a tag is taken off.
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping
    from datetime import datetime

    from localcloud.clock import Clock
    from localcloud.registry.repositories import Manifest


def stamp(now: datetime) -> str:
    """A time as Azure writes it: UTC, seven digits of a second."""
    return f"{now:%Y-%m-%dT%H:%M:%S}.{now.microsecond:06d}0Z"


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """The registry that raises them. host: its login server. location: of the replica that took the push."""

    resource_id: str
    host: str
    location: str


class Events:
    """Raises them; who pushed or deleted waits until `publish` has taken each, in Event Grid's own schema."""

    def __init__(self, source: Source, clock: Clock, publish: Callable[[dict[str, object]], Awaitable[None]]) -> None:
        self._source = source
        self._clock = clock
        self._publish = publish

    async def pushed(self, repository: str, manifest: Manifest, tag: str, agent: str) -> None:
        """`Microsoft.ContainerRegistry.ImagePushed`. tag: "" for a push by digest."""
        target: dict[str, object] = {
            "mediaType": manifest.media_type,
            "size": manifest.size,
            "digest": manifest.digest,
            "length": manifest.size,
            "repository": repository,
        }
        if tag:
            target["tag"] = tag
        subject = f"{repository}:{tag}" if tag else repository
        request = _request(self._source, "PUT", agent)
        await self._publish(
            _event(self._source, "ImagePushed", "push", subject, target, request, self._clock.now()),
        )

    async def deleted(self, repository: str, manifest: Manifest, agent: str) -> None:
        """`Microsoft.ContainerRegistry.ImageDeleted`: names no tag, also when tags went with the manifest."""
        target = {"mediaType": manifest.media_type, "digest": manifest.digest, "repository": repository}
        request = _request(self._source, "DELETE", agent)
        await self._publish(
            _event(self._source, "ImageDeleted", "delete", repository, target, request, self._clock.now()),
        )


def _request(source: Source, method: str, agent: str) -> dict[str, object]:
    request: dict[str, object] = {"id": str(uuid.uuid4()), "host": source.host, "method": method}
    if agent:
        request["useragent"] = agent
    return request


def _event(
    source: Source,
    kind: str,
    action: str,
    subject: str,
    target: Mapping[str, object],
    request: Mapping[str, object],
    now: datetime,
) -> dict[str, object]:
    name = str(uuid.uuid4())
    return {
        "id": name,
        "topic": source.resource_id,
        "subject": subject,
        "eventType": f"Microsoft.ContainerRegistry.{kind}",
        "data": {
            "id": name,
            "timestamp": stamp(now),
            "action": action,
            "location": source.location,
            "target": dict(target),
            "request": dict(request),
        },
        "dataVersion": "2.0",
        "metadataVersion": "1",
        "eventTime": stamp(now),
    }
