"""An app on a fake Azure Resource Manager, and the adapter that speaks to it."""

from __future__ import annotations

from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from cloud.arm import Arm
from cloud.container_apps import ContainerApps
from rollouts.decided import CreateCanary, SetTraffic
from rollouts.seen import TrafficEntry
from tests.cloud.loopback import Answer, FakeCredential, Loopback, loopback, recorded, settings
from tests.fakes.clock import FakeClock

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

GROUP = "/subscriptions/00000000-0000-0000-0000-000000000000/resourceGroups/clitest.rg000001"
APP = f"{GROUP}/providers/Microsoft.App/containerApps/containerapp000002"
OLD, NEW = "containerapp000002--lp9udzp", "containerapp000002--ahq4i6h"
SPLIT = (TrafficEntry(revision=OLD, weight=90, label="blue"), TrafficEntry(revision=NEW, weight=10))
SPLIT_ON_THE_WIRE = [{"revisionName": OLD, "weight": 90, "label": "blue"}, {"revisionName": NEW, "weight": 10}]
CANARY = CreateCanary(container="", image="contoso.azurecr.io/web@sha256:ab", suffix="wb1-abcdef", traffic=())
TO_SPLIT = SetTraffic(traffic=SPLIT)
SECRET = "Password=hunter2"
LATER = datetime.max.replace(tzinfo=UTC)  # a write may be sent until then


@asynccontextmanager
async def azure(credential: FakeCredential | None = None) -> AsyncIterator[tuple[Loopback, ContainerApps]]:
    async with loopback() as server:
        used = credential or FakeCredential()
        arm = Arm(settings(arm=server.url), lambda: used)
        try:
            yield server, ContainerApps(arm, FakeClock())
        finally:
            await arm.close()


def serve_app(server: Loopback, **changed: object) -> None:
    app = recorded("revision_label.json", 28).body
    assert isinstance(app, dict)
    app["properties"] |= changed
    server.on("GET", "/containerapp000002", Answer(200, app))
    server.on("GET", "/revisions", recorded("revision_label.json", 29))
