"""Who may publish to a topic: who has one of its keys, a signature made with one, or a token for Event Grid.

learn.microsoft.com/azure/event-grid/authenticate-with-access-keys-shared-access-signatures: where a key and a token may
stand, what is signed, and that a token is good for all that its resource is a prefix of. Times are written as the
samples there write them. What errors say is in Azure/azure-sdk-for-python#17627 (400 for what is no token) and
jguadagno/jjgnet-broadcast#582 (401).
"""

from __future__ import annotations

import base64
import binascii
import hmac
import secrets
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime
from hashlib import sha256
from typing import TYPE_CHECKING
from urllib.parse import parse_qs, unquote_plus

from localcloud import identity

if TYPE_CHECKING:
    from aiohttp import web

_AUDIENCE = "https://eventgrid.azure.net"
_SHAPE = "r=UrlEncodedResource&e=UrlEncodedUtcExpiration&s=UrlEncodedSignature"
_AMERICAN = ("%m/%d/%Y %I:%M:%S %p", "%m/%d/%Y %I:%M:%S %p %z")  # of .NET's samples, which say en-US


def new_key() -> str:
    """32 bytes by chance, in base64, as Azure's are."""
    return base64.b64encode(secrets.token_bytes(32)).decode()


@dataclass(slots=True, kw_only=True)
class TopicKeys:
    """Either opens; the names are those of ARM's `listKeys`."""

    key1: str = field(default_factory=new_key)
    key2: str = field(default_factory=new_key)

    def known(self, key: str) -> bool:
        """Whether it is one of them."""
        return any(hmac.compare_digest(key.encode(), one.encode()) for one in (self.key1, self.key2))

    def signed(self, text: str, signature: bytes) -> bool:
        """Whether it was signed with one of them."""
        return any(hmac.compare_digest(signature, _signature(text, one)) for one in (self.key1, self.key2))


class NoAccess(Exception):
    """Why not; the members of Azure's error."""

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(message)
        self.status, self.code, self.message = status, code, message


def check(request: web.Request, keys: TopicKeys | None, now: datetime) -> None:
    """keys: None for a topic that takes tokens of the directory alone. Raises `NoAccess`.

    now: of the cloud, which ends signatures; tokens end in real time, as SDKs renew them.
    """
    kind, _, credential = request.headers.get("Authorization", "").partition(" ")
    key = request.headers.get("aeg-sas-key") or request.query.get("aeg-sas-key", "")
    token = request.headers.get("aeg-sas-token") or (credential if kind.lower() == "sharedaccesssignature" else "")
    if (key or token) and keys is None:
        reason = "expected a token of the directory, found a key or a signature: local authentication is disabled"
    elif key and keys:
        reason = "" if keys.known(key) else "aeg-sas-key: expected a key of this topic, found another"
    elif token and keys:
        reason = _sas(token.strip(), str(request.url.with_query(None)), keys, now)
    elif kind.lower() == "bearer":
        reason = _bearer(credential.strip())
    else:
        message = "Request must contain one of the following authorization signature: aeg-sas-token, aeg-sas-key."
        raise NoAccess(401, "Unauthorized", message)
    if reason:
        where = request.host.upper()
        message = f"The request authorization key is not authorized for {where}. This is due to the reason: {reason}."
        raise NoAccess(401, "Unauthorized", message)


def _sas(token: str, url: str, keys: TopicKeys, now: datetime) -> str:
    """What is wrong with it, "" for nothing."""
    signed, _, signature = token.rpartition("&s=")
    found = {name: values[0] for name, values in parse_qs(signed).items()}
    try:
        given = base64.b64decode(unquote_plus(signature), validate=True)
        resource, ends = found["r"].partition("?")[0].rstrip("/").lower(), _time(found["e"])
    except (LookupError, ValueError) as error:  # of base64, too
        raise NoAccess(400, "BadRequest", f"Invalid key in aeg-sas-token. Valid format :{_SHAPE}.") from error
    if not keys.signed(signed, given):
        return "aeg-sas-token: expected a signature made with a key of this topic, found another"
    if not f"{url.lower()}/".startswith(f"{resource}/"):
        return f"aeg-sas-token: expected a resource that {url} begins with, found {resource}"
    return "" if now < ends else f"aeg-sas-token: expected an end after {now.isoformat()}, found {ends.isoformat()}"


def _signature(text: str, key: str) -> bytes:
    """Nothing with a key that is not base64."""
    try:
        return hmac.new(base64.b64decode(key, validate=True), text.encode(), sha256).digest()
    except binascii.Error:
        return b""


def _time(text: str) -> datetime:
    """In UTC, where it does not say otherwise; any space may stand before AM and PM. Raises ValueError."""
    for form in _AMERICAN:
        try:
            found = datetime.strptime(text, form)  # noqa: DTZ007 - its zone is looked at below
        except ValueError:
            continue
        break
    else:
        found = datetime.fromisoformat(text)
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def _bearer(token: str) -> str:
    """What is wrong with it, "" for nothing. Who it is for is read, not what it may do: there are no roles here."""
    claims = identity.claims(token)
    audience = str(claims.get("aud", ""))
    if audience.rstrip("/") != _AUDIENCE or claims.get("tid") != identity.TENANT:
        return f"Authorization: expected a token of the local directory for {_AUDIENCE}, found one for {audience!r}"
    return "" if time.time() < float(claims.get("exp", 0)) else "Authorization: expected a token that has not ended"
