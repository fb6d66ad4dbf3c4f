"""Gates without a cloud: what cannot be asked here is taken for open, and says so; all others answer for real."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime

from policies.approvers import ApproversRule
from policies.evaluate import evaluate
from policies.evidence import ScanEvidence
from policies.facts import Facts, Manifest
from policies.model import Policy
from policies.pushes import PushEvidence, join_all
from policies.render import NOT_ASKED
from rollouts.findings import Answer, Finding, all_of
from rollouts.model import BEFORE_START, Approval, Image

_ASSUMED = {
    "switch": "the kill switch",
    "manifest": "what the registry holds under the digest",
    "quarantine": "whether the digest is in quarantine",
    "region": "whether the image has reached the app's region",
    "signed": "the image's signatures",
    "after": "what became of the image elsewhere",
}


def known(image: Image, pushes: Iterable[PushEvidence], scans: Iterable[ScanEvidence], offered_at: datetime) -> Facts:
    """The facts that recorded events hold; the tag names what was pushed to it last."""
    mine = join_all(push for push in pushes if (push.registry, push.repository) == (image.registry, image.repository))
    named = max((push for push in mine if push.tag == image.tag), key=lambda push: push.pushed_at, default=None)
    return Facts(
        offered_at=offered_at,
        manifest=_taken_for_an_image(image, scans),
        tag_now=named.digest if named else image.digest,
        scans=tuple(scan for scan in scans if scan.registry == image.registry),
        pushes=tuple(push for push in mine if push.digest == image.digest),
    )


def _taken_for_an_image(image: Image, scans: Iterable[ScanEvidence]) -> Manifest:
    """An index, where a scan says that its digest is in one; else a plain image."""
    children = {scan.platform: scan.digest for scan in scans if scan.index_digest == image.digest and scan.platform}
    config = "application/vnd.oci.image.config.v1+json"
    if children:
        index = "application/vnd.oci.image.index.v1+json"
        return Manifest(digest=image.digest, media_type=index, children=children, labels={})
    plain = "application/vnd.oci.image.manifest.v1+json"
    return Manifest(digest=image.digest, media_type=plain, config=config, children={}, labels={})


def with_everybodys_yes(policy: Policy, facts: Facts) -> Facts:
    """The facts as if everybody whom the row asks before the start had said yes at once."""
    needs = [rule.need for rule in policy.gates if isinstance(rule, ApproversRule)]
    given = tuple(
        Approval(by=f"person {place}", at=facts.offered_at, step=BEFORE_START, groups=(need.group,))
        for need in needs
        for place in range(need.count)
    )
    return replace(facts, approvals=given)


def judge(policy: Policy, image: Image, facts: Facts, now: datetime, *, asked: frozenset[str] = frozenset()) -> Finding:
    """What every gate says. asked: gates of those that need a cloud whose facts are known all the same."""
    whole = evaluate(policy, image, facts, now)
    return all_of(whole.gate, tuple(gate if gate.gate in asked else _assumed(gate) for gate in whole.children))


def _assumed(gate: Finding) -> Finding:
    what = _ASSUMED.get(gate.gate)
    if what is None:
        return gate
    return Finding(gate=gate.gate, answer=Answer.OPEN, because=f"{NOT_ASKED}: {what}")


def assumptions(finding: Finding) -> list[str]:
    """The gates that were taken for open."""
    return [gate.gate for gate in finding.children if gate.because.startswith(NOT_ASKED)]
