"""A good row and the facts of an open image, to be spoiled one thing at a time."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from policies.errors import PolicyError
from policies.evidence import ScanEvidence, Severities
from policies.facts import Facts, Manifest
from policies.parse import parse
from policies.pushes import PushEvidence
from policies.tags import Pushed
from rollouts.model import Image

if TYPE_CHECKING:
    from collections.abc import Mapping

    from policies.model import Policy

REGISTRY = "contoso.azurecr.io"
WEB = "contoso.azurecr.io|shop|web"
NOON = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
DIGEST = "sha256:" + "a" * 64
OTHER_DIGEST = "sha256:" + "b" * 64
CHILD = "sha256:" + "c" * 64
OCI = "application/vnd.oci.image.manifest.v1+json"
OCI_CONFIG = "application/vnd.oci.image.config.v1+json"
OCI_INDEX = "application/vnd.oci.image.index.v1+json"
CLEAN = Severities(critical=0, high=0, medium=0, low=0, negligible=0, unknown=0)
IMAGE = Image(registry=REGISTRY, repository="shop/web", tag="1.4.3", digest=DIGEST)
MANIFEST = Manifest(digest=DIGEST, media_type=OCI, config=OCI_CONFIG, children={}, labels={})
INDEX = Manifest(digest=DIGEST, media_type=OCI_INDEX, children={"linux/amd64": CHILD}, labels={})


def row(
    cells: Mapping[str, object] | None = None,
    *,
    partition: str = WEB,
    key: str = "production",
    defaults: Mapping[str, object] | None = None,
) -> Policy:
    """The policy of a row with App and these cells."""
    return parse(partition, key, {"App": "rg-shop/ca-web", **(cells or {})}, defaults)


def problems(
    cells: Mapping[str, object],
    *,
    partition: str = WEB,
    key: str = "production",
    defaults: Mapping[str, object] | None = None,
) -> list[str]:
    """What is said of a row; [] when it is good."""
    try:
        parse(partition, key, {"App": "rg-shop/ca-web", **cells}, defaults)
    except PolicyError as error:
        return [str(problem) for problem in error.problems]
    return []


def facts(**changes: object) -> Facts:
    """Facts under which IMAGE ships by the row `row()`."""
    good = Facts(
        offered_at=NOON,
        manifest=MANIFEST,
        tag_now=DIGEST,
        running=Pushed(tag="1.4.2", digest=OTHER_DIGEST, pushed_at=NOON - timedelta(days=1)),
        pushes=(PushEvidence(registry=REGISTRY, repository="shop/web", tag="1.4.3", digest=DIGEST, pushed_at=NOON),),
    )
    return replace(good, **changes)  # type: ignore[arg-type]  # each test names real fields


def scan(**changes: object) -> ScanEvidence:
    """A clean scan by trivy of IMAGE."""
    good = ScanEvidence(
        registry=REGISTRY,
        repository="shop/web",
        digest=DIGEST,
        scanner="trivy",
        status="completed",
        completed_at=NOON,
        counts=CLEAN,
    )
    return replace(good, **changes)  # type: ignore[arg-type]  # each test names real fields


def nested(depth: int) -> list[object]:
    """A list in a list in a list: what JSON could just be read from, and cannot be written as again."""
    deep: list[object] = []
    for _ in range(depth):
        deep = [deep]
    return deep
