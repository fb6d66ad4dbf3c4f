"""What a registry has attached to an image as signatures: by referrers, and by the tags of older tools and registries.

Read from the OCI distribution specification 1.1 ("Listing Referrers" and its fall-back tag), the signature manifests of
Notary Project and cosign (`policies/notation.py`, `policies/cosign.py` name their pages), and cosign's older tag
`sha256-<hex>.sig`.

ACR takes 250 listings a minute from one identity (its service tier page), so a listing is kept: for 45 s at first,
later for a tenth of the time since it was first asked for, at most 10 minutes. What hangs on a digest only grows, and
its bytes prove themselves: what was seen stands in while the registry is away.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Protocol

from delivery.errors import Refused, Retry
from policies.signatures import BUNDLE, KINDS, LARGEST, MOST, SIMPLE_SIGNING, SignatureSeen

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

NOTATION = "application/vnd.cncf.notary.signature"
PAGES = 5  # of referrers
_WANTED = (NOTATION, BUNDLE)
# Some registries tell nothing, or the type of the config instead: Azure/acr#784.
_UNTOLD = ("", "application/vnd.oci.empty.v1+json", "application/vnd.unknown.config.v1+json")
_PREDICATE, _SIGNS = "dev.sigstore.bundle.predicateType", "https://sigstore.dev/cosign/sign/v1"
_DETACHED = "dev.cosignproject.cosign/signature"
_FRESH, _STALEST, _PART = 45.0, 600.0, 10  # seconds; and the part of its age for which a listing is kept
_HELD, _EACH = 16 * 1024 * 1024, 1024  # bytes of envelopes that are remembered, and what each image counts besides


class Content(Protocol):
    """What a registry answered."""

    @property
    def body(self) -> Mapping[str, object]:
        """Its JSON, {} when that is no object."""
        ...

    @property
    def content(self) -> bytes:
        """Its bytes."""
        ...


Get = Callable[[str, str], Awaitable[Content | None]]
"""What is there as (`manifests` or `blobs`, digest or tag), None when nothing is."""

Listed = Callable[[str], Awaitable[list[Mapping[str, object]]]]
"""The pages of what refers to a digest; none where the registry does not list that."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Listing:
    """first, last: seconds, when it was asked for."""

    first: float
    last: float
    found: tuple[SignatureSeen, ...]

    def fresh(self, now: float) -> bool:
        return now - self.last < min(max((now - self.first) / _PART, _FRESH), _STALEST)


class Signatures:
    """Signatures by image. Of more than `_HELD` bytes, the image that was read longest ago is forgotten."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._listings: dict[tuple[str, str, str], _Listing] = {}

    async def of(self, image: tuple[str, str, str], get: Get, listed: Listed) -> tuple[SignatureSeen, ...]:
        """The signatures of an image: a listing, the older tag, and 2 more calls for each that is new; or no call.

        image: registry, repository and digest. listed: what refers to it.
        """
        now, known = self._clock(), self._listings.get(image)
        if known is not None and known.fresh(now):
            return known.found
        try:
            found = await _read(get, listed, image[2], known.found if known else ())
        except Retry:
            if known is None or not known.found:
                raise
            return known.found
        self._listings.pop(image, None)
        self._listings[image] = _Listing(first=known.first if known else now, last=now, found=found)
        self._forget()
        return found

    def _forget(self) -> None:
        sizes = {image: _EACH + sum(len(each.content) for each in kept.found) for image, kept in self._listings.items()}
        held = sum(sizes.values())
        for image, size in sizes.items():
            if held <= _HELD:
                break
            del self._listings[image]
            held -= size


async def _read(get: Get, listed: Listed, digest: str, known: Iterable[SignatureSeen]) -> tuple[SignatureSeen, ...]:
    tag = digest.replace(":", "-", 1)
    pages, older = await asyncio.gather(listed(digest), get("manifests", f"{tag}.sig"))
    if not pages:
        instead = await get("manifests", tag)
        pages = [instead.body] if instead else []
    before = {each.digest: each for each in known if not each.problem}
    wanted = list(dict.fromkeys(_wanted(pages)))[:MOST]
    found = [before.get(each) or await _attached(get, each) for each in wanted]
    simple = await _simple(get, older) if older else []
    return tuple([each for each in found if each] + simple)[:MOST]


def _wanted(pages: Iterable[Mapping[str, object]]) -> Iterator[str]:
    """Yield the digests of what may be a signature, what says so before what does not tell."""
    described = [each for page in pages for each in _maps(page.get("manifests"))]
    for types in (_WANTED, _UNTOLD):
        for each in described:
            if _text(each.get("artifactType")) in types and not _attests(each):
                yield _text(each.get("digest"))


def _attests(described: Mapping[str, object]) -> bool:
    """Whether a bundle says of itself that it is an attestation, which may be large and is never a signature."""
    predicate = _map(described.get("annotations")).get(_PREDICATE)
    return predicate is not None and predicate != _SIGNS


async def _attached(get: Get, digest: str) -> SignatureSeen | None:
    """The envelope of a referrer, None when that is no signature. Its type is its own word or its config's."""
    manifest = await get("manifests", digest) if digest.startswith("sha256:") else None
    if manifest is None:
        return None
    config = _text(_map(manifest.body.get("config")).get("mediaType"))
    if not {_text(manifest.body.get("artifactType")), config} & set(_WANTED) or _attests(manifest.body):
        return None
    layers = _maps(manifest.body.get("layers") or manifest.body.get("blobs"))
    kinds = [layer for layer in layers if _text(layer.get("mediaType")) in KINDS]
    return await _envelope(get, digest, kinds[0]) if len(layers) == len(kinds) == 1 else None


async def _simple(get: Get, manifest: Content) -> list[SignatureSeen]:
    """The layers of cosign's older tag, each with its signature beside it."""
    layers = [layer for layer in _maps(manifest.body.get("layers")) if _text(layer.get("mediaType")) == SIMPLE_SIGNING]
    return [await _envelope(get, _text(layer.get("digest")), layer) for layer in layers[:MOST]]


async def _envelope(get: Get, digest: str, layer: Mapping[str, object]) -> SignatureSeen:
    detached = _text(_map(layer.get("annotations")).get(_DETACHED))
    seen = SignatureSeen(digest=digest, media_type=_text(layer.get("mediaType")), detached=detached)
    blob, size = _text(layer.get("digest")), layer.get("size")
    if not isinstance(size, int) or size > LARGEST:
        return replace(seen, problem=f"its envelope has more than {LARGEST} bytes")
    try:
        found = await get("blobs", blob) if blob.startswith("sha256:") else None
    except Refused as error:
        return replace(seen, problem=f"its envelope cannot be read: {error}")
    return replace(seen, content=found.content) if found else replace(seen, problem="its envelope is gone")


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""


def _map(value: object) -> Mapping[str, object]:
    return value if isinstance(value, Mapping) else {}


def _maps(value: object) -> list[Mapping[str, object]]:
    return [v for v in value if isinstance(v, Mapping)] if isinstance(value, list) else []
