"""What the emulator remembers: environments, apps, their revisions and operations."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

from localcloud.arm.children import Children
from localcloud.arm.knobs import Knobs
from localcloud.arm.system_log import SystemLog

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import datetime
    from pathlib import Path

    from localcloud.arm.labels import LabelRecord
    from localcloud.dataplane.model import ReplicaState, Routes, Workload, WorkloadState

Json = dict[str, Any]


class Plane(Protocol):
    """What runs revisions and carries their traffic, see `localcloud.dataplane.DataPlane`."""

    async def resolve(self, image: str) -> str:
        """Digest of an image; raises PullError."""

    async def start(self, workload: Workload) -> None:
        """Begin to run a revision; raises PullError."""

    def state(self, revision: str) -> WorkloadState:
        """How its replicas are."""

    async def stop(self, revision: str) -> None:
        """Drain it and end its processes."""

    def log(self, revision: str, replica: str) -> Path:
        """Where the output of a replica is kept; the file may be missing."""

    async def route(self, routes: Routes) -> None:
        """Replace the whole ingress configuration; returns once it is in force."""

    async def counts(self) -> Mapping[str, Mapping[str, int]]:
        """Requests per revision and status code, running totals."""


@dataclass(slots=True, kw_only=True)
class Environment:
    """A managed environment. domain: its default domain. streams: where logs of it and its apps are read.

    asked: its location as the client wrote it. given: its `properties` that are kept, canonical (`environment_body`).
    modified: when it was changed last, None for never. provisioned: whether apps can be made in it.
    operation: what is being done to it.
    """

    subscription: str
    group: str
    name: str
    domain: str
    created: datetime
    given: Json
    location: str = "East US"
    asked: str = "eastus"
    streams: str = "https://localhost"
    tags: Json = field(default_factory=dict)
    identity: Json = field(default_factory=dict)
    modified: datetime | None = None
    provisioned: bool = True
    operation: EnvironmentOperation | None = None

    @property
    def id(self) -> str:
        """Its ARM id."""
        home = f"/subscriptions/{self.subscription}/resourceGroups/{self.group}"
        return f"{home}/providers/Microsoft.App/managedEnvironments/{self.name}"

    @property
    def workload_profiles(self) -> bool:
        """Whether it is of the kind that has workload profiles; the other kind has Consumption only."""
        return bool(self.given["workloadProfiles"])

    @property
    def usual_profile(self) -> str | None:
        """What an app in it says of its profile when it was not told one."""
        return "Consumption" if self.workload_profiles else None

    @property
    def outbound(self) -> list[str] | None:
        """Addresses that its apps call from, None where it is internal (recorded in tcp_ingress).

        In a subnet of the client's own that is not, there are some (recorded in revision_labels_mode_e2e).
        """
        vnet = self.given["vnetConfiguration"] or {}
        return None if vnet.get("infrastructureSubnetId") and vnet.get("internal") else ["127.0.0.1"]

    @property
    def state(self) -> str:
        """Its `provisioningState`. What Azure says while it is changed is in no recording."""
        if self.operation is None:
            return "Succeeded"
        return "ScheduledForDelete" if self.operation.kind == "DELETE" else "Waiting"


@dataclass(slots=True, kw_only=True)
class EnvironmentOperation:
    """One asynchronous write of an environment. kind: PUT, PATCH or DELETE. over: whether it has ended."""

    id: str
    kind: str
    environment: Environment
    started: datetime
    over: bool = False


@dataclass(slots=True, kw_only=True)
class Operation:
    """One asynchronous write. kind: PUT, PATCH or DELETE. error: its message when the status is Failed."""

    id: str
    subscription: str
    region: str
    kind: str
    app: App
    started: datetime
    status: str = "InProgress"
    error: str = ""
    over: asyncio.Event = field(default_factory=asyncio.Event)


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """A replica that a restart ended. since: when it had been begun. until: how long it is still listed."""

    replica: ReplicaState
    since: datetime
    until: datetime


@dataclass(slots=True, kw_only=True)
class Revision:
    """One revision.

    template: as the app had it. since: when its processes were begun. seen: the last state the data plane told;
    None while nothing runs. ready_since: when it first was ready after it was begun. stopping: it is Deprovisioning;
    superseded: because a newer one is ready in Single mode. turns: how often a deactivation was undone or made up for.
    ended: replicas of before its last restart.
    shown: members of the answer's `properties` that a test put over the true ones.
    """

    name: str
    template: Json
    created: datetime
    since: datetime
    active: bool = True
    stopping: bool = False
    superseded: bool = False
    turns: int = 0
    seen: WorkloadState | None = None
    ready_since: datetime | None = None
    last_active: datetime | None = None
    failed: str = ""
    ended: tuple[Ended, ...] = ()
    shown: Json = field(default_factory=dict)


@dataclass(slots=True, kw_only=True)
class App:
    """One container app.

    resource: its canonical writable body (location, tags, identity, properties). secrets: with their values.
    latest: name of the revision made last. autos: how many names were chosen for it. auth: its authConfigs' properties
    by name. labels: in Labels mode, what each label was on, newest first. serves: the revision each sends requests to.
    """

    subscription: str
    group: str
    name: str
    environment: Environment
    resource: Json
    created: datetime
    modified: datetime
    secrets: dict[str, Json] = field(default_factory=dict)
    revisions: list[Revision] = field(default_factory=list)
    provisioning: str = "InProgress"
    operation: Operation | None = None
    latest: str = ""
    ready: str = ""
    autos: int = 0
    stopped: bool = False
    labels: dict[str, list[LabelRecord]] = field(default_factory=dict)
    serves: dict[str, str] = field(default_factory=dict)
    auth: dict[str, Json] = field(default_factory=dict)
    knobs: Knobs = field(default_factory=Knobs)
    deleted: bool = False

    @property
    def home(self) -> str:
        """The start of ARM ids in its group."""
        return f"/subscriptions/{self.subscription}/resourceGroups/{self.group}/providers/Microsoft.App"

    @property
    def configuration(self) -> Json:
        """Its `configuration`, canonical."""
        found: Json = self.resource["properties"]["configuration"]
        return found

    @property
    def template(self) -> Json:
        """Its `template`, canonical."""
        found: Json = self.resource["properties"]["template"]
        return found

    @property
    def ingress(self) -> Json | None:
        """Its `configuration.ingress`, None when it is off."""
        found: Json | None = self.configuration["ingress"]
        return found

    @property
    def single(self) -> bool:
        """Whether only one revision is meant to be active."""
        return bool(self.configuration["activeRevisionsMode"] == "Single")

    @property
    def labelled(self) -> bool:
        """Whether it is in Labels mode."""
        return bool(self.configuration["activeRevisionsMode"] == "Labels")

    def revision(self, name: str) -> Revision | None:
        """The revision of this name in any case."""
        return next((r for r in self.revisions if r.name.lower() == name.lower()), None)

    def host(self, name: str, ingress: Json | None = None) -> str:
        """The host of the app or of one of its revisions or labels. ingress: one that is accepted, not yet in force."""
        found = ingress or self.ingress
        inside = "" if found is None or found["external"] else "internal."
        return f"{name}.{inside}{self.environment.domain}"


class Guest(Protocol):
    """A provider that keeps its resources itself."""

    def bodies(self) -> Iterable[Json]:
        """All of them, as ARM shows them."""

    def forget(self, home: str) -> None:
        """Those of a resource group are gone. home: its id."""


class Store:
    """Everything there is. Names are compared without case, as ARM does.

    others: registries and workspaces, lower-case id -> body. guests: they keep further resources.

    streams: for environments that are made from now on.
    """

    def __init__(self, knobs: Knobs | None = None) -> None:
        self.knobs = knobs or Knobs()
        self._apps: dict[tuple[str, str, str], App] = {}
        self.environments: dict[str, Environment] = {}
        self.operations: dict[str, Operation] = {}
        self.others: dict[str, Json] = {}
        self.children = Children()
        self.system_log = SystemLog()
        self.guests: list[Guest] = []
        self.streams = "https://localhost"

    def of_kind(self, kind: str, home: str) -> list[Json]:
        """Others of this type whose id begins with `home`."""
        return [r for key, r in self.others.items() if r["type"] == kind and key.startswith(home.lower())]

    def apps(self) -> Iterable[App]:
        """All apps, in the order they were made."""
        return list(self._apps.values())

    def app(self, subscription: str, group: str, name: str) -> App | None:
        """The app of this name."""
        return self._apps.get((subscription.lower(), group.lower(), name.lower()))

    def keep(self, app: App) -> None:
        """Remember an app."""
        self._apps[app.subscription.lower(), app.group.lower(), app.name.lower()] = app

    def forget(self, app: App) -> None:
        """Forget a deleted app."""
        self._apps.pop((app.subscription.lower(), app.group.lower(), app.name.lower()), None)
