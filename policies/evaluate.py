"""Why did this image (not) ship? One gate a function, each saying because; all of them must be open."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta

from policies.containers import container_of, running_containers
from policies.durations import say_duration
from policies.evidence import ScanEvidence, last_words
from policies.facts import Facts, Manifest
from policies.model import Policy
from policies.scan import Late, ScanRule
from policies.tags import Order, Pushed
from rollouts.findings import Answer, Finding, all_of
from rollouts.model import Image, Mode
from rollouts.seen import Unknown

# Container Apps runs linux/amd64 only: learn.microsoft.com/azure/container-apps/containers, "Limitations".
PLATFORM = "linux/amd64"
ASK_AGAIN = timedelta(minutes=1)  # after the outside could not be asked
_INDEXES = frozenset(
    {"application/vnd.oci.image.index.v1+json", "application/vnd.docker.distribution.manifest.list.v2+json"}
)
_CONFIGS = frozenset({"application/vnd.oci.image.config.v1+json", "application/vnd.docker.container.image.v1+json"})


def evaluate(policy: Policy, image: Image, facts: Facts, now: datetime) -> Finding:
    """What every gate of the row says of this image. Total: whatever the facts, there is an answer."""
    gates = [
        _policy(policy, image),
        _manifest(facts, now),
        _tag(policy, image, facts, now),
        _upgrade(policy, image, facts, now),
        _quarantine(facts),
        _lanes(policy, image, facts),
    ]
    if facts.images is not None:
        gates.append(_container(policy, image, facts.images, now))
    if policy.scan is not None:
        gates.append(_scan(policy.scan, image, facts, now))
    return all_of("gates", tuple(gates))


def _open(gate: str, because: str) -> Finding:
    return Finding(gate=gate, answer=Answer.OPEN, because=because)


def _closed(gate: str, because: str) -> Finding:
    return Finding(gate=gate, answer=Answer.CLOSED, because=because)


def _waiting(gate: str, because: str, ask_at: datetime | None = None) -> Finding:
    return Finding(gate=gate, answer=Answer.WAITING, because=because, ask_at=ask_at)


def _cannot_tell(gate: str, unknown: Unknown, now: datetime) -> Finding:
    return _waiting(gate, f"cannot tell: {unknown.because}", now + ASK_AGAIN)


def short(digest: str) -> str:
    """A digest as messages show it."""
    return digest if len(digest) <= len("sha256:") + 12 else f"{digest[: len('sha256:') + 12]}…"


def _policy(policy: Policy, image: Image) -> Finding:
    if not policy.covers(image.registry, image.repository):
        return _closed(
            "policy", f"the row is about {policy.registry}/{policy.repository}, not {image.registry}/{image.repository}"
        )
    match policy.mode:
        case Mode.OFF:
            return _closed("policy", "its Mode is off")
        case Mode.OBSERVE:
            return _open("policy", "its Mode is observe: nothing is written to Azure")
        case Mode.ON:
            return _open("policy", "its Mode is on")


def _manifest(facts: Facts, now: datetime) -> Finding:
    found = facts.manifest
    if isinstance(found, Unknown):
        return _cannot_tell("manifest", found, now)
    if found is None:
        return _closed("manifest", "the digest is gone from the registry")
    # An event's media type cannot tell an image from a signature, an SBOM or a chart; these three can.
    if found.artifact:
        return _closed("manifest", f"not an image: an artifact of type {found.artifact}")
    if found.subject:
        return _closed("manifest", "not an image: it is attached to another one")
    if found.media_type in _INDEXES:
        return _index(found)
    if found.config not in _CONFIGS:
        return _closed("manifest", f"not an image: its config is {found.config or 'missing'}")
    return _open("manifest", "an image")


def _index(found: Manifest) -> Finding:
    if PLATFORM in found.children:
        return _open("manifest", f"an index with {PLATFORM}")
    there = ", ".join(sorted(found.children)) or "nothing"
    return _closed("manifest", f"no {PLATFORM} in the index, which holds {there}; Container Apps runs nothing else")


def _tag(policy: Policy, image: Image, facts: Facts, now: datetime) -> Finding:
    selection = policy.tags.select(image.tag)
    name = image.tag or "the push"
    if not selection.selected:
        return _closed("tag", f"{name} is not selected by {policy.tags.text}: {selection.because}")
    match policy.tags.order:
        case Order.EXACT | Order.NEWEST:
            return _still_names(image, facts, now, selection.because)
        case Order.SEMVER:
            return _open("tag", selection.because)


def _still_names(image: Image, facts: Facts, now: datetime, because: str) -> Finding:
    """A tag that moves is asked for again: what it names now decides, not what an old event said."""
    if isinstance(facts.tag_now, Unknown):
        return _cannot_tell("tag", facts.tag_now, now)
    if facts.tag_now is None:
        return _closed("tag", f"the registry has no tag {image.tag} any more")
    if facts.tag_now != image.digest:
        return _closed("tag", f"{image.tag} names {short(facts.tag_now)} now")
    return _open("tag", because)


def _upgrade(policy: Policy, image: Image, facts: Facts, now: datetime) -> Finding:
    running = facts.running
    if isinstance(running, Unknown):
        return _cannot_tell("upgrade", running, now)
    if running is None:
        return _open("upgrade", "nothing is recorded of the running image, so anything selected is an upgrade")
    if running.digest and running.digest == image.digest:
        return _closed("upgrade", f"{short(image.digest)} is already stable")
    if not running.tag:
        return _open("upgrade", "the running image has no tag to compare with")
    others = tuple(sibling.tags for sibling in facts.siblings)
    candidate = Pushed(tag=image.tag, digest=image.digest, pushed_at=_pushed_at(image, facts))
    if not policy.tags.is_upgrade(candidate, running, others):
        return _closed("upgrade", f"a downgrade: {running.tag} is running and newer than {image.tag}")
    if policy.tags.order is Order.SEMVER and running.tag == image.tag:
        return _overwritten(image, facts, now)
    return _open("upgrade", f"{image.tag} over {running.tag}")


def _overwritten(image: Image, facts: Facts, now: datetime) -> Finding:
    """Two digests under one version: only the one the tag names now is the newer."""
    seen = _still_names(image, facts, now, f"{image.tag} was pushed again")
    return Finding(gate="upgrade", answer=seen.answer, because=seen.because, ask_at=seen.ask_at)


def _pushed_at(image: Image, facts: Facts) -> datetime | None:
    times = [push.pushed_at for push in facts.pushes if push.tag == image.tag and push.repository == image.repository]
    return max(times, default=None)


def _quarantine(facts: Facts) -> Finding:
    if facts.quarantined:
        return _closed("quarantine", f"{facts.quarantined}; a person may release the digest")
    return _open("quarantine", "the digest is not in quarantine")


def _lanes(policy: Policy, image: Image, facts: Facts) -> Finding:
    """Rows that share a container must order alike, and no image may be two rows' (invariant 3)."""
    # A row that only observes writes nothing: it is no rival of one that does.
    rivals = [row for row in facts.siblings if row.mode is policy.mode and row.mode is not Mode.OFF]
    both = sorted(row.key for row in rivals if row.selects(image))
    if both:
        return _closed("lanes", f"selected by {policy.key} and by {' and '.join(both)}; one of them must let go")
    for key, order in _earlier(policy, image, facts, rivals):
        if order != policy.tags.order:
            mine = f"{policy.key} orders by {policy.tags.order}"
            return _closed("lanes", f"{mine}, but {key} came first to this container and orders by {order}")
    return _open("lanes", "no other row orders this container otherwise")


