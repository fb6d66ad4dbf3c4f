"""What is known about an image when a policy is asked: facts in, never asked for here."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from policies.evidence import ScanEvidence
from policies.model import Policy
from policies.pushes import PushEvidence
from policies.signatures import SignatureSeen
from policies.tags import Pushed
from rollouts.model import Approval, Lane, Pin
from rollouts.seen import Unknown

# Container Apps runs linux/amd64 only: learn.microsoft.com/azure/container-apps/containers, "Limitations".
PLATFORM = "linux/amd64"


@dataclass(frozen=True, slots=True, kw_only=True)
class Manifest:
    """What the registry holds under a digest. size: its bytes.

    config: config media type. artifact: artifactType or "". platforms: "os/arch" of an index's children that
    are images, () for a plain manifest (whose own platform the registry does not tell).
    children: digest per platform. labels: those named org.opencontainers.image.…, of the manifest and of the image.
    """

    digest: str
    media_type: str
    size: int = 0
    config: str = ""
    artifact: str = ""
    subject: bool = False
    children: Mapping[str, str]
    labels: Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class TagSeen:
    """A tag as the registry lists it. updated: when it last moved, None where the registry does not tell."""

    name: str
    digest: str
    updated: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Elsewhere:
    """What another policy's app did with this digest. promoted_at: the last time; None: never, as far as it remembers.

    revoked: what happened to it there since, "" when nothing did.
    """

    promoted_at: datetime | None = None
    revoked: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """Everything that is known of one image and its app when its gates are asked.

    offered_at: when the image was first put forward; waits are counted from it.
    manifest: None: the digest is gone from the registry.
    tag_now: the digest the image's tag names now; None: there is no such tag (any more).
    running: the image of the container now, its tag as recorded or as its reference says; None: nothing is known.
    scans: of the digest and of its children. quarantined: why the digest is, "" when it is not.
    siblings: the other good rows that name the same container of the same app. lanes: the app's, oldest first.
    images: container name to image reference of the app's template; None: not asked, and that gate is left out.
    location: the app's region as in `westeurope`, "" when it is not known. regions: those the registry was ever heard
    from; not asked where the image itself was heard from the app's.
    stopped: why nothing may start or rise anywhere, "" when it may. pin: what a person keeps the app at.
    approvals, asked_at: people's answers so far, and since when they are asked. elsewhere: by policy name, what became
    of the image there; a name that is missing is no policy of this repository.
    signatures: attached to the digest; asked for only where a Signed cell asks for them. keys: rows `names | key | …`
    by name, without those that are missing.
    """

    offered_at: datetime
    manifest: Manifest | Unknown | None
    tag_now: str | Unknown | None = None
    running: Pushed | Unknown | None = None
    scans: tuple[ScanEvidence, ...] | Unknown = ()
    pushes: tuple[PushEvidence, ...] = ()
    quarantined: str = ""
    siblings: tuple[Policy, ...] = ()
    lanes: tuple[Lane, ...] = ()
    images: Mapping[str, str] | Unknown | None = None
    location: str = ""
    regions: frozenset[str] | Unknown = frozenset()
    stopped: str | Unknown = ""
    pin: Pin | None = None
    approvals: tuple[Approval, ...] = ()
    asked_at: datetime | None = None
    elsewhere: Mapping[str, Elsewhere | Unknown] = field(default_factory=dict)
    signatures: tuple[SignatureSeen, ...] | Unknown = ()
    keys: Mapping[str, Mapping[str, object] | Unknown] = field(default_factory=dict)

    @property
    def child(self) -> str:
        """The digest that runs, of an index with an image for Container Apps; "" for anything else."""
        return self.manifest.children.get(PLATFORM, "") if isinstance(self.manifest, Manifest) else ""
