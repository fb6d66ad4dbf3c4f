"""Trouble on order, and the log of what came."""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta

import pytest
from aiohttp import ClientError

from tests.localcloud.arm.cloud import APP, Cloud, cloud, image, to, traffic, until


async def trouble(it: Cloud, kind: str, **more: object) -> None:
    assert (await it.control("POST", "/trouble", {"kind": kind, "method": "PATCH", **more})).status == 200


PATCH = {"properties": {"template": image("2", revisionSuffix="two")}}


@pytest.mark.parametrize(
    ("kind", "status", "code"),
    [
        ("conflict", 409, "ContainerAppOperationInProgress"),
        ("locked", 409, "ContainerAppLockConflict"),
        ("throttled", 429, "SubscriptionRequestsThrottled"),
        ("error", 500, "InternalServerError"),
    ],
)
@pytest.mark.fidelity(44)
async def test_refused_requests_have_no_effect_and_only_as_many_as_ordered(kind: str, status: int, code: str) -> None:
    async with cloud() as it:
        await it.create()
        await trouble(it, kind, times=2, path="/containerapps/web", seconds=7)
        refused = [await it.ask("PATCH", APP, PATCH) for _ in range(2)]

        assert [r.status for r in refused] == [status, status]
        assert (refused[0].body.get("error") or refused[0].body)["code"] == code
        assert ("error" in refused[0].body) == (status != 409)
        assert refused[0].headers.get("retry-after") == ("7" if kind == "throttled" else None)
        assert (await it.ask("GET", f"{APP}/revisions/web--two")).status == 404
        assert (await it.ask("PATCH", APP, PATCH)).status == 202


async def test_a_lost_answer_has_its_effect() -> None:
    async with cloud() as it:
        await it.create()
        await trouble(it, "lost")

        assert (await it.ask("PATCH", APP, PATCH)).status == 500
        await it.until(APP, latestRevisionName="web--two")


async def test_a_cut_connection_has_its_effect() -> None:
    async with cloud() as it:
        await it.create()
        await trouble(it, "cut")

        with pytest.raises(ClientError):
            await it.ask("PATCH", APP, PATCH)
        await it.until(APP, latestRevisionName="web--two")


async def test_a_hanging_request_has_no_effect_and_ends_when_trouble_is_over() -> None:
    async with cloud() as it:
        await it.create()
        await trouble(it, "hang")
        asking = asyncio.create_task(it.ask("PATCH", APP, PATCH))
        await until(lambda: any(e.trouble == "hang" for e in it.arm.log.entries))
        await it.control("DELETE", "/trouble")

        with pytest.raises(ClientError):
            await asking
        assert (await it.ask("GET", f"{APP}/revisions/web--two")).status == 404


async def test_a_held_write_lands_after_a_later_one_although_its_client_has_left() -> None:
    async with cloud() as it:
        stable = await it.create()
        await it.patch(PATCH["properties"])
        await trouble(it, "held")
        up = traffic(to(stable, 50), to("web--two", 50))
        asking = asyncio.create_task(it.ask("PATCH", APP, {"properties": {"configuration": up}}))
        await until(lambda: len(it.arm.troubles.held) == 1)
        asking.cancel()
        await it.patch({"configuration": traffic(to(stable, 100))})
        assert it.plane.served["web.wb.localhost"] == ((stable, 100),)
        held = (await it.control("GET", "/held")).body["value"]
        released = await it.control("POST", "/release", {"id": held[0]["id"]})

        assert released.body == {"released": [{"id": held[0]["id"], "status": 202}]}
        await until(lambda: it.plane.served["web.wb.localhost"] == ((stable, 50), ("web--two", 50)))


async def test_a_held_write_waits_for_an_operation_to_end_and_answers_a_client_that_stayed() -> None:
    async with cloud() as it:
        stable = await it.create()
        await trouble(it, "held")
        asking = asyncio.create_task(it.ask("PATCH", APP, PATCH))
        await until(lambda: len(it.arm.troubles.held) == 1)
        other = await it.ask("PATCH", APP, {"properties": {"configuration": traffic(to(stable, 100))}})
        await it.control("POST", "/release")

        assert (await it.end(other)).body["status"] == "Succeeded"
        assert (await asking).status == 202


