"""Each way that azure-eventgrid signs in opens a topic, and only the right one."""

from __future__ import annotations

import re
import time
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any
from urllib.parse import quote_plus

import aiohttp
import jwt
import pytest
from azure.core.credentials import AzureKeyCredential, AzureSasCredential
from azure.core.exceptions import ClientAuthenticationError, HttpResponseError
from azure.eventgrid import EventGridEvent, generate_sas
from azure.eventgrid.aio import EventGridPublisherClient

from localcloud import identity
from tests.localcloud.test_eventgrid import Local, local_grid

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

AUDIENCE = "https://eventgrid.azure.net"


@pytest.fixture
async def local() -> AsyncIterator[Local]:
    """With two topics, each with keys of its own."""
    async with local_grid(key="") as one:
        one.grid.topic("scans")
        one.grid.topic("other")
        yield one


def at(local: Local, topic: str = "scans") -> str:
    return f"{local.base}/topics/{topic}/api/events"


async def publish(endpoint: str, credential: Any) -> None:
    event = EventGridEvent(subject="s", event_type="t", data={}, data_version="1.0")
    async with EventGridPublisherClient(endpoint, credential) as client:
        await client.send(event)


def sas(local: Local, endpoint: str, key: str, *, seconds: float = 60) -> AzureSasCredential:
    return AzureSasCredential(generate_sas(endpoint, key, local.clock.now() + timedelta(seconds=seconds)))


async def answered(local: Local, **headers: str) -> tuple[int, Any]:
    async with (
        aiohttp.ClientSession() as session,
        session.post(f"{at(local)}?api-version=2018-01-01", json=[], headers=headers) as answer,
    ):
        return answer.status, await answer.json() if answer.content_length else None


@pytest.mark.parametrize("name", ["key1", "key2"])
async def test_either_key_of_a_topic_opens_it(local: Local, name: str) -> None:
    key = getattr(local.grid.keys_of("scans"), name)
    await publish(at(local), AzureKeyCredential(key))
    assert (await answered(local, **{"aeg-sas-key": key}))[0] == 200


async def test_the_key_of_another_topic_or_one_that_was_changed_is_refused(local: Local) -> None:
    keys = local.grid.keys_of("scans")
    old, keys.key1 = keys.key1, "bmV3"
    for key in (local.grid.keys_of("other").key1, old, "no"):
        with pytest.raises(ClientAuthenticationError, match=r"\(Unauthorized\).*expected a key of this topic"):
            await publish(at(local), AzureKeyCredential(key))


async def test_a_key_may_stand_in_the_query(local: Local) -> None:
    url = f"{at(local)}?api-version=2018-01-01&aeg-sas-key={quote_plus(local.grid.keys_of('scans').key2)}"
    async with aiohttp.ClientSession() as session, session.post(url, json=[]) as answer:
        assert answer.status == 200


@pytest.mark.parametrize("name", ["key1", "key2"])
async def test_a_signature_of_the_sdk_opens_the_topic_until_it_ends_by_the_clouds_clock(
    local: Local, name: str
) -> None:
    credential = sas(local, at(local), getattr(local.grid.keys_of("scans"), name))
    await publish(at(local), credential)
    local.clock.advance(timedelta(seconds=60))
    with pytest.raises(ClientAuthenticationError, match="expected an end after"):
        await publish(at(local), credential)


async def test_a_signature_for_what_the_topic_is_under_opens_it_and_for_another_not(local: Local) -> None:
    key = local.grid.keys_of("scans").key1
    await publish(at(local), sas(local, local.base, key))
    for resource in (at(local, "other"), at(local)[:-1], "https://elsewhere.example"):
        with pytest.raises(ClientAuthenticationError, match="expected a resource that"):
            await publish(at(local), sas(local, resource, key))


async def test_a_signature_of_another_key_or_of_a_changed_text_is_refused(local: Local) -> None:
    signature = sas(local, at(local), local.grid.keys_of("scans").key1).signature
    for changed in (sas(local, at(local), "b3RoZXI=").signature, re.sub("e=20", "e=21", signature)):
        with pytest.raises(ClientAuthenticationError, match="a signature made with a key of this topic"):
            await publish(at(local), AzureSasCredential(changed))


@pytest.mark.parametrize("token", ["no", "r=x&e=2030-01-01&s=!", "r=x&e=soon&s=bm8=", "e=2030-01-01&s=bm8="])
async def test_what_is_no_signature_is_a_bad_request_as_on_azure(local: Local, token: str) -> None:
    with pytest.raises(HttpResponseError, match=r"\(BadRequest\) Invalid key in aeg-sas-token") as refused:
        await publish(at(local), AzureSasCredential(token))
    assert refused.value.status_code == 400


@pytest.mark.parametrize(
    "written",
    ["%m/%d/%Y %I:%M:%S %p", "%m/%d/%Y %I:%M:%S\u202f%p +00:00", "%Y-%m-%dT%H:%M:%S.%f", "%Y-%m-%d %H:%M:%S+00:00"],
)
async def test_ends_are_read_as_the_samples_of_the_page_write_them(local: Local, written: str) -> None:
    for seconds, status in ((60, 200), (-60, 401)):
        ends = (datetime.now(UTC) + timedelta(seconds=seconds)).strftime(written)
        token = generate_sas(at(local), local.grid.keys_of("scans").key1, ends)  # type: ignore[arg-type] # quoted as text
        assert (await answered(local, Authorization=f"SharedAccessSignature {token}"))[0] == status


async def test_without_any_of_them_the_error_has_azures_shape(local: Local) -> None:
    status, body = await answered(local)
    message = "Request must contain one of the following authorization signature: aeg-sas-token, aeg-sas-key."
    error = {"code": "Unauthorized", "message": message}
    assert (status, body) == (401, {"error": {**error, "details": [error]}})


@pytest.mark.parametrize("audience", [AUDIENCE, f"{AUDIENCE}/"])
async def test_a_token_of_the_directory_for_event_grid_opens_every_topic(local: Local, audience: str) -> None:
    status, _ = await answered(local, Authorization=f"Bearer {identity.token(audience)}")
    assert status == 200


@pytest.mark.parametrize(
    "claims",
    [
        {"aud": "https://management.azure.com", "tid": identity.TENANT, "exp": 2**33},
        {"aud": AUDIENCE, "tid": "another", "exp": 2**33},
        {"aud": AUDIENCE, "tid": identity.TENANT, "exp": time.time() - 1},
        {},
    ],
)
async def test_a_token_for_another_of_another_directory_or_that_has_ended_is_refused(
    local: Local, claims: dict[str, object]
) -> None:
    token = jwt.encode(claims, "k" * 32)
    assert (await answered(local, Authorization=f"Bearer {token}"))[0] == 401
    assert (await answered(local, Authorization="Bearer none"))[0] == 401
