"""Every way to push a blob, by each algorithm; and parts of one.

What the newer form of the specification's conformance suite checks of blobs (`conformance/run.go` and `api.go` in
opencontainers/distribution-spec), in words and code of our own; this is not the suite itself.
"""

from __future__ import annotations

import asyncio
import hashlib
from typing import TYPE_CHECKING

import pytest

from tests.localcloud.pushing import Local, code, registry

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
    from pathlib import Path

    Answer = tuple[int, Mapping[str, str], bytes]
    Way = Callable[[Local, bytes, str], Awaitable[Answer]]

NAME, OTHER = "conformance/blobs", "conformance/mount"
PART = 1024
CONTENT = bytes(number % 251 for number in range(3 * PART - 5))


@pytest.fixture
async def local(tmp_path: Path) -> AsyncIterator[Local]:
    async with registry(tmp_path) as one:
        yield one


@pytest.fixture(params=["sha256", "sha512"])
def algorithm(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def digest_of(content: bytes, algorithm: str) -> str:
    return f"{algorithm}:{hashlib.new(algorithm, content).hexdigest()}"


async def begun(local: Local) -> str:
    status, headers, _ = await local.ask("POST", f"/v2/{NAME}/blobs/uploads/")
    assert status == 202
    return headers["Location"]


async def sent(local: Local, method: str, place: str, content: bytes, start: int, digest: str = "") -> Answer:
    """A chunk that begins at `start`; with a digest it is the last."""
    headers = {"Content-Range": f"{start}-{start + len(content) - 1}", "Content-Type": "application/octet-stream"}
    return await local.ask(method, place, data=content, headers=headers, params={"digest": digest} if digest else {})


async def at_once(local: Local, content: bytes, digest: str) -> Answer:
    return await local.ask("POST", f"/v2/{NAME}/blobs/uploads/", params={"digest": digest}, data=content)


async def begun_then_put(local: Local, content: bytes, digest: str) -> Answer:
    return await local.ask("PUT", await begun(local), params={"digest": digest}, data=content)


async def streamed(local: Local, content: bytes, digest: str) -> Answer:
    async def stream() -> AsyncIterator[bytes]:
        yield content

    status, headers, _ = await local.ask("PATCH", await begun(local), data=stream())
    assert status == 202
    return await local.ask("PUT", headers["Location"], params={"digest": digest})


async def in_chunks(
    local: Local, content: bytes, digest: str, *, last_by_put: bool = False, lost: bool = False
) -> Answer:
    """lost: before each chunk one comes that does not fit; it is refused, and the place is asked for again."""
    place, starts = await begun(local), range(0, len(content), PART)
    for start in starts:
        if lost:
            wrong = start + PART if start + PART < len(content) else 0
            assert (await sent(local, "PATCH", place, content[wrong : wrong + PART], wrong))[0] == 416
            status, headers, _ = await local.ask("GET", place)
            assert (status, headers["Range"]) == (204, f"0-{max(start - 1, 0)}")
            place = headers["Location"]
        if last_by_put and start == starts[-1]:
            return await sent(local, "PUT", place, content[start:], start, digest)
        status, headers, _ = await sent(local, "PATCH", place, content[start : start + PART], start)
        assert status == 202
        place = headers["Location"]
    return await local.ask("PUT", place, params={"digest": digest})


async def last_by_put(local: Local, content: bytes, digest: str) -> Answer:
    return await in_chunks(local, content, digest, last_by_put=True)


async def in_chunks_with_wrong_ones(local: Local, content: bytes, digest: str) -> Answer:
    return await in_chunks(local, content, digest, lost=True)


async def last_by_put_with_wrong_ones(local: Local, content: bytes, digest: str) -> Answer:
    return await in_chunks(local, content, digest, last_by_put=True, lost=True)


WAYS = (
    at_once,
    begun_then_put,
    streamed,
    in_chunks,
    last_by_put,
    in_chunks_with_wrong_ones,
    last_by_put_with_wrong_ones,
)
by_each_way = pytest.mark.parametrize("way", WAYS, ids=[way.__name__ for way in WAYS])


@by_each_way
async def test_a_blob_is_taken_had_got_and_deleted(local: Local, way: Way, algorithm: str) -> None:
    digest = digest_of(CONTENT, algorithm)
    status, headers, _ = await way(local, CONTENT, digest)
    assert (status, headers["Docker-Content-Digest"]) == (201, digest)
    assert (await local.ask("GET", headers["Location"]))[2] == CONTENT
    path = f"/v2/{NAME}/blobs/{digest}"
    for method, body in (("HEAD", b""), ("GET", CONTENT)):
        status, headers, said = await local.ask(method, path)
        assert (status, said, headers["Content-Length"]) == (200, body, str(len(CONTENT)))
        assert headers["Docker-Content-Digest"] == digest
    assert (await local.ask("DELETE", path))[0] == 202
    assert (await local.ask("HEAD", path))[0] == 404


@by_each_way
async def test_a_blob_that_is_not_what_its_digest_says_is_refused_and_not_there(
    local: Local, way: Way, algorithm: str
) -> None:
    digest = digest_of(CONTENT, algorithm)
    status, _, said = await way(local, CONTENT + b"oh no", digest)
    assert (status, code(said)) == (400, "DIGEST_INVALID")
    assert (await local.ask("HEAD", f"/v2/{NAME}/blobs/{digest}"))[0] == 404


@pytest.mark.parametrize("content", [b"", b"{}"], ids=["empty", "empty JSON"])
@pytest.mark.parametrize("way", [at_once, begun_then_put, streamed])
async def test_the_least_blobs_are_blobs(local: Local, way: Way, content: bytes, algorithm: str) -> None:
    digest = digest_of(content, algorithm)
    assert (await way(local, content, digest))[0] == 201
    for method in ("HEAD", "GET"):
        status, headers, said = await local.ask(method, f"/v2/{NAME}/blobs/{digest}")
        assert (status, headers["Content-Length"]) == (200, str(len(content)))
        assert said == (content if method == "GET" else b"")


@pytest.mark.parametrize(
    ("wanted", "first", "last"),
    [("500-1499", 500, 1499), ("500-", 500, 3066), ("-500", 2567, 3066), ("2000-5000", 2000, 3066), ("0-0", 0, 0)],
)
async def test_a_part_of_a_blob_is_got(local: Local, wanted: str, first: int, last: int, algorithm: str) -> None:
    digest = digest_of(CONTENT, algorithm)
    await at_once(local, CONTENT, digest)
    path, asked = f"/v2/{NAME}/blobs/{digest}", {"Range": f"bytes={wanted}"}
    status, headers, said = await local.ask("GET", path, headers=asked)
    assert (status, said) == (206, CONTENT[first : last + 1])
    assert headers["Content-Range"] == f"bytes {first}-{last}/{len(CONTENT)}"
    assert headers["Content-Length"] == str(last - first + 1)


@pytest.mark.parametrize("wanted", ["500-0", "5000-10000"])
async def test_a_part_that_a_blob_does_not_have_is_refused(local: Local, wanted: str, algorithm: str) -> None:
    digest = digest_of(CONTENT, algorithm)
    await at_once(local, CONTENT, digest)
    path = f"/v2/{NAME}/blobs/{digest}"
    assert (await local.ask("GET", path, headers={"Range": f"bytes={wanted}"}))[0] == 416


async def test_a_blob_is_mounted_from_where_it_is(local: Local, algorithm: str) -> None:
    digest = digest_of(CONTENT, algorithm)
    await at_once(local, CONTENT, digest)
    asked = {"mount": digest, "from": NAME}
    status, headers, _ = await local.ask("POST", f"/v2/{OTHER}/blobs/uploads/", params=asked)
    assert (status, headers["Docker-Content-Digest"]) == (201, digest)
    assert (await local.ask("GET", headers["Location"]))[2] == CONTENT


@pytest.mark.parametrize("source", [{"from": OTHER}, {}], ids=["missing", "anywhere"])
async def test_a_mount_that_does_not_happen_is_an_upload(local: Local, source: dict[str, str], algorithm: str) -> None:
    digest = digest_of(CONTENT, algorithm)
    status, headers, _ = await local.ask("POST", f"/v2/{NAME}/blobs/uploads/", params={"mount": digest, **source})
    assert status == 202
    assert (await local.ask("PUT", headers["Location"], params={"digest": digest}, data=CONTENT))[0] == 201
    assert (await local.ask("GET", f"/v2/{NAME}/blobs/{digest}"))[2] == CONTENT


async def test_uploads_at_the_same_time_do_not_mix(local: Local, algorithm: str) -> None:
    """Of one content and of others, chunk beside chunk."""
    contents = [CONTENT] * 4 + [bytes([number]) * (2 * PART + number) for number in range(4)]
    digests = [digest_of(content, algorithm) for content in contents]
    pushed = [in_chunks(local, content, digest) for content, digest in zip(contents, digests, strict=True)]
    assert [status for status, _, _ in await asyncio.gather(*pushed)] == [201] * len(contents)
    for content, digest in zip(contents, digests, strict=True):
        assert (await local.ask("GET", f"/v2/{NAME}/blobs/{digest}"))[2] == content


async def test_an_upload_that_is_cancelled_takes_nothing_more(local: Local, algorithm: str) -> None:
    place = await begun(local)
    assert (await local.ask("DELETE", place))[0] == 204
    status, _, said = await local.ask("PUT", place, params={"digest": digest_of(CONTENT, algorithm)}, data=CONTENT)
    assert (status, code(said)) == (404, "BLOB_UPLOAD_UNKNOWN")
