"""The same event on an Event Grid topic: the wire as azure-eventgrid 4.22 was recorded, and one attempt per send."""

from __future__ import annotations

import json
import socket
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from aiohttp.abc import AbstractResolver, ResolveResult
from azure.core.credentials import AccessToken
from azure.core.exceptions import ClientAuthenticationError

from delivery.errors import DeliveryError, Refused, Retry
from delivery.ports import ChannelRow
from notify.channels import channels
from notify.connection import Connection
from notify.eventgrid import EventGridTopic
from tests.notify.conftest import TOPIC_HOST

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

KEY = "t0pic-key"
NOW = datetime(2026, 11, 24, 9, 0, 0, tzinfo=UTC)
EVENT = {
    "specversion": "1.0",
    "id": "cb840c13",
    "source": "/subscriptions/s/resourceGroups/rg-shop/providers/Microsoft.App/containerApps/ca-web",
    "type": "Weighbridge.RolloutPromoted",
    "subject": "shop/web@production/7",
    "time": "2026-11-24T09:22:31Z",
    "datacontenttype": "application/json",
    "dataschema": "urn:weighbridge:message:1",
    "sequence": "0000000004",
    "data": {"summary": "PROMOTED → ünï", "needs": None, "findings": [], "weight": 25},
}


class Clock:
    def now(self) -> datetime:
        return NOW


class Tokens:
    """A credential that counts how often it was made and asked."""

    def __init__(self, error: Exception | None = None) -> None:
        self.made = 0
        self.scopes: list[tuple[str, ...]] = []
        self._error = error

    def make(self) -> Any:
        self.made += 1
        return self

    async def get_token(self, *scopes: str, **_: Any) -> AccessToken:
        self.scopes.append(scopes)
        if self._error:
            raise self._error
        return AccessToken("t0ken", int(datetime.now(UTC).timestamp()) + 3600)


@pytest.fixture
async def connection(ca_file: str) -> AsyncIterator[Connection]:
    made = Connection(ca_file=ca_file)
    yield made
    await made.close()


def row(receiver: Any, secret: str = KEY) -> ChannelRow:
    return ChannelRow(name="topic", kind="eventgrid", url=f"{receiver.url}/api/events", secret=secret)


async def test_a_topic_gets_a_batch_of_one_with_its_key(receiver: Any, connection: Connection) -> None:
    await EventGridTopic(connection, Clock(), Tokens().make).send(row(receiver), EVENT, 1)

    (got,) = receiver.got
    assert (got.method, got.path) == ("POST", "/api/events?api-version=2018-01-01")
    assert got.headers["content-type"] == "application/cloudevents-batch+json; charset=utf-8"
    assert got.headers["aeg-sas-key"] == KEY
    (told,) = json.loads(got.body)
    assert told | {"time": EVENT["time"]} == EVENT
    assert datetime.fromisoformat(told["time"]) == datetime.fromisoformat(str(EVENT["time"]))  # the SDK adds .000


def own_topic(receiver: Any) -> ChannelRow:
    """A topic of Azure's, to be found where the receiver is."""
    port = receiver.url.rpartition(":")[2]
    return ChannelRow(name="topic", kind="eventgrid", url=f"https://{TOPIC_HOST}:{port}/api/events")


class Here(AbstractResolver):
    """Every name is this machine."""

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        found = {"hostname": host, "host": "127.0.0.1", "port": port, "family": family, "proto": 0, "flags": 0}
        return [ResolveResult(**found)]  # type: ignore[typeddict-item]  # the types are mixed

    async def close(self) -> None: ...


async def test_without_a_key_the_installation_s_identity_is_used_and_made_once(
    receiver: Any, connection: Connection
) -> None:
    connection.session().connector._resolver = Here()  # type: ignore[union-attr]
    tokens = Tokens()
    topic = EventGridTopic(connection, Clock(), tokens.make)
    for _ in range(2):
        await topic.send(own_topic(receiver), EVENT, 1)

    assert tokens.made == 1
    assert {scope for scopes in tokens.scopes for scope in scopes} == {"https://eventgrid.azure.net/.default"}
    assert [got.headers["authorization"] for got in receiver.got] == ["Bearer t0ken"] * 2
    assert not [got for got in receiver.got if "aeg-sas-key" in got.headers]


@pytest.mark.parametrize(
    "url",
    [
        "https://elsewhere.test/api/events",
        "https://eventgrid.azure.net.elsewhere.test/api/events",
        "https://eventgrid.azure.net/api/events",
        "https://notazure.eventgrid.azure.com/api/events",
        "https://shop.eventgrid.azure.net@elsewhere.test/api/events",
        "https://elsewhere.test#.eventgrid.azure.net/api/events",
        "https://elsewhere.test\\.eventgrid.azure.net/api/events",
    ],
)
async def test_no_host_but_a_topic_of_azure_s_gets_a_token(connection: Connection, url: str) -> None:
    tokens = Tokens()
    with pytest.raises(Refused, match=r"url: expected a host under \.eventgrid\.azure\.net"):
        await EventGridTopic(connection, Clock(), tokens.make).send(
            ChannelRow(name="topic", kind="eventgrid", url=url), EVENT, 1
        )

    assert tokens.made == 0


