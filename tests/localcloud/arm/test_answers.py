"""Every answer about apps, revisions, replicas and environments holds before the judge, in every api-version."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import pytest

from localcloud.arm.versions import VERSIONS
from tests.localcloud.arm import judge
from tests.localcloud.arm.cloud import APP, ENVIRONMENT, GROUP, SUBSCRIPTION, Answer, Cloud, app_body, cloud, image, to
from tests.localcloud.arm.sdk_bodies import full

HOME = f"/subscriptions/{SUBSCRIPTION}"
APPS = "providers/Microsoft.App/containerApps"
ENVIRONMENTS = "providers/Microsoft.App/managedEnvironments"
PICKS = 5  # the largest enum of an app has so many values
# Those without blank members, those with published definitions, and that of the SDK.
TOLD_APART = ("2022-06-01-preview", "2024-03-01", "2024-08-02-preview", "2026-07-01")
OPERATION = {"id", "name", "status", "startTime"}


@dataclass
class Judged:
    """Asks, and judges what is answered. wrong: what was found so far, each with the request.

    sent: what a request had that its version does not know, and an answer may repeat.
    """

    it: Cloud
    version: str
    sent: set[str] = field(default_factory=set)
    wrong: set[str] = field(default_factory=set)

    async def ask(self, method: str, path: str, model: str, body: object = None, status: int = 200) -> Any:
        """One request; answers its body, or the body its operation ends with."""
        got = await self.it.ask(method, path, body, self.version)
        assert got.status == status, (method, path, got)
        if got.body is not None:
            self._judge(f"{method} {path}", model, got.body)
        elif "location" in got.headers:
            ended = await self.it.end(Answer(got.status, {"location": got.headers["location"]}, None))
            if model or ended.body is not None:
                self._judge(f"results of {method} {path}", model, ended.body)
        if "azure-asyncoperation" in got.headers:
            status_of = await self.it.ask("GET", got.headers["azure-asyncoperation"])
            self._judge_status(f"status of {method} {path}", status_of.body)
            self._judge_status(f"end of {method} {path}", (await self.it.end(got)).body)
        return got.body

    async def list(self, path: str, model: str) -> list[Any]:
        """Every member of a list."""
        got = (await self.it.ask("GET", path, version=self.version)).body
        assert got.keys() <= {"value", "nextLink"}
        for one in got["value"]:
            self._judge(f"GET {path}", model, one)
        found: list[Any] = got["value"]
        return found

    async def refused(self, method: str, path: str, status: int, body: object = None) -> None:
        got = await self.it.ask(method, path, body, self.version)
        assert got.status == status, (method, path, got)
        self.wrong |= {f"{method} {path}: {found}" for found in judge.refusal(got.body)}

    def _judge(self, where: str, model: str, body: object) -> None:
        """model "": the answer is a sentence, or nothing."""
        if model:
            self.wrong |= {f"{where}: {one}" for one in judge.problems(model, body, self.version) - self.sent}
        elif not isinstance(body, str):
            self.wrong.add(f"{where}: not a sentence")

    def _judge_status(self, where: str, body: dict[str, Any]) -> None:
        """The SDK has no model of it; Azure was recorded to answer these four members."""
        if body.keys() != OPERATION or body["status"] not in {"InProgress", "Succeeded"}:
            self.wrong.add(f"{where}: {body}")


async def over_one_app(ask: Judged, app: str, body: dict[str, Any]) -> str:
    """Everything about an app that ends as it began; answers the name of its revision."""
    await ask.ask("PUT", app, "ContainerApp", body, 201)
    await ask.ask("GET", app, "ContainerApp")
    await ask.ask("PATCH", app, "ContainerApp", {"properties": body["properties"]}, 202)
    *_, revision = await ask.list(f"{app}/revisions", "Revision")
    name: str = revision["name"]
    place = f"{app}/revisions/{name}"
    await ask.ask("GET", place, "Revision")
    replica, *_ = await ask.list(f"{place}/replicas", "Replica")
    await ask.ask("GET", f"{place}/replicas/{replica['name']}", "Replica")
    await ask.ask("POST", f"{app}/listSecrets", "SecretsCollection")
    await ask.ask("POST", f"{app}/getAuthtoken", "ContainerAppAuthToken")
    return name


def shapes(version: str) -> dict[str, dict[str, Any]]:
    """Apps as people have them, by what is special: all of them where a version is told apart."""
    plain, single, inside, tcp = app_body(), app_body("Single"), app_body(), app_body()
    del inside["properties"]["configuration"]["ingress"]
    tcp["properties"]["configuration"]["ingress"] = {"transport": "tcp", "targetPort": 80, "exposedPort": 8080}
    every = {"plain": plain, "single": single, "inside": inside, "tcp": tcp}
    for body in every.values():
        body["properties"]["managedEnvironmentId"] = ENVIRONMENT  # the oldest know no other name for it
    return every if version in TOLD_APART else {"plain": plain}


def sendable(pick: int, version: str) -> tuple[dict[str, Any], set[str]]:
    """A body of every member, and what in it this version does not know but does not drop: values of enums."""
    body = full("ContainerApp", pick)
    strange = {one for one in judge.problems("ContainerApp", body, version) if not one.endswith(": unknown")}
    return body, strange | {one.replace("ContainerApp.", "Revision.", 1) for one in strange}


@pytest.mark.parametrize("version", VERSIONS)
async def test_answers_about_apps_are_as_the_models_say(version: str) -> None:
    picks = range(PICKS) if version in TOLD_APART else [VERSIONS.index(version) % PICKS]
    async with cloud() as it:
        ask = Judged(it, version)
        for shape, body in shapes(version).items():
            await over_one_app(ask, f"{APP}-{shape}", body)
        for pick in picks:
            body, strange = sendable(pick, version)
            ask.sent |= strange
            await over_one_app(ask, f"{APP}-{pick}", body)
        for home in (GROUP, HOME):
            assert len(await ask.list(f"{home}/{APPS}", "ContainerApp")) == len(shapes(version)) + len(picks)
        for act in ("stop", "start"):
            await ask.ask("POST", f"{APP}-plain/{act}", "ContainerApp", status=202)
        await ask.ask("DELETE", f"{APP}-plain", "", status=202)

    assert ask.wrong == set()


@pytest.mark.parametrize("version", TOLD_APART)
async def test_answers_of_every_state_are_as_the_models_say(version: str) -> None:
    async with cloud() as it:
        ask = Judged(it, version)
        stable = await over_one_app(ask, APP, app_body(scale={"maxReplicas": 1}))
        it.plane.ready = False
        entries = [to(stable, 100, label="blue"), to("web--two", 0), {"latestRevision": True, "weight": 0}]
        both = {"template": image("2", revisionSuffix="two"), "configuration": {"ingress": {"traffic": entries}}}
        await ask.ask("PATCH", APP, "ContainerApp", {"properties": both}, 202)
        await ask.list(f"{APP}/revisions", "Revision")
        it.plane.put("web--two", ready=False, failed="Container crashing: web")
        await it.until(f"{APP}/revisions/web--two", provisioningState="Failed")
        await ask.list(f"{APP}/revisions/web--two/replicas", "Replica")
        for act in ("restart", "deactivate", "activate", "deactivate"):
            await ask.ask("POST", f"{APP}/revisions/{stable}/{act}", "")
            await ask.list(f"{APP}/revisions", "Revision")
        await it.until(f"{APP}/revisions/{stable}", active=False)
        await ask.list(f"{APP}/revisions", "Revision")

    assert ask.wrong == set()


@pytest.mark.parametrize("version", VERSIONS)
async def test_answers_about_environments_are_as_the_models_say(version: str) -> None:
    async with cloud() as it:
        ask = Judged(it, version)
        made = f"{GROUP}/{ENVIRONMENTS}/made"
        body = full("ManagedEnvironment", 0)
        del body["properties"]["customDomainConfiguration"]  # its certificate would have to be one
        await ask.ask("PUT", made, "ManagedEnvironment", body, 201)
        await ask.ask("PUT", made, "ManagedEnvironment", body)
        await ask.ask("PATCH", made, "ManagedEnvironment", {"tags": {"a": "b"}})
        logs = {"appLogsConfiguration": {"destination": "azure-monitor"}}
        await ask.ask("PATCH", made, "ManagedEnvironment", {"properties": logs}, 202)
        for place in (made, ENVIRONMENT):
            await ask.ask("GET", place, "ManagedEnvironment")
            await ask.ask("POST", f"{place}/getAuthtoken", "EnvironmentAuthToken")
        await ask.list(f"{GROUP}/{ENVIRONMENTS}", "ManagedEnvironment")
        await ask.list(f"{HOME}/{ENVIRONMENTS}", "ManagedEnvironment")

    assert ask.wrong == set()


@pytest.mark.parametrize("version", TOLD_APART)
async def test_refusals_are_as_the_models_say(version: str) -> None:
    async with cloud() as it:
        ask = Judged(it, version)
        await it.create()
        elsewhere = app_body()
        elsewhere["properties"]["environmentId"] += "-gone"
        await ask.refused("GET", f"{APP}x", 404)
        await ask.refused("GET", f"{ENVIRONMENT}x", 404)
        await ask.refused("GET", f"{APP}/revisions/gone", 404)
        await ask.refused(
            "GET", f"{HOME}/providers/Microsoft.App/locations/eastus/containerappOperationStatuses/a", 404
        )
        await ask.refused("PUT", f"{APP}x", 404, elsewhere)
        await ask.refused("PUT", f"{APP}x", 400, [])
        await ask.refused("PUT", f"{APP}x", 400, app_body(containers=[]))
        await ask.refused("GET", f"{APP}/authConfigs/current", 404)
        await ask.refused("GET", f"{APP}/sourcecontrols/current", 501)
        await it.slow("PATCH", {"properties": {"template": image("2")}})
        await ask.refused("PATCH", APP, 409, {"properties": {"template": image("3")}})
        await ask.refused("DELETE", ENVIRONMENT, 409)

    assert ask.wrong == set()