def _earlier(policy: Policy, image: Image, facts: Facts, rivals: list[Policy]) -> list[tuple[str, str]]:
    """Rows with an older claim to the container and how they order: first as the app recorded it, then by key."""
    idle = {row.key for row in facts.siblings} - {row.key for row in rivals}
    orders = {row.key: str(row.tags.order) for row in rivals}
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
        return _cannot_tell("container", images, now)
    name = container_of(policy, image, images)
    if name:
        return _open("container", f"container {name}")
    there = ", ".join(sorted(images)) or "none"
    if policy.container:
        return _closed("container", f"the app has no container {policy.container}; it has {there}")
    several = "several containers run" if running_containers(image, images) else "no container runs"
    return _closed("container", f"{several} {image.repository}; name one of {there} in Container")


def _scan(rule: ScanRule, image: Image, facts: Facts, now: datetime) -> Finding:
    """The worst word of all scanners; a scan that has not come, or did not end well, is not a clean one."""
    if isinstance(facts.scans, Unknown):
        return _cannot_tell("scan", facts.scans, now)
    child = facts.manifest.children.get(PLATFORM, "") if isinstance(facts.manifest, Manifest) else ""
    answers = tuple(_scanned(rule, scan) for scan in last_words(facts.scans, image.digest, child, PLATFORM))
    if not answers:
        return _unscanned(rule, facts, now, "no scan has come", ())
    whole = all_of("scan", answers)
    match whole.answer:
        case Answer.WAITING:
            return _unscanned(rule, facts, now, whole.because, answers)
        case Answer.OPEN:
            return replace(whole, because="; ".join(answer.because for answer in answers))
        case Answer.CLOSED:
            return whole


def _scanned(rule: ScanRule, scan: ScanEvidence) -> Finding:
    gate = f"{scan.scanner} at {scan.completed_at:%H:%M} UTC"
    if scan.status != "completed" or scan.counts is None:
        return _waiting(gate, f"the scan is {scan.status}{': ' if scan.reason else ''}{scan.reason[:200]}")
    over = rule.exceeded(scan.counts)
    if over:
        named = f" ({'; '.join(scan.worst[:3])})" if scan.worst else ""
        return _closed(gate, over + named)
    return _open(gate, f"{scan.scanner} found no more than {rule.text} allows")


def _unscanned(rule: ScanRule, facts: Facts, now: datetime, because: str, children: tuple[Finding, ...]) -> Finding:
    waiting = Finding(gate="scan", answer=Answer.WAITING, because=because, children=children)
    if rule.within is None:
        return waiting
    limit = facts.offered_at + rule.within
    if now < limit:
        return replace(waiting, because=f"{because}; waits until {limit:%H:%M} UTC, then {rule.late}", ask_at=limit)
    late = f"{because} within {say_duration(rule.within)}"
    match rule.late:
        case Late.REJECT:
            return replace(waiting, answer=Answer.CLOSED, because=late)
        case Late.HOLD:
            return replace(waiting, because=f"{late}; held until one comes")
