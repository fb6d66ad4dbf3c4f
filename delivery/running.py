"""What a container runs now: its image as the revision that carries the traffic has it, and the tag it is known by."""

from __future__ import annotations

from typing import TYPE_CHECKING

from delivery.errors import Refused, Retry
from policies.containers import container_of, split_reference
from policies.tags import Pushed
from rollouts import traffic
from rollouts.model import Stable
from rollouts.seen import AppSeen, RevisionSeen, Unknown

if TYPE_CHECKING:
    from delivery.ports import Ports
    from policies.model import Policy
    from rollouts.model import App, Rollout


async def find(
    ports: Ports, app: App, rollout: Rollout, policy: Policy, seen: AppSeen | Unknown | None
) -> Pushed | Unknown | None:
    """The image of our container, its tag as recorded, as it says, or as its registry says; None: nothing is known.

    1 listing of tags where the app was pinned to a digest by someone else: else a row that was just written would
    not know that what it selects is a downgrade.
    """
    found = _running(app, rollout, policy, seen)
    if not isinstance(found, Pushed) or found.tag or not found.digest:
        return found
    try:
        tags = await ports.registry.tags(rollout.image.registry, rollout.image.repository)
    except Retry as error:
        return Unknown(because=str(error))
    except Refused:
        return found  # it will not tell; what nobody records cannot be compared
    named = [
        Pushed(tag=tag.name, digest=found.digest, pushed_at=tag.updated) for tag in tags if tag.digest == found.digest
    ]
    return max(named, key=policy.tags.order_key, default=found)


def is_it(running: Pushed, rollout: Rollout, policy: Policy, seen: AppSeen | Unknown | None) -> bool:
    """Whether the container runs this image: by its digest, or by its tag since after that was pushed.

    Container Apps pulls when a revision is created, so a tag that moved before that is what the revision has.
    """
    if running.digest:
        return running.digest == rollout.image.digest
    if running.tag != rollout.image.tag or not isinstance(seen, AppSeen):
        return False
    carrying = _carrying(seen)
    if carrying is None or carrying.created_at is None:
        return False
    where, _, _ = split_reference(carrying.images.get(container_of(policy, rollout.image, carrying.images), ""))
    same = where == f"{rollout.image.registry}/{rollout.image.repository}"
    return same and rollout.pushed_at <= carrying.created_at


def _running(app: App, rollout: Rollout, policy: Policy, seen: AppSeen | Unknown | None) -> Pushed | Unknown | None:
    """The image of our container on the revision that carries the traffic, with its tag as recorded or as it says."""
    if not isinstance(seen, AppSeen):
        return seen
    carrying = _carrying(seen)
    images = carrying.images if carrying else seen.images
    container = container_of(policy, rollout.image, images)
    reference = images.get(container, "")
    if not reference:
        return None
    _, tag, digest = split_reference(reference)
    for known in app.stable.released if app.stable else ():
        if (known.container, known.digest) == (container, digest):
            return Pushed(tag=known.tag, digest=digest, pushed_at=known.pushed_at)
    return Pushed(tag=tag, digest=digest, pushed_at=None)


def _carrying(seen: AppSeen) -> RevisionSeen | None:
    """The revision that carries the traffic, or would."""
    stable = traffic.stable(seen)
    return seen.revision(stable.revision if isinstance(stable, Stable) else seen.latest_ready)
