"""An image as a person names it: `contoso.azurecr.io/shop/web:1.4.3`, or with its digest behind `@`."""

from __future__ import annotations

import re

from delivery.errors import Malformed
from policies.containers import split_reference
from policies.evidence import DIGEST, REPOSITORY
from policies.tags import TAG
from rollouts.model import Image

MOST_TEXT = 600  # characters of a reference
_REGISTRY = re.compile(r"[a-z0-9][a-z0-9.-]{0,252}(?::[0-9]{1,5})?", re.ASCII)
EXPECTED = "an image as in contoso.azurecr.io/shop/web:1.4.3, or with its digest behind @"


def read(reference: str) -> Image:
    """The image, its tag or its digest "" where the reference names only the other; raises `Malformed`."""
    named, tag, digest = split_reference(reference.strip()[:MOST_TEXT])
    registry, _, repository = named.partition("/")
    sound = _REGISTRY.fullmatch(registry) and REPOSITORY.fullmatch(repository) and (tag or digest)
    if not sound or (tag and TAG.fullmatch(tag) is None) or (digest and DIGEST.fullmatch(digest) is None):
        raise Malformed(f"image: expected {EXPECTED}, found {reference[:160]!r}")
    return Image(registry=registry, repository=repository, tag=tag, digest=digest)
