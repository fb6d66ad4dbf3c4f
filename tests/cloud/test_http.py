"""Statuses and silences become `Retry` or `Refused`; bodies stay where they were."""

from __future__ import annotations

import traceback
from datetime import timedelta
from types import SimpleNamespace
from typing import TYPE_CHECKING, cast

import aiohttp
import pytest
from azure.core.exceptions import ServiceRequestError, ServiceResponseTimeoutError
from hypothesis import given
from hypothesis import strategies as st

from cloud.http import after, asking, explain, of_answer, parsed, plain
from delivery.errors import DeliveryError, Refused, Retry

if TYPE_CHECKING:
    from aiohttp.client_reqrep import ConnectionKey

SECRET = "Server=tcp:db;Password=hunter2"
FAILED = {
    "code": "ContainerAppOperationError",
    "message": "Failed to provision revision for container app 'x'. Error details: Operation expired.",
}


def connector_error(kind: type[aiohttp.ClientConnectorError] = aiohttp.ClientConnectorError) -> Exception:
    key = cast("ConnectionKey", SimpleNamespace(host="h", port=443, ssl=True, is_ssl=True))
    return kind(key, OSError(111, "refused"))


@pytest.mark.parametrize("envelope", [{"error": {"code": "A.b-1"}}, {"code": "A.b-1"}, {"errors": [{"code": "A.b-1"}]}])
def test_every_envelope_names_its_code(envelope: object) -> None:
    assert explain(envelope) == "A.b-1"


def test_a_token_service_names_its_error_by_a_string() -> None:
    assert explain({"error": "invalid_grant", "error_description": SECRET}) == "invalid_grant"


def test_only_a_failed_revision_keeps_its_message() -> None:
    assert explain({"error": FAILED}) == f"{FAILED['code']}: {FAILED['message']}"
    assert explain({"error": {"code": "Other", "message": SECRET}}) == "Other"


def test_a_kept_message_is_one_bounded_line() -> None:
    text = explain({"error": {**FAILED, "message": "a\n\tb\x1b[31m" + "c" * 10_000}})

    assert "\n" not in text
    assert "\x1b" not in text
    assert len(text) <= len(FAILED["code"]) + 2 + 200
    assert text.endswith("…")


@pytest.mark.parametrize("code", [SECRET, "x" * 65, "", 7, None, ["A"], {"a": "b"}])
def test_what_does_not_look_like_a_code_is_not_repeated(code: object) -> None:
    assert explain({"error": {"code": code, "message": SECRET}}) == ""


@pytest.mark.parametrize(
    ("status", "kind", "lost"),
    [
        (400, Refused, None),
        (401, Refused, None),
        (403, Refused, None),
        (404, Refused, None),
        (408, Retry, True),
        (409, Retry, False),
        (412, Refused, None),
        (429, Retry, False),
        (500, Retry, True),
        (503, Retry, True),
        (302, Refused, None),
        (200, Retry, True),
    ],
)
def test_a_write_is_lost_only_where_it_may_have_been_done(
    status: int, kind: type[Exception], *, lost: bool | None
) -> None:
    error = of_answer("apps", status, {}, {"error": {"code": "C", "message": SECRET}}, wrote=True)

    assert type(error) is kind
    assert lost is None or (isinstance(error, Retry) and error.lost is lost)
    assert not isinstance(error, Refused) or error.status == status


@given(st.integers(200, 599))
def test_a_read_is_never_lost(status: int) -> None:
    error = of_answer("apps", status, {}, None, wrote=False)

    assert not (isinstance(error, Retry) and error.lost)


@given(st.dictionaries(st.text(), st.just(SECRET)) | st.just(SECRET) | st.lists(st.just({"code": SECRET})))
def test_no_body_reaches_an_error_text(body: object) -> None:
    assert SECRET not in str(of_answer("apps", 400, {}, body, wrote=True))
    assert SECRET not in str(of_answer("apps", 400, {}, {"error": body, "errors": body}, wrote=True))


@pytest.mark.parametrize(
    ("headers", "wait"),
    [
        ({}, None),
        ({"Retry-After": "7"}, timedelta(seconds=7)),
        ({"retry-after": " 7 "}, timedelta(seconds=7)),
        ({"Retry-After": "-7"}, None),
        ({"Retry-After": "soon"}, None),
        ({"Retry-After": "9" * 40}, None),
        ({"Retry-After": "999999"}, timedelta(days=1)),
        (
            {"Retry-After": "Thu, 18 Apr 2024 02:58:00 GMT", "Date": "Thu, 18 Apr 2024 02:57:30 GMT"},
            timedelta(seconds=30),
        ),
        ({"Retry-After": "Thu, 18 Apr 2024 02:57:00 GMT", "Date": "Thu, 18 Apr 2024 02:57:30 GMT"}, timedelta()),
        ({"Retry-After": "Thu, 18 Apr 2024 02:58:00 GMT"}, None),
        ({"Retry-After": "Thu, 18 Apr 2024 02:58:00 -0000", "Date": "Thu, 18 Apr 2024 02:57:30 GMT"}, None),
    ],
)
def test_the_wait_asked_for_is_read_or_left_open(headers: dict[str, str], wait: timedelta | None) -> None:
    assert after(headers) == wait


@given(st.text())
def test_any_retry_after_is_read_or_left_open(value: str) -> None:
    found = after({"Retry-After": value, "Date": "Thu, 18 Apr 2024 02:57:30 GMT"})

    assert found is None or timedelta() <= found <= timedelta(days=1)


@pytest.mark.parametrize(
    ("error", "lost"),
    [
        (ServiceRequestError("x", error=connector_error()), False),
        (ServiceRequestError("x", error=aiohttp.ConnectionTimeoutError()), False),
        (ServiceRequestError("x", error=aiohttp.ServerDisconnectedError(SECRET)), True),
        (ServiceRequestError("x", error=aiohttp.ClientOSError(104, SECRET)), True),
        (ServiceResponseTimeoutError("x", error=TimeoutError()), True),
        (ServiceRequestError(SECRET), True),
        (aiohttp.ClientPayloadError(SECRET), True),
        (connector_error(), False),
        (TimeoutError(), True),
    ],
)
def test_only_a_connection_that_never_was_carried_nothing(error: Exception, *, lost: bool) -> None:
    with pytest.raises(Retry) as caught, asking("apps", wrote=True):
        raise error

    assert caught.value.lost is lost
    assert SECRET not in "".join(traceback.format_exception(caught.value)), "the cause quotes the body"


def test_our_own_errors_pass_unchanged() -> None:
    ours = Refused("ours", status=403)
    with pytest.raises(DeliveryError) as caught, asking("apps"):
        raise ours

    assert caught.value is ours


def test_a_body_that_is_not_json_is_nothing() -> None:
    assert parsed(b"<html>") is None
    assert parsed(b"\xff\xfe") is None


@given(st.text(), st.integers(2, 50))
def test_a_plain_line_is_printable_and_bounded(text: str, most: int) -> None:
    line = plain(text, most)

    assert line.isprintable()
    assert len(line) <= most
