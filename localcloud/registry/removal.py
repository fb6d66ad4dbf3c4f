"""What is taken away: a tag, a manifest with its tags, a repository with all it has."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from localcloud.registry.events import Events
    from localcloud.registry.locks import Locks
    from localcloud.registry.repositories import Manifest, Repositories, Tag


class Removal:
    """Nothing that a lock holds is taken away; each manifest that goes raises its event, a tag raises none."""

    def __init__(self, repositories: Repositories, locks: Locks, events: Events) -> None:
        self._repositories = repositories
        self._locks = locks
        self._events = events

    def tag(self, repository: str, tag: Tag) -> None:
        """What it named stays. No event: ACR raises none for a tag (its webhook reference says so)."""
        self._locks.untag(repository, tag)
        self._repositories.untag(repository, tag.name)

    async def manifest(self, repository: str, manifest: Manifest, agent: str) -> None:
        """With its tags, in one event. agent: the client's name, for the event."""
        self._locks.delete(repository, manifest)
        self._repositories.delete(repository, manifest.digest)
        await self._events.deleted(repository, manifest, agent)

    async def repository(self, repository: str, agent: str) -> tuple[list[str], list[str]]:
        """All of it or nothing; one event for each manifest. Answers the digests and the tags that went, sorted.

        Everything is gone before the first event is raised: a push that comes meanwhile begins a new repository.
        """
        self._locks.remove(repository)
        manifests = list(self._repositories.manifests(repository))
        tags = [tag.name for tag in self._repositories.tags(repository)]
        self._repositories.remove(repository)
        for manifest in manifests:
            await self._events.deleted(repository, manifest, agent)
        return [manifest.digest for manifest in manifests], tags
