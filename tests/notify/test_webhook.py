"""A webhook is signed so that the reference library verifies it, and every answer means one thing."""

from __future__ import annotations

import base64
import json
import ssl
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import standardwebhooks
from aiohttp import web

from delivery.errors import DeliveryError, Refused, Retry
from delivery.ports import ChannelRow
from notify.connection import Connection
from notify.webhook import Webhook, keys

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

SECRET = "whsec_" + base64.b64encode(bytes(range(32))).decode()
OTHER = "whsec_" + base64.b64encode(bytes(range(100, 132))).decode()
EVENT = {
    "specversion": "1.0",
    "id": "cb840c13",
    "type": "Weighbridge.AppHeld",
    "data": {"summary": "HELD  ca-web → ünï"},
}
DOCS = Path(__file__).parents[2] / "docs" / "webhooks.md"


class Now:
    """The time of this machine: the reference library compares with it."""

    def now(self) -> datetime:
        return datetime.now(UTC)


@pytest.fixture
async def connection(ca_file: str) -> AsyncIterator[Connection]:
    made = Connection(ca_file=ca_file)
    yield made
    await made.close()


def row(url: str, secret: str = SECRET) -> ChannelRow:
    return ChannelRow(name="team-shop", kind="webhook", url=url, secret=secret)


async def send(connection: Connection, channel: ChannelRow, attempt: int = 1) -> None:
    await Webhook(connection, Now()).send(channel, EVENT, attempt)


async def test_the_reference_library_verifies_what_is_sent(receiver: Any, connection: Connection) -> None:
    await send(connection, row(f"{receiver.url}/hook?team=shop"))

    (got,) = receiver.got
    assert standardwebhooks.Webhook(SECRET).verify(got.body, got.headers) == EVENT
    assert (got.method, got.path) == ("POST", "/hook?team=shop")
    assert got.headers["webhook-id"] == EVENT["id"]
    assert got.headers["content-type"] == "application/cloudevents+json; charset=utf-8"


async def test_a_body_changed_by_one_letter_is_not_verified(receiver: Any, connection: Connection) -> None:
    await send(connection, row(receiver.url))

    (got,) = receiver.got
    with pytest.raises(standardwebhooks.WebhookVerificationError):
        standardwebhooks.Webhook(SECRET).verify(got.body.replace(b"HELD", b"HEAD"), got.headers)
    with pytest.raises(standardwebhooks.WebhookVerificationError):
        standardwebhooks.Webhook(OTHER).verify(got.body, got.headers)


async def test_the_receiver_in_the_reference_accepts_it_and_nothing_else(receiver: Any, connection: Connection) -> None:
    await send(connection, row(receiver.url))
    code = DOCS.read_text(encoding="utf-8").partition("```python\n")[2].partition("```")[0]
    names: dict[str, Any] = {}
    exec(code, names)  # noqa: S102 - the code people will copy is run as it stands

    (got,) = receiver.got
    assert names["verified"](SECRET, got.headers, got.body)
    assert not names["verified"](SECRET, got.headers, got.body + b" ")
    assert not names["verified"](OTHER, got.headers, got.body)
    assert not names["verified"](SECRET, {**got.headers, "webhook-timestamp": "1"}, got.body)


async def test_while_a_secret_is_replaced_both_verify(receiver: Any, connection: Connection) -> None:
    await send(connection, row(receiver.url, f"{OTHER} {SECRET}"))

    (got,) = receiver.got
    for secret in (OTHER, SECRET):
        assert standardwebhooks.Webhook(secret).verify(got.body, got.headers) == EVENT


async def test_a_repeat_has_the_same_id_and_body(receiver: Any, connection: Connection) -> None:
    receiver.says(503)
    for attempt in (1, 2):
        with pytest.raises(Retry):
            await send(connection, row(receiver.url), attempt)

    first, again = receiver.got
    assert first.headers["webhook-id"] == again.headers["webhook-id"]
    assert first.body == again.body


# ---- answers


@pytest.mark.parametrize("status", [200, 201, 202, 204, 299])
async def test_any_2xx_is_delivered(receiver: Any, connection: Connection, status: int) -> None:
    receiver.says(status)
    await send(connection, row(receiver.url))
    assert len(receiver.got) == 1


