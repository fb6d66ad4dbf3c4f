"""Sends one CloudEvent to an Event Grid topic, with its key or with this machine's identity."""

from __future__ import annotations

import logging
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from collections.abc import Mapping

    from azure.core.credentials import AzureKeyCredential, TokenCredential

# Topics in Azure's clouds; a token opens every topic its identity may publish to, so no other host sees one.
_AZURE = re.compile(r"(?:[a-z0-9-]+\.)+eventgrid\.azure\.(?:net|us|cn)", re.ASCII)
_LOOPBACK = frozenset({"127.0.0.1", "::1", "localhost"})
_SCOPE = "https://eventgrid.azure.net/.default"
_SECONDS = 30.0
BACKOFF = 0.8  # seconds before the second of four tries
TRIES_AGAIN = 3


class NotSent(Exception):
    """The event has not been taken; says why, and what to do."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Topic:
    """Where to send. key "": the identity is used. variable: where the key came from."""

    endpoint: str
    key: str = ""
    variable: str = ""

    @classmethod
    def of(cls, endpoint: str, variable: str, environment: Mapping[str, str]) -> Topic:
        """The topic, checked; raises `NotSent`."""
        try:
            parts = urlsplit(endpoint)
            host = parts.hostname or ""
        except ValueError:
            raise NotSent("--topic: expected an https:// address, found something else") from None
        if parts.scheme != "https" and not (parts.scheme == "http" and host in _LOOPBACK):
            raise NotSent(f"--topic: expected an https:// address, found {parts.scheme or 'none'}")
        if not parts.path.endswith("/api/events") or parts.username is not None or parts.query:
            raise NotSent("--topic: expected the endpoint that ends in /api/events and nothing after it, found another")
        key = environment.get(variable, "").strip() if variable else ""
        if variable and not key:
            raise NotSent(f"--key-from: expected the topic's key in the variable {variable}, found nothing")
        if not key and (parts.scheme != "https" or _AZURE.fullmatch(host) is None):
            raise NotSent(
                "--topic: expected a host under .eventgrid.azure.net (or .us, .cn) for an identity, found another; "
                "name the variable with the topic's key in --key-from"
            )
        return cls(endpoint=endpoint, key=key, variable=variable)


def send(topic: Topic, event: Mapping[str, object]) -> None:
    """Publish; the SDK tries a busy topic again. Raises `NotSent`, which never shows a key, a token or an answer."""
    from azure.core.exceptions import AzureError, HttpResponseError, ResourceNotFoundError  # noqa: PLC0415 - `--dry-run` needs none of it
    from azure.eventgrid import EventGridPublisherClient  # noqa: PLC0415 - same

    logging.getLogger("azure").addHandler(logging.NullHandler())  # it warns of the retries below, which it obeys
    why = ""
    try:
        with EventGridPublisherClient(topic.endpoint, _credential(topic)) as client:
            # Said with the call: the synchronous client leaves out what is said when it is made.
            client.send(
                dict(event),
                retry_total=TRIES_AGAIN,
                retry_backoff_factor=BACKOFF,
                permit_redirects=False,
                connection_timeout=_SECONDS,
                read_timeout=_SECONDS,
            )
    except ResourceNotFoundError:
        why = _refused(topic, 404)
    except HttpResponseError as error:
        why = _refused(topic, error.status_code)
    except AzureError as error:
        why = f"expected an answer, found {type(error).__name__}; publish the same report again, it is the same event"
    if why:
        raise NotSent(f"not sent to {urlsplit(topic.endpoint).hostname}: {why}")


def _credential(topic: Topic) -> AzureKeyCredential | TokenCredential:
    from azure.core.credentials import AzureKeyCredential  # noqa: PLC0415 - late, as above

    if topic.key:
        return AzureKeyCredential(topic.key)
    from azure.core.exceptions import AzureError  # noqa: PLC0415 - same
    from azure.identity import DefaultAzureCredential  # noqa: PLC0415 - same

    identity: TokenCredential = DefaultAzureCredential()
    try:
        identity.get_token(_SCOPE)
    except AzureError as error:
        found = type(error).__name__
    else:
        return identity
    raise NotSent(f"no identity gave a token ({found}); sign in, assign a managed identity, or use --key-from")


def _refused(topic: Topic, status: int | None) -> str:
    match status:
        case 401 | 403 if topic.key:
            return (
                f"{status}: the key in {topic.variable} is not this topic's; read it again from the topic's access keys"
            )
        case 401 | 403:
            return (
                f"{status}: grant this identity the role EventGrid Data Sender on the topic; it takes minutes to apply"
            )
        case 404:
            return "404: there is no such topic; --topic is the endpoint on the topic's overview"
        case 400:
            return "400: the topic's input schema must be Cloud Event Schema v1.0"
        case _:
            return f"{status}: expected 200; publish the same report again later, it is the same event"
