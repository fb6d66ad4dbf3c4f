"""Why did this image (not) ship? One gate a function, each saying because; all of them must be open."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from policies.containers import container_of, running_containers
from policies.facts import PLATFORM, Facts, Manifest
from policies.gate import ASK_AGAIN, Asked, cannot_tell, is_closed, is_open, is_waiting
from policies.model import Policy
from policies.region import region
from policies.tags import Pushed
from rollouts.findings import Finding, all_of
from rollouts.model import Image, Mode, Pin
from rollouts.seen import Unknown

_INDEXES = frozenset(
    {"application/vnd.oci.image.index.v1+json", "application/vnd.docker.distribution.manifest.list.v2+json"}
)
_CONFIGS = frozenset({"application/vnd.oci.image.config.v1+json", "application/vnd.docker.container.image.v1+json"})


def evaluate(policy: Policy, image: Image, facts: Facts, now: datetime) -> Finding:
    """What every gate of the row says of this image. Total: whatever the facts, there is an answer."""
    chosen = [_tag(policy, image, facts, now), _upgrade(policy, image, facts, now)]
    gates = [
        _policy(policy, image),
        _switch(facts, now),
        _manifest(facts, now),
        *(chosen if facts.pin is None else [_pin(facts.pin, image)]),
        _quarantine(facts),
        _lanes(policy, image, facts),
    ]
    asked = Asked(policy=policy, image=image, facts=facts, now=now)
    if facts.images is not None:
        gates += [_container(policy, image, facts.images, now), region(asked)]
    gates += [rule.ask(asked) for rule in policy.gates]
    return all_of("gates", tuple(gates))


def evaluate_again(policy: Policy, image: Image, facts: Facts, now: datetime) -> Finding:
    """What those gates say that are asked while the rollout is live; one that closes moves no weight."""
    asked = Asked(policy=policy, image=image, facts=facts, now=now)
    return all_of("gates", (_switch(facts, now), *(rule.ask(asked) for rule in policy.gates if rule.lasting)))


def short(digest: str) -> str:
    """A digest as messages show it."""
    return digest if len(digest) <= len("sha256:") + 12 else f"{digest[: len('sha256:') + 12]}…"


def _policy(policy: Policy, image: Image) -> Finding:
    if not policy.covers(image.registry, image.repository):
        return is_closed(
            "policy", f"the row is about {policy.registry}/{policy.repository}, not {image.registry}/{image.repository}"
        )
    match policy.mode:
        case Mode.OFF:
            return is_closed("policy", "its Mode is off")
        case Mode.OBSERVE:
            return is_open("policy", "its Mode is observe: nothing is written to Azure")
        case Mode.ON:
            return is_open("policy", "its Mode is on")


def _switch(facts: Facts, now: datetime) -> Finding:
    """The one switch that stops everything: before anything is created or raised, never before a rollback."""
    if isinstance(facts.stopped, Unknown):
        return cannot_tell("switch", facts.stopped, now)
    if facts.stopped:
        return is_waiting("switch", facts.stopped, now + ASK_AGAIN)
    return is_open("switch", "nothing is stopped")


def _pin(pin: Pin, image: Image) -> Finding:
    """A person's choice stands in for the row's: also for an older image, or a tag that has moved on."""
    if pin.digest == image.digest:
        return is_open("pin", f"pinned: {pin.because}")
    return is_waiting("pin", f"the app is pinned to {pin.tag or short(pin.digest)}: {pin.because}")


def _manifest(facts: Facts, now: datetime) -> Finding:
    found = facts.manifest
    if isinstance(found, Unknown):
        return cannot_tell("manifest", found, now)
    if found is None:
        return is_closed("manifest", "the digest is gone from the registry")
    # An event's media type cannot tell an image from a signature, an SBOM or a chart; these three can.
    if found.artifact:
        return is_closed("manifest", f"not an image: an artifact of type {found.artifact}")
    if found.subject:
        return is_closed("manifest", "not an image: it is attached to another one")
    if found.media_type in _INDEXES:
        return _index(found)
    if found.config not in _CONFIGS:
        return is_closed("manifest", f"not an image: its config is {found.config or 'missing'}")
    return is_open("manifest", "an image")


def _index(found: Manifest) -> Finding:
    if PLATFORM in found.children:
        return is_open("manifest", f"an index with {PLATFORM}")
    there = ", ".join(sorted(found.children)) or "nothing"
    return is_closed("manifest", f"no {PLATFORM} in the index, which holds {there}; Container Apps runs nothing else")


def _tag(policy: Policy, image: Image, facts: Facts, now: datetime) -> Finding:
    selection = policy.tags.select(image.tag)
    name = image.tag or "the push"
    if not selection.selected:
        return is_closed("tag", f"{name} is not selected by {policy.tags.text}: {selection.because}")
    if policy.tags.by_tag:
        return is_open("tag", selection.because)
    return _still_names(image, facts, now, selection.because)


def _still_names(image: Image, facts: Facts, now: datetime, because: str) -> Finding:
    """A tag that moves is asked for again: what it names now decides, not what an old event said."""
    if isinstance(facts.tag_now, Unknown):
        return cannot_tell("tag", facts.tag_now, now)
    if facts.tag_now is None:
        return is_closed("tag", f"the registry has no tag {image.tag} any more")
    if facts.tag_now != image.digest:
        return is_closed("tag", f"{image.tag} names {short(facts.tag_now)} now")
    return is_open("tag", because)


def _upgrade(policy: Policy, image: Image, facts: Facts, now: datetime) -> Finding:
    running = facts.running
    if isinstance(running, Unknown):
        return cannot_tell("upgrade", running, now)
    if running is None:
        return is_open("upgrade", "nothing is recorded of the running image, so anything selected is an upgrade")
    if running.digest and running.digest == image.digest:
        return is_closed("upgrade", f"{short(image.digest)} is already stable")
    if not running.tag:
        return is_open("upgrade", "the running image has no tag to compare with")
    others = tuple(sibling.tags for sibling in facts.siblings)
    candidate = Pushed(tag=image.tag, digest=image.digest, pushed_at=_pushed_at(image, facts))
    if not policy.tags.is_upgrade(candidate, running, others):
        return is_closed("upgrade", f"a downgrade: {running.tag} is running and newer than {image.tag}")
    if policy.tags.by_tag and running.tag == image.tag:
        return _overwritten(image, facts, now)
    return is_open("upgrade", f"{image.tag} over {running.tag}")


def _overwritten(image: Image, facts: Facts, now: datetime) -> Finding:
    """Two digests under one tag: only the one the tag names now is the newer."""
    seen = _still_names(image, facts, now, f"{image.tag} was pushed again")
    return Finding(gate="upgrade", answer=seen.answer, because=seen.because, ask_at=seen.ask_at)


def _pushed_at(image: Image, facts: Facts) -> datetime | None:
    times = [push.pushed_at for push in facts.pushes if push.tag == image.tag and push.repository == image.repository]
    return max(times, default=None)


def _quarantine(facts: Facts) -> Finding:
    if facts.quarantined:
        return is_closed("quarantine", f"{facts.quarantined}; a person may release the digest")
    return is_open("quarantine", "the digest is not in quarantine")


def _lanes(policy: Policy, image: Image, facts: Facts) -> Finding:
    """Rows that share a container must order alike, and no image may be two rows' (invariant 3)."""
    # A row that only observes writes nothing: it is no rival of one that does.
    rivals = [row for row in facts.siblings if row.mode is policy.mode and row.mode is not Mode.OFF]
    both = sorted(row.key for row in rivals if row.selects(image)) if policy.selects(image) else []
    if both:
        return is_closed("lanes", f"selected by {policy.key} and by {' and '.join(both)}; one of them must let go")
    for key, order in _earlier(policy, image, facts, rivals):
        if order != policy.tags.lane:
            mine = f"{policy.key} orders by {policy.tags.lane}"
            return is_closed("lanes", f"{mine}, but {key} came first to this container and orders by {order}")
    return is_open("lanes", "no other row orders this container otherwise")


