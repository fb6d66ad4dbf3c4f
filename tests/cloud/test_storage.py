"""Who must act when storage fails, told from real answers (and silences) on the wire."""

from __future__ import annotations

import contextlib
import json
import socket
import subprocess
import sys
import traceback
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from aiohttp import web

from cloud.identity import Identity
from cloud.queues import StorageQueue
from cloud.tables import TableRows
from delivery.errors import Conflict, DeliveryError, Refused, Retry
from delivery.ports import Insert, Put
from delivery.settings import Settings
from localcloud.azurite import ACCOUNT, KEY

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable

    Answer = Callable[[web.Request], Awaitable[web.Response]]

SECRET = "what the body says"


class Service:
    """A storage service that always answers the same; counts the requests."""

    def __init__(self, answer: Answer) -> None:
        self.answer = answer
        self.requests: list[web.Request] = []

    async def handle(self, request: web.Request) -> web.Response:
        self.requests.append(request)
        return await self.answer(request)


def says(status: int, code: str, **headers: str) -> Answer:
    """An error in the form of both services: JSON for tables, a header for queues."""

    async def answer(_request: web.Request) -> web.Response:
        body = json.dumps({"odata.error": {"code": code, "message": {"lang": "en-US", "value": SECRET}}})
        named = {"x-ms-error-code": code, **{name.replace("_", "-"): value for name, value in headers.items()}}
        return web.Response(status=status, text=body, content_type="application/json", headers=named)

    return answer


async def hangs_up(request: web.Request) -> web.Response:
    """The request was read whole, so it may have taken effect; its answer meets a closed connection."""
    await request.read()
    if request.transport is not None:
        request.transport.close()
    return web.Response()


def settings(port: int) -> Settings:
    at = f"http://127.0.0.1:{port}/{ACCOUNT}"
    text = f"DefaultEndpointsProtocol=http;AccountName={ACCOUNT};AccountKey={KEY};TableEndpoint={at};QueueEndpoint={at}"
    return Settings(storage=text, registries={})


@contextlib.asynccontextmanager
async def serving(answer: Answer) -> AsyncIterator[tuple[Service, Settings]]:
    service = Service(answer)
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", service.handle)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    try:
        yield service, settings(runner.addresses[0][1])
    finally:
        await runner.cleanup()


CALLS = ["get", "scan", "commit one", "commit", "put"]


async def call(name: str, where: Settings) -> None:
    rows, queue = TableRows(where, Identity()), StorageQueue(where, Identity())
    one, two = Put(key="k", columns={}), Insert(key="j", columns={})
    try:
        match name:
            case "get":
                await rows.get("rollouts", "p", "k")
            case "scan":
                await rows.scan("rollouts", "p")
            case "commit one":
                await rows.commit("rollouts", "p", [one])
            case "commit":
                await rows.commit("rollouts", "p", [one, two])
            case _:
                await queue.put("ticks", {}, timedelta())
    finally:
        await rows.close()
        await queue.close()


async def failed(name: str, answer: Answer) -> tuple[DeliveryError, Service]:
    async with serving(answer) as (service, where):
        with pytest.raises(DeliveryError) as error:
            await call(name, where)
    return error.value, service


@pytest.mark.parametrize("name", CALLS)
async def test_a_missing_right_is_the_operator_s_and_no_body_is_repeated(name: str) -> None:
    error, service = await failed(name, says(403, "AuthorizationPermissionMismatch"))
    assert isinstance(error, Refused)
    assert error.status == 403
    assert "found 403 AuthorizationPermissionMismatch; grant this identity Storage Table Data" in str(error)
    assert SECRET not in "".join(traceback.format_exception(error))
    assert len(service.requests) == 1


@pytest.mark.parametrize("name", CALLS)
async def test_a_busy_service_is_asked_three_times_and_then_nobody_s_fault(name: str) -> None:
    error, service = await failed(name, says(503, "ServerBusy", Retry_After="0"))
    assert isinstance(error, Retry)
    assert error.lost
    assert error.after == timedelta(0)
    assert "found 503 ServerBusy; it is tried again" in str(error)
    assert SECRET not in "".join(traceback.format_exception(error))
    assert len(service.requests) == 3


@pytest.mark.parametrize("name", CALLS)
async def test_a_connection_cut_before_the_answer_may_have_taken_effect(name: str) -> None:
    error, service = await failed(name, hangs_up)
    assert isinstance(error, Retry)
    assert error.lost
    assert service.requests


async def test_a_batch_whose_answer_was_cut_is_not_sent_again() -> None:
    """A second send would answer Conflict for a save that had won."""
    _, service = await failed("commit", hangs_up)
    assert len(service.requests) == 1


@pytest.mark.parametrize("name", CALLS)
async def test_a_service_that_is_not_there_took_nothing(name: str) -> None:
    with socket.socket() as unheard:
        unheard.bind(("127.0.0.1", 0))
        with pytest.raises(Retry, match="expected an answer, found ServiceRequestError") as error:
            await call(name, settings(unheard.getsockname()[1]))
    assert not error.value.lost


@pytest.mark.parametrize(("name", "code"), [("commit one", "TableBeingDeleted"), ("put", "QueueBeingDeleted")])
async def test_a_table_or_queue_being_deleted_is_waited_for(name: str, code: str) -> None:
    error, _ = await failed(name, says(409, code))
    assert isinstance(error, Retry)
    assert error.after == timedelta(seconds=30)
    assert not error.lost


@pytest.mark.parametrize(("status", "code"), [(412, "UpdateConditionNotSatisfied"), (409, "EntityAlreadyExists")])
async def test_a_condition_that_does_not_hold_is_a_conflict(status: int, code: str) -> None:
    error, _ = await failed("commit one", says(status, code))
    assert isinstance(error, Conflict)


async def test_a_request_that_is_not_valid_is_refused() -> None:
    error, _ = await failed("commit one", says(400, "InvalidInput"))
    assert isinstance(error, Refused)
    assert str(error) == "table rollouts: partition p: commit: expected success, found 400 InvalidInput"


async def test_rows_that_vanish_for_ever_end_in_a_retry() -> None:
    """A service whose table is never there after it was made does not hold the caller."""
    made = says(204, "")

    async def answer(request: web.Request) -> web.Response:
        return await (made if request.path.endswith("/Tables") else says(404, "TableNotFound"))(request)

    async with serving(answer) as (_, where):
        rows = TableRows(where, Identity())
        with pytest.raises(Retry, match="found them deleted meanwhile"):
            await rows.commit("rollouts", "p", [Put(key="k", columns={})])
        await rows.close()


async def test_a_message_asks_for_whole_seconds_never_early_and_never_expires() -> None:
    async with serving(says(400, "InvalidInput")) as (service, where):
        queue = StorageQueue(where, Identity())
        with pytest.raises(Refused):
            await queue.put("ticks", {}, timedelta(seconds=14.001))
        await queue.close()
    assert service.requests[0].query == {"visibilitytimeout": "15", "messagettl": "-1"}


def test_importing_the_adapters_imports_no_sdk() -> None:
    """A cold start pays for azure.core, the clients and aiohttp only when something is asked."""
    program = (
        "import sys, cloud.tables, cloud.queues, cloud.identity\n"
        "print([name for name in sys.modules if name.split('.')[0] in ('azure', 'aiohttp')])"
    )
    done = subprocess.run([sys.executable, "-c", program], check=True, capture_output=True, text=True)
    assert done.stdout.strip() == "[]"
