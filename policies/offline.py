"""The facts of an image as far as files tell them, and what must be taken on trust where nobody can be asked."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime

from policies.after import AfterRule
from policies.facts import Elsewhere, Facts, Manifest
from policies.heard import Heard
from policies.model import Policy
from policies.tags import Pushed
from rollouts.model import Image, Phase
from rollouts.seen import Unknown

NOT_TOLD = "nobody can be asked offline; give the messages of its rollouts as evidence"
_OCI = "application/vnd.oci.image.manifest.v1+json"
_OCI_CONFIG = "application/vnd.oci.image.config.v1+json"
_TAKEN = {
    "manifest": "taken to be an image that Container Apps can run",
    "switch": "nothing is taken to be stopped",
    "quarantine": "the digest is taken to be in none",
    "signed": "taken to be signed by all whom the row names",
}
_ENDS_BADLY = (Phase.ROLLED_BACK, Phase.ABORTED)


@dataclass(frozen=True, slots=True, kw_only=True)
class Offline:
    """Facts, and for each gate that nobody could be asked about, what it is taken to say."""

    facts: Facts
    not_asked: Mapping[str, str]


def an_image(digest: str) -> Manifest:
    """A manifest of an image, for a digest of which only the event is known."""
    return Manifest(digest=digest, media_type=_OCI, config=_OCI_CONFIG, children={}, labels={})


def same_container(policy: Policy, rows: Collection[Policy], image: Image) -> tuple[Policy, ...]:
    """The other rows that name the same container of the same app."""
    app = policy.app.app_key("", image.repository)
    return tuple(
        row
        for row in rows
        if row.key != policy.key
        and row.covers(image.registry, image.repository)
        and row.app.app_key("", image.repository) == app
        and row.container == policy.container
    )


def row_named(rows: Collection[Policy], name: str, image: Image) -> Policy | None:
    """The row of this name about the image: the repository's own before a pattern's."""
    there = [row for row in rows if row.name == name and row.covers(image.registry, image.repository)]
    return min(there, key=lambda row: row.key.partition("/")[0].endswith("|*"), default=None)


def before(policy: Policy) -> list[str]:
    """The names of the rows its After asks for."""
    rules = (rule for rule in policy.gates if isinstance(rule, AfterRule))
    return list(dict.fromkeys(name for rule in rules for name, _ in rule.before))


def known(
    policy: Policy, image: Image, rows: Collection[Policy], heard: Heard, offered_at: datetime, running: Pushed | None
) -> Offline:
    """What files tell of an image. rows: every good one. running: as the person says, None: as the evidence does."""
    rivals = same_container(policy, rows, image)
    runs = running or _running(policy, rivals, image, heard)
    held = _held(policy, rivals, image, heard)
    taken = dict(_TAKEN)
    if held:
        del taken["quarantine"]
    if runs is None:
        taken["upgrade"] = "nothing is known of what runs now; --running TAG tells"
    facts = Facts(
        offered_at=offered_at,
        manifest=an_image(image.digest),
        tag_now=heard.tag_now(image),
        running=runs,
        scans=heard.scans(image),
        pushes=heard.pushes(image),
        quarantined=held,
        siblings=rivals,
        elsewhere={name: there for name in before(policy) if (there := _there(rows, name, image, heard)) is not None},
    )
    return Offline(facts=facts, not_asked=taken)


def _running(policy: Policy, rivals: tuple[Policy, ...], image: Image, heard: Heard) -> Pushed | None:
    """What was last promoted there, as far as the evidence tells."""
    ends = [end for row in (policy, *rivals) if (end := heard.promoted(image, row.name))]
    last = max(ends, key=lambda end: end.at, default=None)
    if last is None:
        return None
    ran = Image(registry=last.registry, repository=last.repository, tag=last.tag, digest=last.digest)
    pushed = [push.pushed_at for push in heard.pushes(ran) if push.tag == last.tag]
    return Pushed(tag=last.tag, digest=last.digest, pushed_at=max(pushed, default=None))


def _held(policy: Policy, rivals: tuple[Policy, ...], image: Image, heard: Heard) -> str:
    """Why the digest is in the app's quarantine, going by the verdicts."""
    ends = [end for row in (policy, *rivals) if (end := heard.last_verdict(image, row.name))]
    last = max(ends, key=lambda end: end.at, default=None)
    if last is None or last.outcome not in _ENDS_BADLY:
        return ""
    said = last.outcome.value.replace("_", " ")
    return f"in quarantine: {said} at {last.at:%Y-%m-%d %H:%M} UTC{f', {last.because}' if last.because else ''}"


def _there(rows: Collection[Policy], name: str, image: Image, heard: Heard) -> Elsewhere | Unknown | None:
    """What became of the digest under another row; None: there is no such row."""
    if row_named(rows, name, image) is None:
        return None
    last = heard.last_verdict(image, name)
    if last is None:
        return Unknown(because=NOT_TOLD)
    promoted = [
        end.at for end in heard.verdicts(image, name) if end.digest == image.digest and end.outcome is Phase.PROMOTED
    ]
    undone = bool(promoted) and last.outcome in _ENDS_BADLY
    said = f"{last.outcome.value.replace('_', ' ')} at {last.at:%Y-%m-%d %H:%M} UTC" if undone else ""
    return Elsewhere(promoted_at=max(promoted, default=None), revoked=said)
