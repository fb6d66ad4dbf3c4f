"""Answers are what the published definitions say, but for what real answers say otherwise too."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from tests.localcloud.arm.cloud import APP, ENVIRONMENT, app_body, cloud, image, to, traffic
from tests.localcloud.arm.swagger import problems

FIXTURES = Path(__file__).parent / "fixtures"


def recorded(kind: str) -> set[str]:
    """What the recorded answers of one kind do beside the definitions."""
    found: set[str] = set()
    for file in ("revision_label_e2e", "ingress_traffic_e2e", "scale_revision_copy"):
        for one in json.loads((FIXTURES / f"{file}.json").read_text())["interactions"]:
            body = one["response"]["body"]
            if isinstance(body, dict) and body.get("type") == kind:
                found |= problems(NAMES[kind], body)
    return found


NAMES = {
    "Microsoft.App/containerApps": "ContainerApp",
    "Microsoft.App/containerapps/revisions": "Revision",
    "Microsoft.App/containerapps/revisions/replicas": "Replica",
    "Microsoft.App/managedEnvironments": "ManagedEnvironment",
}
# Not in the definitions of 2024-03-01: recorded with later versions, or an open string as every state is.
SINCE = {
    "ContainerApp.properties.configuration.runtime: unknown",
    "ContainerApp.properties.configuration.identitySettings: unknown",
    "ContainerApp.properties.template.scale.cooldownPeriod: unknown",
    "ContainerApp.properties.template.scale.pollingInterval: unknown",
    "Revision.properties.template.scale.cooldownPeriod: unknown",
    "Revision.properties.template.scale.pollingInterval: unknown",
    "Revision.properties.runningState: RunningAtMaxScale",
    "Revision.properties.runningState: Activating",
    "Revision.properties.runningState: Deprovisioning",
    "Revision.properties.runningStateDetails: unknown",
}


async def test_every_body_of_a_rollout_keeps_to_the_definitions() -> None:
    async with cloud() as it:
        bodies: list[dict[str, Any]] = [(await it.ask("PUT", APP, app_body(scale={"maxReplicas": 1}))).body]
        await it.until(APP, provisioningState="Succeeded")
        stable = (await it.properties())["latestRevisionName"]
        it.plane.ready = False
        both = traffic(to(stable, 100, label="blue"), to("web--two", 0))
        await it.patch({"template": image("2", revisionSuffix="two"), "configuration": both})
        bodies.append((await it.ask("GET", APP)).body)
        bodies += (await it.ask("GET", f"{APP}/revisions")).body["value"]
        it.plane.put("web--two", ready=False, failed="Container crashing: web")
        await it.until(f"{APP}/revisions/web--two", provisioningState="Failed")
        await it.ask("POST", f"{APP}/revisions/{stable}/deactivate")
        await it.until(f"{APP}/revisions/{stable}", active=False)
        bodies += (await it.ask("GET", f"{APP}/revisions")).body["value"]
        bodies += (await it.ask("GET", f"{APP}/revisions/web--two/replicas")).body["value"]
        bodies.append((await it.ask("GET", ENVIRONMENT, version="2024-03-01")).body)

    assert {b["type"] for b in bodies} == set(NAMES)
    for body in bodies:
        assert problems(NAMES[body["type"]], body) <= recorded(body["type"]) | SINCE


async def test_refusals_have_the_published_envelope() -> None:
    async with cloud() as it:
        assert problems("DefaultErrorResponse", (await it.ask("GET", APP)).body) == set()


def test_the_check_itself_finds_what_is_wrong() -> None:
    body = {"properties": {"active": "yes", "replicas": 1, "made": "up", "healthState": "Fine"}}

    assert problems("Revision", body) == {
        "Revision.properties.active: not boolean",
        "Revision.properties.made: unknown",
        "Revision.properties.healthState: Fine",
    }
