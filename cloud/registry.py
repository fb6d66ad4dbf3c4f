"""A container registry over the OCI distribution API, and ACR's own listings of repositories and tags."""

from __future__ import annotations

import asyncio
import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import partial
from http import HTTPStatus
from typing import TYPE_CHECKING
from urllib.parse import quote, urlsplit

from cloud import registry_labels, registry_signatures
from cloud.http import asking, of_answer, parsed
from cloud.registry_auth import RegistryAuth, Wanted, base, is_acr
from cloud.session import content, open_session
from delivery.errors import Refused, Retry
from policies.facts import Manifest, TagSeen

if TYPE_CHECKING:
    from collections.abc import Iterator

    from aiohttp import ClientSession

    from cloud.tokens import Credential
    from delivery.settings import Settings
    from policies.signatures import SignatureSeen

_WITHIN = 10.0  # seconds for one call, its tokens included
_LARGEST = 4 * 1024 * 1024  # bytes: the distribution specification's own limit for a manifest
_PAGES = 100
_PAGE = 100  # repositories
_ELSEWHERE = (HTTPStatus.MOVED_PERMANENTLY, HTTPStatus.FOUND, HTTPStatus.SEE_OTHER, HTTPStatus.TEMPORARY_REDIRECT)
_NEXT = re.compile(r'<(?P<address>[^>]+)>;\s*rel="?next')
_TYPES = (
    "application/vnd.oci.image.manifest.v1+json",
    "application/vnd.oci.image.index.v1+json",
    "application/vnd.docker.distribution.manifest.v2+json",
    "application/vnd.docker.distribution.manifest.list.v2+json",
    "application/vnd.oci.artifact.manifest.v1+json",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Answer:
    status: int
    headers: Mapping[str, str]
    content: bytes

    @property
    def body(self) -> Mapping[str, object]:
        found = parsed(self.content)
        return found if isinstance(found, Mapping) else {}


class ContainerRegistry:
    """`delivery.ports.Registry`. 1 call each once a token is held (tags: 1 per page); 3 more for the first token.

    credential None: only what a registry shows to anybody.
    """

    def __init__(self, settings: Settings, credential: Credential | None) -> None:
        self._settings = settings
        self._auth = RegistryAuth(settings, credential)
        self._labels = registry_labels.Labels()
        self._signatures = registry_signatures.Signatures()
        self._session: ClientSession | None = None

    async def manifest(self, registry: str, repository: str, reference: str) -> Manifest | None:
        """1 GET, and up to 3 more the first time for its labels. What answers to a digest is hashed.

        labels: the manifest's annotations and the image's labels; the latter missing when they cannot be read.
        """
        wanted = Wanted(registry=registry, repository=repository)
        answer = await self._content(wanted, "manifests", reference)
        if answer is None:
            return None
        counted = _hashed(answer.content)
        found = _manifest(answer, counted)
        labels = await self._labels.of(found, counted, answer.body, partial(self._content, wanted))
        return replace(found, labels={**found.labels, **labels})

    async def _content(self, wanted: Wanted, kind: str, reference: str) -> _Answer | None:
        """1 GET, of a blob 2. A registry cannot pass off something else under a digest."""
        path = f"/v2/{quote(wanted.repository)}/{kind}/{quote(reference, safe=':')}"
        answer = await self._ask("GET", wanted, path)
        if answer is not None and answer.status in _ELSEWHERE:
            answer = await self._fetched(wanted, answer.headers.get("Location", ""))
        if answer is not None and reference.startswith("sha256:") and reference != _hashed(answer.content):
            where = f"registry: {wanted.registry}/{wanted.repository}@{reference}"
            raise Retry(f"{where}: expected this content, found {_hashed(answer.content)}")
        return answer

    async def _fetched(self, wanted: Wanted, address: str) -> _Answer:
        """A blob from where ACR keeps it: the address is signed, and our token is none of that host's business."""
        where = f"registry: {wanted.registry}/{wanted.repository}: blob"
        if not address.startswith("https://"):
            raise Refused(f"{where}: expected an https:// address, found another")
        with asking(where):
            async with self._opened().get(address, allow_redirects=False) as answer:
                body = await content(answer, registry_labels.LARGEST)
        if answer.status != HTTPStatus.OK:
            raise of_answer(where, answer.status, answer.headers, None, wrote=False)
        return _Answer(status=answer.status, headers=answer.headers, content=body)

    async def digest(self, registry: str, repository: str, tag: str) -> str | None:
        """1 HEAD."""
        path = f"/v2/{quote(repository)}/manifests/{quote(tag)}"
        answer = await self._ask("HEAD", Wanted(registry=registry, repository=repository), path)
        if answer is None:
            return None
        found = answer.headers.get("Docker-Content-Digest", "")
        if not found:
            raise Refused(f"registry: {registry}/{repository}:{tag}: expected Docker-Content-Digest, found none")
        return found

    async def tags(self, registry: str, repository: str) -> list[TagSeen]:
        """1 GET a page. Only ACR tells digests and times; of another registry they are "" and None.

        ACR lists the newest first, 100 a page: of more than 10 000 these are the newest. A longer list without such
        an order is refused.
        """
        if is_acr(registry):
            wanted = Wanted(registry=registry, repository=repository, listing=True)
            path = f"/acr/v1/{quote(repository)}/_tags?n=100&orderby=timedesc"
            pages = await self._pages(wanted, path, ordered=True)
            if pages:
                return [_acr_tag(tag) for page in pages for tag in _maps(page.get("tags"))]
        wanted = Wanted(registry=registry, repository=repository)
        pages = await self._pages(wanted, f"/v2/{quote(repository)}/tags/list?n=1000", ordered=False)
        names = (name for page in pages for name in _list(page.get("tags")))
        return [TagSeen(name=name, digest="", updated=None) for name in names if isinstance(name, str)]

    async def repositories(self, registry: str, most: int) -> list[str]:
        """1 GET a page of 100, by name. Needs more than to pull: ACR asks for `registry:catalog:*`.

        AcrPull has that where the registry knows roles for the whole registry only; where roles may be given for
        single repositories it takes Container Registry Repository Catalog Lister beside the reader's role
        (learn.microsoft.com/azure/container-registry/container-registry-rbac-built-in-roles-directory-reference).
        """
        wanted = Wanted(registry=registry, repository="", listing=True)
        path = f"{'/acr/v1' if is_acr(registry) else '/v2'}/_catalog?n={_PAGE}"
        found: list[str] = []
        for _ in range(_PAGES):
            if not path or len(found) >= most:
                break
            answer = await self._ask("GET", wanted, path)
            if answer is None:
                raise Refused(f"registry: {registry}: expected a list of its repositories, found none", status=404)
            found += [name for name in _list(answer.body.get("repositories")) if isinstance(name, str)]
            following = self._next(registry, answer.headers.get("Link", ""))
            path = following if following != path else ""
        return found[:most]

    async def signatures(self, registry: str, repository: str, digest: str) -> tuple[SignatureSeen, ...]:
        """No call while they are known freshly; else a listing, a tag, and 2 GETs for each that is new."""
        wanted = Wanted(registry=registry, repository=repository)
        image = (registry, repository, digest)
        return await self._signatures.of(image, partial(self._content, wanted), partial(self._referrers, wanted))

    async def _referrers(self, wanted: Wanted, digest: str) -> list[Mapping[str, object]]:
        """1 GET a page. A registry may ask for other rights to list than to pull, so it has a token of its own."""
        path = f"/v2/{quote(wanted.repository)}/referrers/{quote(digest, safe=':')}"
        return await self._pages(replace(wanted, listing=True), path, ordered=True, most=registry_signatures.PAGES)

    async def close(self) -> None:
        """Close the connections."""
        if self._session is not None:
            await self._session.close()

    async def _pages(self, wanted: Wanted, path: str, *, ordered: bool, most: int = 0) -> list[Mapping[str, object]]:
        """Follow the `next` links. Empty: there is no such repository, or no such listing. most: pages, 0: `_PAGES`."""
        most = most or _PAGES
        pages: list[Mapping[str, object]] = []
        while path and len(pages) < most:
            answer = await self._ask("GET", wanted, path)
            if answer is None:
                break
            pages.append(answer.body)
            path = self._next(wanted.registry, answer.headers.get("Link", ""))
        else:
            if path and not ordered:
                named = f"{wanted.registry}/{wanted.repository}"
                raise Refused(f"registry: {named}: expected its tags on {most} pages, found more")
        return pages

    def _next(self, registry: str, link: str) -> str:
        """The path of the next page, "" at the end. Its token must not follow it to another host."""
        found = _NEXT.search(link)
        if found is None:
            return ""
        parts = urlsplit(found["address"])
        if parts.netloc and parts.netloc != urlsplit(base(self._settings, registry)).netloc:
            raise Refused(f"registry: {registry}: expected the next page on the same host, found {parts.netloc!r}")
        return f"{parts.path}?{parts.query}"

    async def _ask(self, method: str, wanted: Wanted, path: str) -> _Answer | None:
        """Ask, and once more with a fresh token when the registry wants one. None: 404."""
        where = f"registry: {wanted.registry}/{wanted.repository}: {method}"
        with asking(where):
            async with asyncio.timeout(_WITHIN):
                answer = await self._once(method, wanted, path)
                if answer.status == HTTPStatus.UNAUTHORIZED:
                    await self._auth.obtain(self._opened(), wanted, answer.headers.get("WWW-Authenticate", ""))
                    answer = await self._once(method, wanted, path)
        if answer.status == HTTPStatus.NOT_FOUND:
            return None
        if answer.status != HTTPStatus.OK and not (answer.status in _ELSEWHERE and "/blobs/" in path):
            raise of_answer(where, answer.status, answer.headers, parsed(answer.content), wrote=False)
        return answer

    async def _once(self, method: str, wanted: Wanted, path: str) -> _Answer:
        headers = {
            "Accept": ", ".join(_TYPES) if "/manifests/" in path or "/referrers/" in path else "application/json",
            **self._auth.held(wanted),
        }
        url = base(self._settings, wanted.registry) + path
        async with self._opened().request(method, url, headers=headers, allow_redirects=False) as answer:
            body = await content(answer, registry_labels.LARGEST if "/blobs/" in path else _LARGEST)
        return _Answer(status=answer.status, headers=answer.headers, content=body)

    def _opened(self) -> ClientSession:
        if self._session is None:
            self._session = open_session(self._settings.ca_file)
        return self._session


def _hashed(found: bytes) -> str:
    return f"sha256:{hashlib.sha256(found).hexdigest()}"


def _manifest(answer: _Answer, counted: str) -> Manifest:
    body = answer.body
    return Manifest(
        digest=answer.headers.get("Docker-Content-Digest") or counted,
        size=len(answer.content),
        media_type=_text(body.get("mediaType")) or answer.headers.get("Content-Type", "").partition(";")[0].strip(),
        config=_text(_map(body.get("config")).get("mediaType")),
        artifact=_text(body.get("artifactType")),
        subject=bool(body.get("subject")),
        children=dict(_children(body)),
        labels=registry_labels.fitting(body.get("annotations")),
    )


def _children(index: Mapping[str, object]) -> Iterator[tuple[str, str]]:
    """Yield ("os/arch", digest) of an index's images; of several variants the first named wins.

    Attestations are listed beside the images as `unknown/unknown` and are skipped.
    """
    named: set[str] = set()
    for child in _maps(index.get("manifests")):
        platform = _map(child.get("platform"))
        name = f"{_text(platform.get('os'))}/{_text(platform.get('architecture'))}"
        if name not in {"/", "unknown/unknown"} | named:
            named.add(name)
            yield name, _text(child.get("digest"))


def _acr_tag(tag: Mapping[str, object]) -> TagSeen:
    try:
        updated = datetime.fromisoformat(_text(tag.get("lastUpdateTime")))
    except ValueError:
        updated = None
    if updated is not None and updated.tzinfo is None:
        updated = updated.replace(tzinfo=UTC)
    return TagSeen(name=_text(tag.get("name")), digest=_text(tag.get("digest")), updated=updated)


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""


def _map(value: object) -> Mapping[str, object]:
    return value if isinstance(value, Mapping) else {}


def _list(value: object) -> list[object]:
    return value if isinstance(value, list) else []


def _maps(value: object) -> list[Mapping[str, object]]:
    return [v for v in _list(value) if isinstance(v, Mapping)]
