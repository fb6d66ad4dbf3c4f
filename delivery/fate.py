"""What became of an image in every app whose rows are about it: what a pipeline waits for. Azure is not asked."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from delivery import codec, image_reference, names, policy_book, reads, state, told_tags
from delivery.errors import Malformed
from policies.explain import is_about

if TYPE_CHECKING:
    from delivery.ports import Ports
    from policies.model import Policy
    from rollouts.model import App, Image, Rollout

Json = dict[str, object]
MOST_ROWS = 100  # rows that are answered: each reads its app's row and its history


async def of(ports: Ports, reference: str) -> Json:
    """Every row about the image's repository, with the newest rollout it made of this digest.

    1 HEAD of the registry where the reference names a tag alone, 2 reads of policy rows, 1 of what events told of the
    digest, and 2 for each row. Raises `Malformed` for a reference that names no image, or a tag that does not exist.
    """
    image = await _digested(ports, image_reference.read(reference))
    told = await told_tags.of(ports, image)
    tags = tuple(dict.fromkeys([*([image.tag] if image.tag else []), *told]))
    book = await policy_book.read(ports.rows, image.registry, image.repository)
    rows = sorted(book.policies, key=lambda policy: policy.key)
    return {
        "image": f"{image.registry}/{image.repository}{f':{tags[0]}' if tags else ''}@{image.digest}",
        "at": ports.clock.now().isoformat(),
        "heard": bool(told),
        "broken": sorted(key for key in book.broken if is_about(key, image)),
        "left_out": max(0, len(rows) - MOST_ROWS),
        "rows": [await _row(ports, policy, image, tags) for policy in rows[:MOST_ROWS]],
    }


async def _digested(ports: Ports, image: Image) -> Image:
    if image.digest:
        return image
    digest = await ports.registry.digest(image.registry, image.repository, image.tag)
    if not digest:
        raise Malformed(f"image: expected a tag that {image.registry}/{image.repository} has, found {image.tag}")
    return replace(image, digest=digest)


async def _row(ports: Ports, policy: Policy, image: Image, tags: tuple[str, ...]) -> Json:
    """`selects` is None where no tag of the image is known, by which alone a row selects."""
    key = policy.app.app_key(ports.settings.subscription, image.repository)
    app = (await state.load(ports.rows, key)).app
    newest = await _newest(ports, key, app, policy, image)
    choices = [policy.tags.select(tag) for tag in tags]
    choice = next((one for one in choices if one.selected), next(iter(choices), None))
    return {
        "policy": policy.key,
        "app": names.resource_id(key),
        "mode": policy.mode.value,
        "selects": choice.selected if choice else None,
        "because": choice.because if choice else "events told no tag of it yet",
        "runs": _runs(app, image),
        "rollout": reads.line(newest) if newest else None,
    }


def _runs(app: App, image: Image) -> bool:
    """Whether it is recorded as what the users have."""
    stable = app.stable
    return stable is not None and image.digest in (stable.digest, *(one.digest for one in stable.released))


async def _newest(ports: Ports, key: str, app: App, policy: Policy, image: Image) -> Rollout | None:
    """The rollout of this digest by this row with the highest number."""

    def mine(rollout: Rollout) -> bool:
        return rollout.image.digest == image.digest and rollout.policy == policy.key

    present = [*app.waiting, *((app.live,) if app.live else ())]
    found = [rollout for rollout in present if mine(rollout)]
    for row in await ports.rows.scan(names.ROLLOUTS, key, first="rollout:", last="rollout:" + names.LAST):
        if row.columns.get("digest") == image.digest:
            found += [past for past in (codec.decode_rollout(row),) if mine(past)]
    return max(found, key=lambda rollout: rollout.n, default=None)
