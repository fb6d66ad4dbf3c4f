"""Every point of fidelity has a test or says what is missing, and the page says the same."""

from __future__ import annotations

import ast
import textwrap
from types import FunctionType
from typing import Any

import pytest

from localcloud.arm.fidelity import POINTS
from scripts import fidelity
from tests.localcloud.arm.cloud import APP, SUBSCRIPTION, app_body, cloud
from tests.localcloud.credential import Credential


def test_every_point_has_a_test_or_says_what_is_missing() -> None:
    marked = fidelity.tests()

    assert list(POINTS) == list(range(1, 61))
    assert [n for n, point in POINTS.items() if n not in marked and not point.missing] == []
    assert marked.keys() <= POINTS.keys()


def test_the_page_is_what_the_generator_writes() -> None:
    text = fidelity.PAGE.read_text()

    assert fidelity.page(text) == text


async def test_jobs_are_refused_by_name() -> None:
    async with cloud() as it:
        answer = await it.ask("PUT", APP.replace("containerApps/web", "jobs/nightly"), {})
        assert (answer.status, "Microsoft.App/jobs" in answer.body["error"]["message"]) == (501, True)


@pytest.mark.fidelity(56)
async def test_an_app_that_is_stopped_serves_nothing_until_it_is_started() -> None:
    async with cloud() as it:
        name = await it.create()
        await it.until(f"{APP}/revisions/{name}", runningState="Running")
        stopped = await it.ask("POST", f"{APP}/stop")
        assert (stopped.status, stopped.body) == (202, None)
        assert (await it.end(stopped)).body["properties"]["runningStatus"] == "Stopped"
        assert (it.plane.running, it.plane.served) == ({}, {})
        await it.end(await it.ask("POST", f"{APP}/start"))
        assert (await it.properties())["runningStatus"] == "Running"
        assert list(it.plane.running) == [name]
        assert f"{name}.wb.localhost" in it.plane.served


@pytest.mark.fidelity(56)
async def test_starting_what_runs_and_stopping_what_stands_changes_nothing() -> None:
    async with cloud() as it:
        name = await it.create()
        for act, running in (("start", [name]), ("stop", []), ("stop", [])):
            ended = await it.end(await it.ask("POST", f"{APP}/{act}"))
            assert (ended.status, list(it.plane.running)) == (200, running)


async def test_the_example_of_the_page_runs() -> None:
    lines = fidelity.PAGE.read_text().partition("`endpoints`):\n")[2].partition("\nThe policy")[0]
    code = compile(textwrap.dedent(lines), "docs/localcloud.md", "exec", flags=ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)
    async with cloud() as it:
        endpoints = {"subscription": SUBSCRIPTION, "arm_http": it.base}
        names: dict[str, Any] = {
            "endpoints": endpoints,
            "credential": Credential(),
            "group": "rg-local",
            "body": app_body(),
        }
        await FunctionType(code, names)()
        await names["client"].close()

        assert names["app"].latest_revision_name.startswith("web--")