def _earlier(policy: Policy, image: Image, facts: Facts, rivals: list[Policy]) -> list[tuple[str, str]]:
    """Rows with an older claim to the container and how they order: first as the app recorded it, then by key."""
    idle = {row.key for row in facts.siblings} - {row.key for row in rivals}
    orders = {row.key: row.tags.lane for row in rivals}
    known = facts.images if isinstance(facts.images, Mapping) else {}
    container = container_of(policy, image, known) or policy.container
    claims = [
        (lane.policy, orders.get(lane.policy, lane.order))
        for lane in facts.lanes
        if lane.policy not in idle and (lane.container == container or not (lane.container and container))
    ]
    keys = [key for key, _ in claims]
    if policy.key in keys:
        return claims[: keys.index(policy.key)]
    return claims + [(key, order) for key, order in sorted(orders.items()) if key not in keys and key < policy.key]


def _container(policy: Policy, image: Image, images: Mapping[str, str] | Unknown, now: datetime) -> Finding:
    if isinstance(images, Unknown):
        return cannot_tell("container", images, now)
    name = container_of(policy, image, images)
    if name:
        return is_open("container", f"container {name}")
    there = ", ".join(sorted(images)) or "none"
    if policy.container:
        return is_closed("container", f"the app has no container {policy.container}; it has {there}")
    several = "several containers run" if running_containers(image, images) else "no container runs"
    return is_closed("container", f"{several} {image.repository}; name one of {there} in Container")
