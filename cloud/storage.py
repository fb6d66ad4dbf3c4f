"""What the tables and the queues of one storage account share: how long a call may take, and how it fails."""

from __future__ import annotations

from contextlib import contextmanager
from datetime import timedelta
from typing import TYPE_CHECKING

from delivery.errors import Conflict, DeliveryError, Refused, Retry

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from azure.core.exceptions import AzureError, HttpResponseError

CONNECT_SECONDS = 5
READ_SECONDS = 10
RETRIES = 2  # few and short: a tick that lost its storage is better tried again by its queue

_CONDITIONS = frozenset({"EntityAlreadyExists", "UpdateConditionNotSatisfied", "ConditionNotMet"})
_BUSY = timedelta(seconds=30)  # a table or queue that was deleted can be made again after about 30 s
_ROLES = "grant this identity Storage Table Data Contributor and Storage Queue Data Contributor on the account"


class Absent(Refused):
    """What was named is not there. code: Azure's word for which part, such as `TableNotFound`."""

    def __init__(self, text: str, *, code: str) -> None:
        super().__init__(text, status=404)
        self.code = code


@contextmanager
def asking(what: str) -> Iterator[None]:
    """Turn the SDK's errors into ours. what: the path an error text starts with, `table rollouts: commit`.

    The cause is cut off: the SDK's text holds the response body, and a traceback would print it.
    """
    from azure.core.exceptions import AzureError  # noqa: PLC0415 - 77 ms that a cold start pays at first use only

    try:
        yield
    except AzureError as error:
        raise failure(error, what) from None


def failure(error: AzureError, what: str) -> DeliveryError:
    """The error that says who must act."""
    from azure.core import exceptions  # noqa: PLC0415 - as in `asking`

    if isinstance(error, exceptions.HttpResponseError) and error.status_code:
        return _answered(error, error.status_code, what)
    if isinstance(error, exceptions.ClientAuthenticationError):
        return Refused(f"{what}: expected a storage key that can sign, found {type(error).__name__}")
    return Retry(f"{what}: expected an answer, found {type(error).__name__}; it is tried again", lost=_sent(error))


def _sent(error: AzureError) -> bool:
    """Whether the request may have arrived: everything but a connection that was never made."""
    from aiohttp import ClientConnectorError  # noqa: PLC0415 - as in `asking`
    from azure.core.exceptions import ServiceRequestTimeoutError  # noqa: PLC0415 - as in `asking`

    # The SDK's ServiceRequestError is no proof: its aiohttp transport also raises it for a connection lost midway.
    return not isinstance(error, ServiceRequestTimeoutError) and not isinstance(
        error.inner_exception, ClientConnectorError
    )


def _answered(error: HttpResponseError, status: int, what: str) -> DeliveryError:
    named = getattr(error, "error_code", None)
    code = str(getattr(named, "value", named) or "")
    text = f"{what}: expected success, found {status} {code}".rstrip()
    match status:
        case 404:
            return Absent(text, code=code)
        case 412:
            return Conflict(text)
        case 409 if code in _CONDITIONS:
            return Conflict(text)
        case 409:
            return Retry(f"{text}; it is tried again", after=_BUSY)
        case 401 | 403:
            return Refused(f"{text}; {_ROLES}", status=status)
        case 408 | 429:
            return Retry(f"{text}; it is tried again", lost=status == 408, after=_after(error))  # noqa: PLR2004 - HTTP
        case _ if status >= 500:  # noqa: PLR2004 - HTTP's own boundary
            return Retry(f"{text}; it is tried again", lost=True, after=_after(error))
        case _:
            return Refused(text, status=status)


def _after(error: HttpResponseError) -> timedelta | None:
    headers: Mapping[str, str] = getattr(error.response, "headers", {})
    seconds = headers.get("Retry-After", "")
    return timedelta(seconds=int(seconds)) if seconds.isdigit() else None
