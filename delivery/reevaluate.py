"""What a registry holds now, offered to the apps of the rows that select it, whether or not a push was ever heard of.

So a widened rule needs no new push, and a lost event heals itself: `policy_watch` asks for every row that changed, and
for every row once an hour. Nothing is decided here: the app drops what it knows already and its gates judge the rest.

What it costs. Of the registry: one listing of tags a repository (1 call a page of 100 tags, and 2 more where the token
of the repository has run out), however many rows it has; for the pattern rows of a registry together one catalogue (1
call a page of 100 names) and one listing for each of the first 200 repositories that match; a registry that tells no
digests (none but ACR does) 1 call more a row. Of the store: nothing when nothing is new; else 1 read and 1 write an
offer, and 1 write a row. A run stops at `MOST_CALLS`; ACR takes 5 000 reads a minute of an identity
(learn.microsoft.com/azure/container-registry/container-registry-skus).
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from delivery import names
from delivery.errors import Conflict, Refused, Retry
from delivery.ports import Insert
from delivery.tick import Wake
from policies.evidence import DIGEST, REPOSITORY
from policies.pushes import PushEvidence, push_to_columns
from policies.tags import Pushed
from rollouts.model import Image
from rollouts.seen import Offer

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from delivery.ports import Ports
    from policies.facts import TagSeen
    from policies.model import Policy

MOST_CALLS = 2000  # of a registry in one run; ACR's limit leaves as much again for the ticks
MOST_REPOSITORIES = 200  # that are listed for the pattern rows of one registry
MOST_NAMES = 5000  # of a catalogue
PAGE = 100
_FORBIDDEN = (401, 403)


@dataclass(slots=True, kw_only=True)
class Budget:
    """Calls of registries that this run may still make; the one that exceeds it is the last."""

    left: int

    @property
    def spent(self) -> bool:
        """Whether nothing may be listed any more."""
        return self.left <= 0

    def pay(self, items: int) -> None:
        """Note a listing of so many items."""
        self.left -= 1 + items // PAGE


@dataclass(slots=True, kw_only=True)
class Chosen:
    """What the registry holds for one row. offers: the best image of each repository, with the app it is for.

    aside: what its Status says of the reading, "" for nothing. complete: False when it is to be read again soon.
    """

    offers: list[tuple[str, Offer]] = field(default_factory=list)
    aside: str = ""
    complete: bool = True


async def choose(ports: Ports, policies: Sequence[Policy], budget: Budget) -> Mapping[str, Chosen]:
    """For rows of one partition, by their keys: the best image each selects now. Raises nothing of the registry's."""
    chosen = {policy.key: Chosen() for policy in policies}
    if not policies:
        return chosen
    try:
        repositories, aside = await _repositories(ports, policies, budget)
    except Retry:
        repositories, aside = [], ""
        for one in chosen.values():
            one.complete = False
    except Refused as error:
        repositories, aside = [], _cannot("list the repositories of", policies[0].registry, error)
    for one in chosen.values():
        one.aside = aside
    for repository in repositories:
        await _look(ports, repository, [p for p in policies if p.covers(p.registry, repository)], chosen, budget)
    return chosen


async def _repositories(ports: Ports, policies: Sequence[Policy], budget: Budget) -> tuple[list[str], str]:
    """The repositories these rows are about, and what is to be said of those left out."""
    registry = policies[0].registry
    if not policies[0].key.startswith(f"{registry}|*/"):
        return [policies[0].repository], ""
    there = await ports.registry.repositories(registry, MOST_NAMES)
    budget.pay(len(there))
    named = [name for name in there if REPOSITORY.fullmatch(name)]
    matching = [name for name in named if any(policy.covers(registry, name) for policy in policies)]
    if len(matching) <= MOST_REPOSITORIES and len(there) < MOST_NAMES:
        return matching, ""
    left_out = f"only the first {MOST_REPOSITORIES} repositories that match are read again; a push to the others ships"
    return matching[:MOST_REPOSITORIES], left_out