@pytest.mark.fidelity(47)
async def test_a_slow_operation_runs_until_the_clock_says_so_and_expires_after_its_limit() -> None:
    async with cloud() as it:
        await it.create()
        await trouble(it, "slow", seconds=600)
        answer = await it.ask("PATCH", APP, PATCH)
        assert (await it.properties())["provisioningState"] == "InProgress"
        assert (await it.end(answer, skip=301)).body["status"] == "Succeeded"

        await trouble(it, "slow", seconds=2000)
        late = await it.ask("PATCH", APP, {"properties": {"template": image("3")}})
        failed = await it.end(late, skip=100)
        assert failed.body["status"] == "Failed"
        assert failed.body["error"]["message"].endswith("Error details: Operation expired.")


@pytest.mark.fidelity(55)
async def test_the_clock_can_be_asked_and_moved() -> None:
    async with cloud() as it:
        before = datetime.fromisoformat((await it.control("GET", "/clock")).body["now"])
        after = datetime.fromisoformat((await it.control("POST", "/clock", {"advance": 300})).body["now"])

        assert after - before >= timedelta(seconds=300)


async def test_an_operation_can_be_ordered_to_fail() -> None:
    async with cloud() as it:
        await it.create()
        await trouble(it, "fail")
        failed = await it.patch(PATCH["properties"])

        assert failed.body["error"]["code"] == "ContainerAppOperationError"
        assert (await it.ask("GET", f"{APP}/revisions/web--two")).status == 404


async def test_every_request_is_logged_and_writes_are_counted_whatever_was_answered() -> None:
    async with cloud() as it:
        name = await it.create()
        await trouble(it, "error")
        await it.ask("PATCH", APP, {"properties": {"configuration": traffic(to(name, 100))}})
        await it.ask("POST", f"{APP}/revisions/{name}/restart")
        await it.ask("POST", f"{APP}/listSecrets")
        log = (await it.control("GET", "/log?method=PATCH&path=/web")).body["value"]

        assert [(e["status"], e["trouble"], e["keys"]) for e in log] == [
            (500, "error", ["properties.configuration.ingress.traffic"])
        ]
        counts = {"PUT": 1, "PATCH": 1, "POST": 1, "DELETE": 0, "total": 3}
        assert (await it.control("GET", "/writes?app=web")).body == counts
        assert (await it.control("GET", "/writes?app=other")).body["total"] == 0
        await it.control("DELETE", "/log")
        assert (await it.control("GET", "/writes")).body["total"] == 0


async def test_what_a_revision_says_can_be_overlaid() -> None:
    async with cloud() as it:
        name = await it.create()
        await it.control("POST", f"/revisions/{name}", {"runningState": "Degraded", "healthState": "Unhealthy"})
        assert (await it.revision(name))["runningState"] == "Degraded"
        await it.control("DELETE", "/trouble")

        assert (await it.revision(name))["runningState"] == "Running"


@pytest.mark.parametrize(
    ("path", "body", "error"),
    [
        (
            "/trouble",
            {"kind": "plague"},
            (
                "body.kind: expected one of conflict, locked, throttled, error, lost, cut, hang, held, slow, fail, "
                'found "plague"'
            ),
        ),
        (
            "/trouble",
            {"kind": "lost", "times": "2"},
            'body.times: expected a whole number from 1 to 1000000 (without it: 1), found "2"',
        ),
        (
            "/trouble",
            {"kind": "lost", "time": 2},
            "body: expected one of kind, times, method, path, seconds, found 'time'",
        ),
        ("/trouble", {}, "body: expected the member 'kind', found none"),
        ("/clock", {"advance": -1}, "body.advance: expected a number from 0 to 316224000, found -1"),
    ],
)
async def test_a_bad_order_is_told_what_is_wrong(path: str, body: object, error: str) -> None:
    async with cloud() as it:
        answer = await it.control("POST", path, body)

        assert (answer.status, answer.body) == (400, {"error": error})
