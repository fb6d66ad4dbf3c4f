"""What an answer, or the lack of one, means to the caller: the one place where HTTP becomes `Retry` or `Refused`.

Only a status, an error code and the times asked for leave here; a body never does, since it may quote what was sent.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from contextlib import contextmanager
from datetime import timedelta
from typing import TYPE_CHECKING

from delivery.errors import Refused, Retry

if TYPE_CHECKING:
    from collections.abc import Iterator

    from azure.core.exceptions import AzureError

_CODE = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}")
_SECONDS = re.compile(r"\d{1,6}")
_LONGEST = timedelta(days=1)
_EXPLAINS = "ContainerAppOperationError"  # the one code whose message is the only account of a failed revision
_MESSAGE = 200


def after(headers: Mapping[str, str]) -> timedelta | None:
    """How long the answer asks to wait: `Retry-After` in seconds or as a date, None when it does not say.

    A date is compared with the answer's own `Date`, so no clock of ours takes part.
    """
    lower = {name.lower(): value.strip() for name, value in headers.items()}
    wanted = lower.get("retry-after", "")
    if _SECONDS.fullmatch(wanted):
        return min(timedelta(seconds=int(wanted)), _LONGEST)
    from email.utils import parsedate_to_datetime  # noqa: PLC0415 - 17 ms that a cold start need not pay

    try:
        wait = parsedate_to_datetime(wanted) - parsedate_to_datetime(lower.get("date", ""))
    except (ValueError, TypeError):  # not dates, or only one of them names its zone
        return None
    return min(max(wait, timedelta()), _LONGEST)


def plain(text: str, most: int = _MESSAGE) -> str:
    """One printable line of at most `most` characters, with a mark where it was cut."""
    line = " ".join("".join(c if c.isprintable() else " " for c in text).split())
    return line if len(line) <= most else line[: most - 1] + "…"


def explain(body: object) -> str:
    """Name the error of either ARM envelope, `{"error": {code, message}}` or `{code, message}`; "" if it has none.

    Registries answer `{"errors": [{code}]}` and token services `{"error": "code"}`; these are read too.
    """
    error: object = body
    if isinstance(body, Mapping):
        listed = body.get("errors")
        error = listed[0] if isinstance(listed, list) and listed else body.get("error") or body
    code = error.get("code") if isinstance(error, Mapping) else error
    if not isinstance(code, str) or not _CODE.fullmatch(code):
        return ""
    message = error.get("message") if isinstance(error, Mapping) and code == _EXPLAINS else None
    return f"{code}: {plain(message)}" if isinstance(message, str) else code


def parsed(content: str | bytes) -> object:
    """The JSON of a body, None when it is not JSON."""
    try:
        value: object = json.loads(content)
    except ValueError:
        return None
    return value


def of_answer(where: str, status: int, headers: Mapping[str, str], body: object, *, wrote: bool) -> Retry | Refused:
    """Judge an answer that is not the wanted one. body: as decoded by `parsed`.

    409 and 429 did nothing and may be asked again; 408 and 5xx may have done what was asked; so may a success that
    cannot be read. Anything else is a definite no.
    """
    text = f"{where}: expected success, found {f'{status} {explain(body)}'.strip()}"
    if status in (409, 429):
        return Retry(text, after=after(headers))
    if status == 408 or status >= 500:  # noqa: PLR2004 - HTTP's own numbers are their best names
        return Retry(text, lost=wrote, after=after(headers))
    if status < 300:  # noqa: PLR2004 - same
        return Retry(f"{where}: expected a readable answer, found {status} with another body", lost=wrote)
    return Refused(text, status=status)


def of_silence(where: str, error: BaseException | None, *, wrote: bool) -> Retry:
    """Judge a request that got no answer.

    Only a connection that never came about is known to have carried nothing. azure-core calls every client error
    "no request was sent", a connection that broke in the middle too, so its cause is looked at instead.
    """
    import aiohttp  # noqa: PLC0415 - only where something failed: not on the way of a cold start

    if isinstance(error, aiohttp.ClientConnectorError | aiohttp.ConnectionTimeoutError):
        return Retry(f"{where}: expected an answer, found no connection ({type(error).__name__})")
    if isinstance(error, TimeoutError):
        return Retry(f"{where}: expected an answer in time, found none", lost=wrote)
    return Retry(f"{where}: expected an answer, found a broken connection ({type(error).__name__})", lost=wrote)


def of_azure(where: str, error: AzureError, *, wrote: bool) -> Retry | Refused:
    """Judge an error of an Azure SDK by the answer it holds, or by its cause when there was none."""
    response = getattr(error, "response", None)
    if response is None:
        return of_silence(where, error.inner_exception or error, wrote=wrote)
    return of_answer(where, response.status_code, response.headers, parsed(response.text()), wrote=wrote)


@contextmanager
def asking(where: str, *, wrote: bool = False) -> Iterator[None]:
    """Ask the outside; whatever goes wrong leaves as `Retry` or `Refused`. wrote: the request changes something.

    The cause is cut off (`from None`): its text quotes the body, and a traceback in a log would show it.
    """
    import aiohttp  # noqa: PLC0415 - not on the way of a cold start
    from azure.core.exceptions import AzureError  # noqa: PLC0415 - same

    try:
        yield
    except AzureError as error:
        raise of_azure(where, error, wrote=wrote) from None
    except (aiohttp.ClientError, TimeoutError) as error:
        raise of_silence(where, error, wrote=wrote) from None
    except json.JSONDecodeError:
        raise of_answer(where, 200, {}, None, wrote=wrote) from None