async def _look(
    ports: Ports, repository: str, policies: list[Policy], chosen: Mapping[str, Chosen], budget: Budget
) -> None:
    """List one repository for all of these rows."""
    mine = [(policy, chosen[policy.key]) for policy in policies]
    if budget.spent:
        for _, one in mine:
            one.complete = False
        return
    try:
        tags = await ports.registry.tags(policies[0].registry, repository)
        budget.pay(len(tags))
        for policy, one in mine:
            offer, aside = await _best(ports, policy, repository, tags)
            one.aside = one.aside or aside
            if offer is not None:
                one.offers.append((policy.app.app_key(ports.settings.subscription, repository), offer))
    except Retry:
        for _, one in mine:
            one.complete = False
    except Refused as error:
        for policy, one in mine:
            one.aside = one.aside or _cannot("list", f"{policy.registry}/{repository}", error)


async def _best(ports: Ports, policy: Policy, repository: str, tags: list[TagSeen]) -> tuple[Offer | None, str]:
    """The greatest image that the row selects, or none and why."""
    selected = [tag for tag in tags if policy.tags.select(tag.name).selected]
    if not selected:
        return None, f"none of the {len(tags)} tags of {repository} is selected" if tags else ""
    key = _key_of(policy)
    greatest = max(map(key, selected))
    first = [tag for tag in selected if key(tag) == greatest]
    if not policy.tags.by_tag and len(selected) > 1 and any(tag.updated is None for tag in selected):
        return None, f"{policy.registry} does not tell when tags were pushed, so only a push that is heard of ships"
    best = max(first, key=lambda tag: (tag.digest, tag.name))
    digest = best.digest or await ports.registry.digest(policy.registry, repository, best.name)
    if not digest or DIGEST.fullmatch(digest) is None:
        return None, ""  # deleted since it was listed, or nothing that can be deployed
    image = Image(registry=policy.registry, repository=repository, tag=best.name, digest=digest)
    pushed_at = best.updated or ports.clock.now()
    offer = Offer(image=image, policy=policy.key, pushed_at=pushed_at, policy_version=policy.version, listed=True)
    return offer, ""


def _key_of(policy: Policy) -> Callable[[TagSeen], Any]:
    """How the row puts tags in order, going by what a listing tells of each."""
    return lambda tag: policy.tags.order_key(Pushed(tag=tag.name, digest="", pushed_at=tag.updated))


def _cannot(do: str, what: str, error: Refused) -> str:
    """What a person must mend, and what goes on meanwhile."""
    if error.status in _FORBIDDEN:
        return f"may not {do} {what} ({error.status}): only a push that is heard of ships"
    return f"cannot {do} {what} ({error.status or error}): only a push that is heard of ships"


def mark_of(offer: Offer) -> str:
    """A short name of an offered image, the same in every process."""
    image = offer.image
    return hashlib.sha256(f"{image.repository}\n{image.tag}\n{image.digest}".encode()).hexdigest()[:16]


async def send(ports: Ports, offers: Iterable[tuple[str, Offer]]) -> set[str]:
    """Offer these images to their apps, one message an app. Answers the keys of the apps woken.

    A digest in quarantine is not offered: a person releases it, and no row does.
    """
    woken: dict[str, list[Offer]] = {}
    for app, offer in offers:
        held = names.quarantine_key(offer.image.digest)
        if await ports.rows.get(names.ROLLOUTS, app, held) is None:
            await _know(ports, offer)
            woken.setdefault(app, []).append(offer)
    for app, offered in woken.items():
        await ports.queue.put(names.TICKS, Wake(app=app, offers=tuple(offered)).message(), timedelta())
    return set(woken)


async def _know(ports: Ports, offer: Offer) -> None:
    """Keep when it was pushed, for the gates that ask; what an event told is never overwritten."""
    image = offer.image
    push = PushEvidence(
        registry=image.registry,
        repository=image.repository,
        tag=image.tag,
        digest=image.digest,
        pushed_at=offer.pushed_at,
        listed=True,
    )
    try:
        await ports.rows.commit(names.EVIDENCE, push.partition, [Insert(key=push.key, columns=push_to_columns(push))])
    except Conflict:
        return