@pytest.mark.parametrize("cloud", ["net", "us", "cn"])
def test_topics_of_every_cloud_do(connection: Connection, cloud: str) -> None:
    tokens = Tokens()
    url = f"https://shop.westeurope-1.eventgrid.azure.{cloud}/api/events"
    topic = EventGridTopic(connection, Clock(), tokens.make)
    credential: Any = topic._credential(ChannelRow(name="topic", kind="eventgrid", url=url))
    assert credential is tokens


@pytest.mark.parametrize("status", [408, 409, 429, 500, 503])
async def test_a_busy_topic_is_asked_again_by_the_outbox_and_not_by_the_sdk(
    receiver: Any, connection: Connection, status: int
) -> None:
    receiver.says(status, {"Retry-After": "30"})
    with pytest.raises(Retry) as caught:
        await EventGridTopic(connection, Clock(), Tokens().make).send(row(receiver), EVENT, 1)

    assert caught.value.after == timedelta(seconds=30)
    assert len(receiver.got) == 1


@pytest.mark.parametrize("status", [302, 307, 400, 401, 403, 404, 410, 413])
async def test_a_definite_no_is_not_asked_again_nor_followed(
    receiver: Any, connection: Connection, status: int
) -> None:
    receiver.says(status, {"Location": f"{receiver.url}/elsewhere"})
    with pytest.raises(Refused) as caught:
        await EventGridTopic(connection, Clock(), Tokens().make).send(row(receiver), EVENT, 1)

    assert caught.value.status == status
    assert len(receiver.got) == 1


async def test_a_topic_that_never_answers_is_given_up_in_time(receiver: Any, ca_file: str, never: Any) -> None:
    receiver.answer = never
    connection = Connection(ca_file=ca_file, timeout=0.2)
    with pytest.raises(Retry) as caught:
        await EventGridTopic(connection, Clock(), Tokens().make).send(row(receiver), EVENT, 1)
    await connection.close()

    assert caught.value.lost


async def test_nobody_there_is_asked_again(connection: Connection, unused_port: int) -> None:
    channel = ChannelRow(name="topic", kind="eventgrid", url=f"https://127.0.0.1:{unused_port}/api/events", secret=KEY)
    with pytest.raises(Retry, match="ServiceRequestError"):
        await EventGridTopic(connection, Clock(), Tokens().make).send(channel, EVENT, 1)


async def test_an_identity_that_gets_no_token_is_asked_again(receiver: Any, connection: Connection) -> None:
    tokens = Tokens(ClientAuthenticationError("s3cret tenant"))
    with pytest.raises(Retry, match="found ClientAuthenticationError") as caught:
        await EventGridTopic(connection, Clock(), tokens.make).send(own_topic(receiver), EVENT, 1)

    assert "s3cret" not in f"{caught.value} {caught.value.__cause__} {caught.value.__context__}"
    assert receiver.got == []


@pytest.mark.parametrize("status", [400, 500])
async def test_no_error_shows_a_key_or_a_body(receiver: Any, connection: Connection, status: int) -> None:
    receiver.says(status, text='{"error": {"code": "BadRequest", "message": "b0dy"}}')
    with pytest.raises(DeliveryError) as caught:
        await EventGridTopic(connection, Clock(), Tokens().make).send(row(receiver), EVENT, 1)

    shown = f"{caught.value!r} {caught.value.__cause__} {caught.value.__context__}"
    assert not [word for word in (KEY, "b0dy", "BadRequest") if word in shown]


async def test_a_topic_is_spoken_to_over_https_only(connection: Connection) -> None:
    channel = ChannelRow(name="topic", kind="eventgrid", url="http://127.0.0.1/api/events", secret=KEY)
    with pytest.raises(Refused, match="url: expected an https:// address"):
        await EventGridTopic(connection, Clock(), Tokens().make).send(channel, EVENT, 1)


async def test_a_row_s_kind_picks_the_channel(receiver: Any, connection: Connection) -> None:
    kinds = channels(connection, Clock(), Tokens().make)
    secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
    await kinds["webhook"].send(ChannelRow(name="hook", kind="webhook", url=receiver.url, secret=secret), EVENT, 1)
    await kinds["eventgrid"].send(row(receiver), EVENT, 1)

    assert set(kinds) == {"webhook", "eventgrid"}
    assert ["webhook-id" in got.headers for got in receiver.got] == [True, False]
