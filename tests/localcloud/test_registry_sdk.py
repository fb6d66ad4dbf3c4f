"""Azure's own client, unmodified, over https and with its own tokens: what it pushes, reads, changes and deletes."""

from __future__ import annotations

import os
import ssl
from io import BytesIO
from typing import TYPE_CHECKING, Any

import pytest
from azure.core.exceptions import HttpResponseError, ResourceNotFoundError

from localcloud import images
from localcloud.clock import Clock
from localcloud.registry import Registry
from localcloud.tls import make_ca
from tests.localcloud.monitor.monitors import Credential
from tests.localcloud.pushing import CONFIG, IMAGE, RESOURCE, digest_of
from tests.localcloud.serving import serving

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

sdk = pytest.importorskip("azure.containerregistry.aio", reason="the package azure-containerregistry is not installed")

NAME = "shop/web"
LARGE = os.urandom(5 * 1024 * 1024)  # two of the client's chunks


@pytest.fixture
async def client(tmp_path: Path, events: list[dict[str, Any]]) -> AsyncIterator[Any]:
    async def publish(event: dict[str, object]) -> None:
        events.append(event)

    ca = make_ca(tmp_path / "ca", [])
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(ca.cert_file, ca.key_file)
    one = Registry(
        folder=tmp_path / "images", clock=Clock(), name="weighbridge", resource_id=RESOURCE, publish=publish, auth=True
    )
    async with (
        serving(one.app(), tls) as endpoint,
        sdk.ContainerRegistryClient(endpoint, Credential(), connection_verify=str(ca.ca_file)) as client,
    ):
        yield client


@pytest.fixture
def events() -> list[dict[str, Any]]:
    """What the client's acts raise."""
    return []


async def push(client: Any, tag: str, *, name: str = NAME) -> str:
    """An image whose one file holds the tag."""
    image = images.build({"/version": tag.encode()}, ["/version"], architecture="arm64")
    for content in image.blobs.values():
        await client.upload_blob(name, BytesIO(content))
    digest: str = await client.set_manifest(name, BytesIO(image.manifest), tag=tag)
    assert digest == image.digest
    return digest


async def test_a_blob_of_several_chunks_goes_up_and_comes_back(client: Any) -> None:
    assert await client.upload_blob(NAME, BytesIO(LARGE)) == (digest_of(LARGE), len(LARGE))
    stream = await client.download_blob(NAME, digest_of(LARGE))
    assert b"".join([part async for part in stream]) == LARGE
    await client.delete_blob(NAME, digest_of(LARGE))
    with pytest.raises(ResourceNotFoundError):
        await client.download_blob(NAME, digest_of(LARGE))


async def test_a_manifest_is_got_by_tag_and_by_digest(client: Any) -> None:
    digest = await push(client, "1.0.0")
    for reference in ("1.0.0", digest):
        got = await client.get_manifest(NAME, reference)
        assert (got.digest, got.media_type, got.manifest["config"]["mediaType"]) == (digest, IMAGE, CONFIG)


async def test_repositories_manifests_and_tags_are_listed_page_by_page(client: Any) -> None:
    digests = [await push(client, tag) for tag in ("1.0.0", "2.0.0", "3.0.0")]
    await push(client, "1.0.0", name="shop/api")
    assert [name async for name in client.list_repository_names(results_per_page=1)] == ["shop/api", NAME]
    manifests = client.list_manifest_properties(NAME, results_per_page=2)
    assert [one.digest async for one in manifests] == sorted(digests)
    tags = client.list_tag_properties(NAME, results_per_page=2, order_by="timedesc")
    assert [(one.name, one.digest) async for one in tags] == list(
        zip(("3.0.0", "2.0.0", "1.0.0"), digests[::-1], strict=True)
    )


async def test_properties_are_told_with_size_platform_and_times(client: Any) -> None:
    digest = await push(client, "1.0.0")
    manifest = await client.get_manifest_properties(NAME, "1.0.0")
    assert (manifest.digest, manifest.architecture, manifest.operating_system) == (digest, "arm64", "linux")
    assert manifest.tags == ["1.0.0"]
    assert manifest.size_in_bytes > 0
    repository = await client.get_repository_properties(NAME)
    assert (repository.manifest_count, repository.tag_count) == (1, 1)
    tag = await client.get_tag_properties(NAME, "1.0.0")
    assert manifest.created_on <= tag.last_updated_on == repository.last_updated_on


async def test_a_property_that_is_changed_is_kept_and_heeded(client: Any) -> None:
    digest = await push(client, "1.0.0")
    assert not (await client.update_tag_properties(NAME, "1.0.0", can_write=False, can_delete=False)).can_delete
    with pytest.raises(HttpResponseError) as refused:
        await client.delete_tag(NAME, "1.0.0")
    assert refused.value.status_code == 405
    assert not (await client.update_manifest_properties(NAME, digest, can_list=False)).can_list
    assert [one async for one in client.list_manifest_properties(NAME)] == []
    assert (await client.update_repository_properties(NAME, can_delete=True)).can_delete


async def test_tags_manifests_and_repositories_are_deleted_and_what_is_gone_is_no_error(client: Any) -> None:
    for tag in ("1.0.0", "2.0.0", "3.0.0"):
        await push(client, tag)
    for _ in range(2):
        await client.delete_tag(NAME, "1.0.0")
    digest = (await client.get_tag_properties(NAME, "2.0.0")).digest
    for _ in range(2):
        await client.delete_manifest(NAME, digest)
    assert [one.name async for one in client.list_tag_properties(NAME)] == ["3.0.0"]
    for _ in range(2):
        await client.delete_repository(NAME)
    assert [name async for name in client.list_repository_names()] == []


async def test_a_deleted_repository_raises_an_event_of_this_client_for_each_manifest(
    client: Any, events: list[dict[str, Any]]
) -> None:
    digests = [await push(client, tag) for tag in ("1.0.0", "2.0.0")]
    events.clear()
    await client.delete_repository(NAME)
    assert [event["data"]["target"]["digest"] for event in events] == sorted(digests)
    assert all("azsdk-python-azure-containerregistry" in event["data"]["request"]["useragent"] for event in events)
