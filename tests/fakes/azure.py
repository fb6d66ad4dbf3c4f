"""A Container Apps that keeps the rules the product leans on, with every trouble a write can have.

Facts (aca-platform): one operation at a time (409), PATCH is accepted before it takes effect, weights ignore health,
revisions keep their names for ever, deactivating answers at once. A write may be refused, lost before or after it
takes effect, or held back and landed later, after any other write.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import TYPE_CHECKING

from delivery.errors import Refused, Retry
from delivery.ports import Sent
from rollouts.decided import Activate, ArmWrite, CreateCanary, Deactivate, SetTraffic
from rollouts.seen import AppSeen, OperationSeen, OperationState, ProbeSeen, RevisionSeen, TrafficEntry

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    from delivery.ports import Clock
    from rollouts.checks import ProbeSpec

    Hook = Callable[[str, tuple[object, ...]], Awaitable[None]]


class Trouble(StrEnum):
    """What happens to one send."""

    NONE = "none"
    BUSY = "409"
    BROKEN = "500, not applied"
    LOST = "no answer, not applied"
    SILENT = "no answer, applied"
    HELD = "no answer, held back until released"


class Fate(StrEnum):
    """What becomes of the revisions of an image."""

    GOOD = "good"
    NEVER_READY = "never ready"
    CRASHES = "crash loop"
    NO_IMAGE = "image cannot be pulled: the operation fails and no revision appears"


@dataclass(kw_only=True)
class _Revision:
    name: str
    images: dict[str, str]
    created_at: datetime
    active: bool = True
    ready_at: datetime | None = None
    crashed: bool = False
    answers: bool = True


@dataclass(kw_only=True)
class _Operation:
    ends_at: datetime
    write: ArmWrite
    error: str = ""
    applied: bool = False


@dataclass(kw_only=True)
class FakeApp:
    """One app. `fates` maps a digest to what becomes of its revisions."""

    id: str
    container: str = "web"
    multiple: bool = True
    ingress: bool = True
    tcp: bool = False
    sticky: bool = False
    floor: int = 1
    location: str = ""
    traffic: list[TrafficEntry] = field(default_factory=list)
    revisions: dict[str, _Revision] = field(default_factory=dict)
    template: dict[str, str] = field(default_factory=dict)
    operation: str = ""
    held: list[ArmWrite] = field(default_factory=list)
    writes: list[ArmWrite] = field(default_factory=list)  # sent, and not refused
    history: list[tuple[datetime, dict[str, int]]] = field(default_factory=list)

    @property
    def name(self) -> str:
        return self.id.rsplit("/", 1)[-1]


class FakeAzure:
    """Implements delivery.ports.Apps, Rights and Prober over apps in memory; time is the given clock."""

    def __init__(self, clock: Clock, *, latency: timedelta = timedelta(seconds=8)) -> None:
        self.clock = clock
        self.latency = latency
        self.boot = timedelta(seconds=20)
        self.apps: dict[str, FakeApp] = {}
        self.fates: dict[str, Fate] = {}
        self.operations: dict[str, tuple[str, _Operation]] = {}
        self.trouble: Callable[[FakeApp, ArmWrite], Trouble] = lambda _app, _write: Trouble.NONE
        self.away = False
        self.missing: set[str] = set()  # rights that were taken away
        self.unhealthy: set[str] = set()
        self.hidden: set[str] = set()  # made, and not listed yet
        self.before: Hook | None = None
        self.after: Hook | None = None
        self.counted = 0
        self.gets = 0

    def create(
        self, resource: str, image: str, *, suffix: str = "first", latest: bool = True, **more: object
    ) -> FakeApp:
        """An app with one ready revision that carries all the traffic."""
        app = FakeApp(id=resource, **more)  # type: ignore[arg-type]  # keyword fields of the dataclass
        now = self.clock.now()
        name = f"{app.name}--{suffix}"
        app.template = {app.container: image}
        app.revisions[name] = _Revision(name=name, images={app.container: image}, created_at=now, ready_at=now)
        app.traffic = [TrafficEntry(weight=100, latest=True) if latest else TrafficEntry(weight=100, revision=name)]
        self.apps[resource.lower()] = app
        return app

    def fate(self, image: str) -> Fate:
        return next((fate for digest, fate in self.fates.items() if digest in image), Fate.GOOD)

    async def lacking(self, resource: str, wanted: Sequence[str]) -> tuple[str, ...]:
        """`delivery.ports.Rights`: all but `missing`."""
        del resource
        return tuple(right for right in wanted if right in self.missing)

    # what a person or another tool does, past the product

    def set_traffic(self, app: FakeApp, **weights: int) -> None:
        """Weights by revision suffix (`-` written `_`)."""
        app.traffic = [
            TrafficEntry(weight=w, revision=f"{app.name}--{suffix.replace('_', '-')}") for suffix, w in weights.items()
        ]
        self._note(app)

    def label(self, app: FakeApp, revision: str, label: str) -> None:
        """Put a label on a revision, at no weight."""
        app.traffic.append(TrafficEntry(weight=0, revision=revision, label=label))
        self._note(app)

    def deactivate(self, app: FakeApp, revision: str) -> None:
        """Deactivate a revision, whatever its weight."""
        app.revisions[revision].active = False

    def revise(self, app: FakeApp, suffix: str) -> None:
        """Someone changes the template: another revision, not ours."""
        name, now = f"{app.name}--{suffix}", self.clock.now()
        app.revisions[name] = _Revision(name=name, images=dict(app.template), created_at=now, ready_at=now)

    # time

    def settle(self) -> None:
        """Let every operation that is due end."""
        now = self.clock.now()
        for app_id, operation in self.operations.values():
            if operation.ends_at <= now and not operation.applied:
                operation.applied = True
                app = self.apps[app_id]
                app.operation = ""
                if not operation.error:
                    self._apply(app, operation.write)

    def _apply(self, app: FakeApp, write: ArmWrite) -> None:
        match write:
            case SetTraffic(traffic=traffic):
                app.traffic = list(traffic)
            case CreateCanary():
                self._create(app, write)
            case Activate(revision=name):
                app.revisions[name].active = True
            case Deactivate(revision=name):
                app.revisions[name].active = False
        self._note(app)

    def _create(self, app: FakeApp, write: CreateCanary) -> None:
        name = f"{app.name}--{write.suffix}"
        container = write.container or app.container
        if name not in app.revisions:
            app.template = {**app.template, container: write.image}
            fate = self.fate(write.image)
            now = self.clock.now()
            app.revisions[name] = _Revision(
                name=name,
                images=dict(app.template),
                created_at=now,
                ready_at=now + self.boot if fate is Fate.GOOD else None,
                crashed=fate is Fate.CRASHES,
            )
        if write.traffic:
            app.traffic = list(write.traffic)

    def _note(self, app: FakeApp) -> None:
        app.history.append((self.clock.now(), self.weights(app)))

    def weights(self, app: FakeApp) -> dict[str, int]:
        """Who gets how much now, summed per revision."""
        found: dict[str, int] = {}
        for entry in app.traffic:
            name = self._latest_ready(app) if entry.latest else entry.revision
            found[name] = found.get(name, 0) + entry.weight
        return {name: weight for name, weight in found.items() if weight}

    def _ready(self, revision: _Revision) -> bool:
        return revision.ready_at is not None and revision.ready_at <= self.clock.now() and not revision.crashed

    def _latest_ready(self, app: FakeApp) -> str:
        ready = [r for r in app.revisions.values() if r.ready_at is not None and r.ready_at <= self.clock.now()]
        return ready[-1].name if ready else ""

    # delivery.ports.Apps

    def seen(self, resource: str) -> AppSeen:
        """The app as ARM tells it now."""
        self.settle()
        app = self.apps.get(resource.lower())
        if app is None:
            raise Refused(f"{resource}: expected an app, found none", status=404)
        return AppSeen(
            at=self.clock.now(),
            multiple=app.multiple,
            provisioning="InProgress" if app.operation else "Succeeded",
            traffic=tuple(app.traffic),
            revisions=tuple(self._revision(app, r) for r in app.revisions.values() if r.name not in self.hidden),
            latest_ready=self._latest_ready(app),
            ingress=app.ingress,
            tcp=app.tcp,
            sticky=app.sticky,
            fqdn=f"{app.name}.env.test" if app.ingress else "",
            images=dict(app.template),
            location=app.location,
        )

    def _revision(self, app: FakeApp, revision: _Revision) -> RevisionSeen:
        ready = self._ready(revision)
        health, running = ("Healthy", "Running") if ready else ("None", "Activating")
        if revision.name in self.unhealthy:
            health = "Unhealthy"
        if revision.crashed:
            health, running = "Unhealthy", "Failed"
        if not revision.active:
            health, running = "Healthy", "Stopped"
        return RevisionSeen(
            name=revision.name,
            active=revision.active,
            provisioning="Failed" if revision.crashed and revision.active else "Provisioned",
            health=health,
            running=running,
            details="1/1 Container crashing: web" if revision.crashed and revision.active else "",
            replicas=1 if ready and revision.active else 0,
            floor=app.floor,
            images=dict(revision.images),
            fqdn=f"{revision.name}.env.test" if app.ingress else "",
            created_at=revision.created_at,
        )

    async def look(self, app: str) -> AppSeen:
        await _run(self.before, "look", app)
        self.gets += 2
        if self.away:
            raise Retry("ARM 503")
        seen = self.seen(app)
        await _run(self.after, "look", app)
        return seen

    async def restarts(self, app: str, revision: str) -> int:
        await _run(self.before, "restarts", app, revision)
        self.gets += 1
        return 3 if self.apps[app.lower()].revisions[revision].crashed else 0

    async def operation(self, location: str) -> OperationSeen:
        await _run(self.before, "operation", location)
        self.gets += 1
        self.settle()
        return self.polled(location)

    def polled(self, location: str) -> OperationSeen:
        """The state of an operation now."""
        if location not in self.operations:
            raise Refused("ARM 404 OperationNotFound", status=404)
        _, operation = self.operations[location]
        if not operation.applied:
            return OperationSeen(state=OperationState.RUNNING)
        if operation.error:
            return OperationSeen(state=OperationState.FAILED, error=operation.error)
        return OperationSeen(state=OperationState.SUCCEEDED)

    async def send(self, app: str, write: ArmWrite, before: datetime) -> Sent:
        _ = before
        await _run(self.before, "send", app, write)
        sent = self.take(app, write)
        await _run(self.after, "send", app, write)
        return sent

    def take(self, resource: str, write: ArmWrite) -> Sent:
        """Take, refuse or lose one write."""
        self.settle()
        app = self.apps[resource.lower()]
        trouble = self.trouble(app, write)
        if trouble is Trouble.BUSY or (app.operation and trouble is Trouble.NONE):
            raise Retry("ARM 409 ContainerAppOperationInProgress")
        app.writes.append(write)
        match trouble:
            case Trouble.BROKEN:
                raise Retry("ARM 500 InternalServerError", lost=True)
            case Trouble.LOST:
                raise Retry("no answer within 30 s", lost=True)
            case Trouble.SILENT:
                self._start(app, write)
                raise Retry("no answer within 30 s", lost=True)
            case Trouble.HELD:
                app.held.append(write)
                raise Retry("no answer within 30 s", lost=True)
            case _:
                return self._start(app, write)

    def release(self, app: FakeApp) -> None:
        """Land every write that was held back, now and at once."""
        held, app.held = app.held, []
        for write in held:
            self._apply(app, write)

    def _start(self, app: FakeApp, write: ArmWrite) -> Sent:
        if isinstance(write, Activate | Deactivate):
            self._apply(app, write)
            return Sent()
        self.counted += 1
        location = f"https://arm.test/operations/{self.counted}"
        error = ""
        if isinstance(write, CreateCanary) and self.fate(write.image) is Fate.NO_IMAGE:
            error = "ContainerAppOperationError: Field 'template.containers.web.image' is invalid: MANIFEST_UNKNOWN"
        app.operation = location
        self.operations[location] = (
            app.id.lower(),
            _Operation(ends_at=self.clock.now() + self.latency, write=write, error=error),
        )
        return Sent(location=location)

    # delivery.ports.Prober

    async def probe(self, fqdn: str, spec: ProbeSpec) -> ProbeSeen:
        await _run(self.before, "probe", fqdn, spec)
        return self.probed(fqdn, spec)

    def probed(self, fqdn: str, spec: ProbeSpec) -> ProbeSeen:
        """A ready revision answers 200 in 5 ms."""
        name = fqdn.split(".", maxsplit=1)[0]
        revision = next((a.revisions[name] for a in self.apps.values() if name in a.revisions), None)
        ok = revision is not None and self._ready(revision) and revision.active and revision.answers
        return ProbeSeen(
            at=self.clock.now(),
            path=spec.path,
            status=200 if ok else None,
            took=timedelta(milliseconds=5),
            because="" if ok else "no answer",
        )


async def _run(hook: Hook | None, name: str, *arguments: object) -> None:
    if hook is not None:
        await hook(name, arguments)
