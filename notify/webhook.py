"""CloudEvents over HTTPS, signed as Standard Webhooks describes (standardwebhooks.com, specification 1.0)."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import json
from typing import TYPE_CHECKING

from delivery.errors import Refused, Retry
from notify.answers import judge
from notify.connection import place

if TYPE_CHECKING:
    from collections.abc import Mapping

    from delivery.ports import ChannelRow, Clock
    from notify.connection import Connection

PREFIX = "whsec_"
KEY_BYTES = range(24, 65)  # the lengths the specification allows
CONTENT_TYPE = "application/cloudevents+json; charset=utf-8"


class Webhook:
    """One POST of the structured event per attempt; the id stays, the timestamp and signature are fresh."""

    def __init__(self, connection: Connection, clock: Clock) -> None:
        self._connection = connection
        self._clock = clock

    async def send(self, channel: ChannelRow, event: Mapping[str, object], attempt: int) -> None:  # noqa: ARG002 - an attempt is signed like the first
        """Deliver one event. Retry: busy, broken or silent. Refused: a definite no, a bad address or secret."""
        import aiohttp  # noqa: PLC0415 - a cold start that sends nothing does not pay for it

        where = place(channel)
        now = self._clock.now()
        body = json.dumps(event, ensure_ascii=False, separators=(",", ":")).encode()
        headers = sign(str(event["id"]), int(now.timestamp()), body, keys(channel))
        try:
            async with self._connection.session().post(
                channel.url, data=body, headers=headers, allow_redirects=False
            ) as answer:
                status, retry_after = answer.status, answer.headers.get("retry-after")
        except TimeoutError:
            limit = f"{self._connection.timeout:g} s"
            raise Retry(
                f"{where}: expected an answer within {limit}, found none; it is tried again", lost=True
            ) from None
        except aiohttp.InvalidURL:
            raise Refused(f"channel {channel.name}: url: expected an https:// address, found something else") from None
        except aiohttp.ClientError as error:
            text = f"{where}: expected an answer, found {type(error).__name__}; it is tried again"
            raise Retry(text, lost=not isinstance(error, aiohttp.ClientConnectorError)) from None
        judge(status, retry_after, place=where, now=now)


def sign(message: str, seconds: int, body: bytes, signing: list[bytes]) -> dict[str, str]:
    """The headers of a signed request: one `v1` signature per key, over `<id>.<seconds>.<body>`."""
    signed = b".".join((message.encode(), str(seconds).encode(), body))
    signatures = (base64.b64encode(hmac.digest(key, signed, hashlib.sha256)).decode() for key in signing)
    return {
        "content-type": CONTENT_TYPE,
        "webhook-id": message,
        "webhook-timestamp": str(seconds),
        "webhook-signature": " ".join(f"v1,{signature}" for signature in signatures),
    }


def keys(channel: ChannelRow) -> list[bytes]:
    """The channel's signing keys: one, or two while a secret is replaced; Refused if any cannot be read."""
    found: list[bytes] = []
    for word in channel.secret.split():
        try:
            key = base64.b64decode(word.removeprefix(PREFIX), validate=True) if word.startswith(PREFIX) else b""
        except (binascii.Error, ValueError):
            key = b""
        found.append(key)
    if not found or any(len(key) not in KEY_BYTES for key in found):
        raise Refused(
            f"channel {channel.name}: secret: expected whsec_ and the base64 of 24 to 64 bytes "
            "(two of them, with a space between, while one replaces the other), found something else"
        )
    return found