@pytest.mark.parametrize("status", [408, 409, 425, 429, 500, 502, 503, 504, 599])
async def test_a_busy_or_broken_receiver_is_asked_again(receiver: Any, connection: Connection, status: int) -> None:
    receiver.says(status, {"Retry-After": "7"})
    with pytest.raises(Retry) as caught:
        await send(connection, row(receiver.url))

    assert caught.value.after == timedelta(seconds=7)
    assert caught.value.lost == (status >= 500)
    assert str(caught.value) == f"channel team-shop: 127.0.0.1: expected 2xx, found {status}; it is tried again"


@pytest.mark.parametrize("status", [400, 401, 403, 404, 405, 410, 413, 415, 422, 451])
async def test_a_definite_no_is_not_asked_again(receiver: Any, connection: Connection, status: int) -> None:
    receiver.says(status, {"Retry-After": "7"})
    with pytest.raises(Refused) as caught:
        await send(connection, row(receiver.url))

    assert caught.value.status == status
    assert ("remove the channel" in str(caught.value)) == (status == 410)


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_a_redirect_is_not_followed(receiver: Any, connection: Connection, status: int) -> None:
    receiver.says(status, {"Location": f"{receiver.url}/elsewhere"})
    with pytest.raises(Refused, match="redirects are not followed"):
        await send(connection, row(receiver.url))

    assert len(receiver.got) == 1


async def test_a_receiver_that_never_answers_may_have_taken_it(receiver: Any, ca_file: str, never: Any) -> None:
    receiver.answer = never
    connection = Connection(ca_file=ca_file, timeout=0.2)
    with pytest.raises(Retry, match=r"within 0\.2 s") as caught:
        await send(connection, row(receiver.url))
    await connection.close()

    assert caught.value.lost


async def test_a_connection_cut_in_the_middle_may_have_taken_it(receiver: Any, connection: Connection) -> None:
    async def cut(request: web.Request) -> web.StreamResponse:
        assert request.transport is not None
        request.transport.abort()
        return web.Response()

    receiver.answer = cut
    with pytest.raises(Retry) as caught:
        await send(connection, row(receiver.url))
    assert caught.value.lost


async def test_nobody_there_took_nothing(connection: Connection, unused_port: int) -> None:
    with pytest.raises(Retry, match="ClientConnectorError") as caught:
        await send(connection, row(f"https://127.0.0.1:{unused_port}"))
    assert not caught.value.lost


async def test_a_certificate_nobody_vouches_for_gets_nothing(receiver: Any) -> None:
    stranger = Connection()
    with pytest.raises(Retry, match="ClientConnectorCertificateError"):
        await send(stranger, row(receiver.url))
    await stranger.close()
    assert receiver.got == []


async def test_the_file_of_authorities_adds_to_those_of_the_system(ca_file: str) -> None:
    connection = Connection(ca_file=ca_file)
    connector = connection.session().connector
    trusted = len(connector._ssl.get_ca_certs())  # type: ignore[union-attr]
    await connection.close()
    assert trusted == len(ssl.create_default_context().get_ca_certs()) + 1


# ---- rows that cannot work


@pytest.mark.parametrize("url", ["http://127.0.0.1/hook", "hook.example", "https://", "ftp://x/", "https://[::1", ""])
async def test_only_https_is_spoken(connection: Connection, url: str) -> None:
    with pytest.raises(Refused, match="url: expected an https:// address"):
        await send(connection, row(url))


@pytest.mark.parametrize(
    "secret",
    [
        "",
        "hunter2",
        SECRET.removeprefix("whsec_"),
        "whsec_",
        "whsec_c2hvcnQ=",
        "whsec_n0t-base-64",
        f"{SECRET} hunter2",
    ],
)
def test_a_secret_that_signs_nothing_is_refused_and_not_shown(secret: str) -> None:
    with pytest.raises(Refused, match="secret: expected whsec_") as caught:
        keys(row("https://x", secret))
    for word in secret.split():
        assert word == "whsec_" or word not in str(caught.value)


@pytest.mark.parametrize("status", [302, 400, 410, 500])
async def test_no_error_shows_a_secret_a_path_or_a_body(receiver: Any, connection: Connection, status: int) -> None:
    receiver.says(status, {"Location": "https://elsewhere/t0ken"}, text="the receiver says b0dy")
    with pytest.raises(DeliveryError) as caught:
        await send(connection, row(f"{receiver.url}/hooks/t0ken?key=t0ken"))

    shown = [str(caught.value), repr(caught.value), str(caught.value.__cause__), str(caught.value.__context__)]
    assert not [word for word in ("t0ken", "b0dy", SECRET, json.dumps(EVENT)) if word in " ".join(shown)]
