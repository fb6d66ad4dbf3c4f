"""What a local cloud keeps between two runs: apps with their revisions, subscriptions, and how late it is.

Images and storage are kept by the registry and by Azurite, in folders of their own beside this file.
"""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import os
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Literal

import msgspec

from localcloud.arm.children import Child
from localcloud.arm.environment_body import properties
from localcloud.arm.labels import LabelRecord
from localcloud.arm.models import App, Environment, Revision
from localcloud.eventgrid.kept import KeptSubscription, KeptTopic, kept_subscriptions, kept_topics, restore

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterable
    from pathlib import Path

    from localcloud.arm import Arm
    from localcloud.clock import Clock
    from localcloud.eventgrid import EventGrid

_EVERY = 1.0  # seconds


class StateError(Exception):
    """The folder is in use, or was not written by a local cloud of this kind."""


class KeptRevision(msgspec.Struct, kw_only=True):
    """A revision; its processes are begun again."""

    name: str
    template: dict[str, Any]
    created: datetime
    active: bool
    last_active: datetime | None


class KeptApp(msgspec.Struct, kw_only=True):
    """An app. environment: its id."""

    subscription: str
    group: str
    name: str
    environment: str
    resource: dict[str, Any]
    created: datetime
    modified: datetime
    secrets: dict[str, dict[str, Any]]
    revisions: list[KeptRevision]
    provisioning: str
    latest: str
    ready: str
    autos: int
    stopped: bool = False
    labels: dict[str, list[LabelRecord]] = {}
    serves: dict[str, str] = {}
    auth: dict[str, dict[str, Any]] = {}


class KeptEnvironment(msgspec.Struct, kw_only=True):
    """An environment that a client made; it is provisioned by then."""

    subscription: str
    group: str
    name: str
    domain: str
    created: datetime
    location: str
    tags: dict[str, Any]
    given: dict[str, Any]
    asked: str = "eastus"
    identity: dict[str, Any] = {}
    modified: datetime | None = None


class Kept(msgspec.Struct, kw_only=True):
    """All of it. now: the cloud's time, which does not go back."""

    version: Literal[1] = 1
    now: datetime
    apps: list[KeptApp]
    environments: list[KeptEnvironment] = []
    children: list[Child] = msgspec.field(default_factory=list[Child])
    topics: list[KeptTopic] = []
    subscriptions: list[KeptSubscription]


class State:
    """One folder, of one local cloud at a time. It holds the secrets of apps: only its owner may read the file."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._file = folder / "cloud.json"
        self._written = b""
        self._lock = (folder / "lock").open("w")
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            self._lock.close()
            raise StateError(f"state: expected {folder} to be free, found another local cloud that uses it") from error

    def close(self) -> None:
        """Another may have it."""
        self._lock.close()

    def save(self, arm: Arm, grid: EventGrid) -> None:
        """Write what there is, whole or not at all; nothing when only time has passed."""
        kept = Kept(
            now=arm.clock.now(),
            apps=[_kept(app) for app in arm.store.apps() if not app.deleted],
            environments=[_environment(one) for one in arm.store.environments.values()],
            children=arm.store.children.all(),
            topics=kept_topics(grid),
            subscriptions=kept_subscriptions(grid),
        )
        same = msgspec.json.encode([kept.apps, kept.environments, kept.children, kept.topics, kept.subscriptions])
        if same == self._written and self._file.is_file():
            return
        fresh = self._file.with_name(".cloud.json")
        with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as out:
            out.write(msgspec.json.encode(kept))
        fresh.rename(self._file)
        self._written = same

    async def load(self, arm: Arm, grid: EventGrid) -> None:
        """As it was; nothing without a file. Raises StateError."""
        if not self._file.is_file():
            return
        try:
            kept = msgspec.json.decode(self._file.read_bytes(), type=Kept)
        except msgspec.DecodeError as error:
            raise StateError(f"state: {self._file}: expected what a local cloud wrote, found: {error}") from error
        _catch_up(arm.clock, kept.now)
        for there in kept.environments:
            known = {name: getattr(there, name) for name in there.__struct_fields__}
            fresh = Environment(**known | {"given": properties(there.given)}, streams=arm.store.streams)
            arm.store.environments.setdefault(fresh.id.lower(), fresh)
        for child in kept.children:
            arm.store.children.keep(child)
        for one in kept.apps:
            await _restore(arm, one)
        restore(grid, kept.topics, kept.subscriptions)


@contextlib.asynccontextmanager
async def keeping(state: State, arm: Arm, grid: EventGrid) -> AsyncIterator[None]:
    """Save at the end, and again and again until then, so that a cloud that is killed loses a second at most."""

    async def keep() -> None:
        while True:
            state.save(arm, grid)
            await asyncio.sleep(_EVERY)

    task = asyncio.create_task(keep())
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        state.save(arm, grid)


def _catch_up(clock: Clock, to: datetime) -> None:
    clock.advance(max(timedelta(), to - clock.now()))


def _kept(app: App) -> KeptApp:
    """An operation that runs now has no end later, so it is told as failed."""
    return KeptApp(
        subscription=app.subscription,
        group=app.group,
        name=app.name,
        environment=app.environment.id,
        resource=app.resource,
        created=app.created,
        modified=app.modified,
        secrets=app.secrets,
        revisions=[*_revisions(app.revisions)],
        provisioning="Failed" if app.operation is not None else app.provisioning,
        latest=app.latest,
        ready=app.ready,
        autos=app.autos,
        stopped=app.stopped,
        labels=app.labels,
        serves=app.serves,
        auth=app.auth,
    )


def _environment(one: Environment) -> KeptEnvironment:
    return KeptEnvironment(**{name: getattr(one, name) for name in KeptEnvironment.__struct_fields__})


def _revisions(revisions: Iterable[Revision]) -> Iterable[KeptRevision]:
    """One that is Deprovisioning will have been."""
    for one in revisions:
        yield KeptRevision(
            name=one.name,
            template=one.template,
            created=one.created,
            active=one.active and not one.stopping,
            last_active=one.last_active,
        )


async def _restore(arm: Arm, kept: KeptApp) -> None:
    environment = arm.store.environments.get(kept.environment.lower())
    if environment is None:
        raise StateError(f"state: {kept.name}: expected its environment {kept.environment}, found none")
    fields = {name: getattr(kept, name) for name in kept.__struct_fields__ if name not in ("environment", "revisions")}
    now = arm.clock.now()
    revisions = [
        Revision(
            name=one.name,
            template=one.template,
            created=one.created,
            since=now,
            active=one.active,
            last_active=one.last_active,
        )
        for one in kept.revisions
    ]
    app = App(**fields, environment=environment, revisions=revisions, knobs=arm.store.knobs)
    arm.store.keep(app)
    if not app.stopped:
        await arm.lifecycle.resume(app)
