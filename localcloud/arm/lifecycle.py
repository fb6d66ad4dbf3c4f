"""Revisions over time: begun, ready, weighted, drained, stopped. One loop watches what the processes do."""

from __future__ import annotations

import asyncio
import logging
from datetime import timedelta
from typing import TYPE_CHECKING

from localcloud.arm import labels
from localcloud.arm.models import Ended
from localcloud.arm.path_hosts import hosts
from localcloud.arm.states import is_ready, scale, wanted
from localcloud.arm.traffic import routes
from localcloud.dataplane.model import PullError, Workload

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine
    from datetime import datetime

    from localcloud.arm.models import App, Plane, Revision, Store
    from localcloud.clock import Clock
    from localcloud.dataplane.model import Routes
    from localcloud.profile import Profile

_log = logging.getLogger(__name__)
_WATCH_SECONDS = 0.05
NO_IMAGE = "Pending:ImagePullBackOff on legion"
_FOUND = 80  # where a container is taken to listen that was given no target port; its process is told a port anyway


class Lifecycle:
    """Moves revisions between their states and keeps the ingress in step with them."""

    def __init__(self, store: Store, clock: Clock, plane: Plane, profile: Profile) -> None:
        self._store, self._clock, self._plane, self._profile = store, clock, plane, profile
        self._confirmed: object = None
        self._routing = asyncio.Lock()
        self._moving: dict[str, asyncio.Lock] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    async def route(self) -> None:
        """Have the ingress serve what the apps say now; returns once it does."""
        async with self._routing:
            # An app's own host is its own, whatever a route is called.
            table: Routes = {**hosts(self._store), **routes(self._store.apps())}
            if table != self._confirmed:
                await self._plane.route(table)
                self._confirmed = table

    async def begin(self, app: App, revision: Revision) -> None:
        """Start its processes; raises PullError."""
        await self._plane.start(_workload(app, revision))
        revision.seen = self._plane.state(revision.name)

    async def resume(self, app: App) -> None:
        """Begin the revisions of an app that was kept, those that are active; returns once its hosts are served."""
        await asyncio.gather(*(self._begin_again(app, revision) for revision in app.revisions if revision.active))
        await self.route()

    def activate(self, app: App, revision: Revision) -> None:
        """Soon, and also while it drains: the processes it has serve on."""
        self._spawn(self._activate(app, revision))

    def deactivate(self, revision: Revision) -> None:
        """Soon; it is Deprovisioning for a while, and its entries stay in the traffic array."""
        self._spawn(self._deactivate(revision, lambda: True))

    def restart(self, app: App, revision: Revision) -> None:
        """Soon: its processes end and others begin. Azure keeps serving meanwhile; one process cannot."""
        self._spawn(self._restart(app, revision))

    async def stop(self, app: App) -> None:
        """End what runs of an app that is being deleted or stopped: first no more requests, then no more processes."""
        await self.route()
        running = [revision for revision in app.revisions if revision.seen is not None]
        await asyncio.gather(*(self._plane.stop(revision.name) for revision in running))
        for revision in running:
            revision.seen = None

    async def watch(self) -> None:
        """Look at every revision again and again, for ever."""
        while True:
            try:
                await self.step()
            except Exception:  # noqa: BLE001 - a failed look must not end the watch: everything after it would stand still
                _log.exception("localcloud: watching revisions failed; trying again")
            await asyncio.sleep(_WATCH_SECONDS)

    async def step(self) -> None:
        """One look at every revision, and what follows from it."""
        now = self._clock.now()
        for app in self._store.apps():
            for revision in app.revisions:
                if revision.seen is not None:
                    revision.seen = self._plane.state(revision.name)
                    if revision.ready_since is None and is_ready(revision):
                        revision.ready_since = now
            self.follow(app)
            self._prune(app, now)
        await self.route()

    def _prune(self, app: App, now: datetime) -> None:
        """Forget the oldest inactive revisions over the limit, long after it was passed: it is a target (seen)."""
        after, most = self._store.knobs.prune, app.configuration["maxInactiveRevisions"]
        if after == "never" or most is None:
            return
        inactive = [revision for revision in app.revisions if not revision.active]
        settled = now - timedelta(seconds=int(after))
        for revision in inactive[: max(0, len(inactive) - most)]:
            if revision.last_active is not None and revision.last_active <= settled:
                app.revisions.remove(revision)

    async def close(self) -> None:
        """Leave every revision as it is."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def follow(self, app: App) -> None:
        """The pointer to the latest ready revision only ever moves to a newer one, and late.

        In Single mode the older revisions go once the latest is ready; leaving it saves those that have not begun to
        drain (recorded both ways in revision_label_e2e, in February and in April 2024). In Labels mode those go that
        have no label, and one that gets a label is activated.
        """
        names = [r.name for r in app.revisions]
        now = self._clock.now()
        settled = now - timedelta(seconds=self._profile.ready_lag)
        for revision in app.revisions:
            ready = revision.active and revision.ready_since is not None and revision.ready_since <= settled
            if ready and (not app.ready or names.index(revision.name) > names.index(app.ready)):
                app.ready = revision.name
        for name in labels.follow(app, now, settled, self._profile.progress):
            found = app.revision(name)
            if found is not None and not found.active:
                self.activate(app, found)
        unlabelled = labels.unlabelled(app)
        for revision in app.revisions:
            going = revision.superseded or revision.stopping
            if revision.superseded and not revision.stopping and not app.single and revision.name not in unlabelled:
                revision.superseded = False
            older = app.single and app.ready == app.latest != revision.name
            if revision.active and not going and (older or revision.name in unlabelled):
                self._supersede(revision)

    def _supersede(self, revision: Revision) -> None:
        revision.superseded = True
        self._spawn(self._deactivate(revision, lambda: revision.superseded))

    def _spawn(self, work: Coroutine[None, None, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def _lock(self, revision: Revision) -> asyncio.Lock:
        return self._moving.setdefault(revision.name, asyncio.Lock())

    async def _activate(self, app: App, revision: Revision) -> None:
        async with self._lock(revision):
            await self._clock.sleep(self._profile.activate)
            drains, revision.turns = revision.stopping, revision.turns + 1
            revision.stopping = revision.superseded = False
            if not revision.active:
                revision.active, revision.failed = True, ""
                await self._begin_again(app, revision)
            elif drains:
                await self.route()

    async def _begin_again(self, app: App, revision: Revision) -> None:
        revision.since, revision.ready_since = self._clock.now(), None
        try:
            await self.begin(app, revision)
        except PullError:
            revision.failed = NO_IMAGE

    async def _deactivate(self, revision: Revision, still: Callable[[], bool]) -> None:
        """still: whether it is still wanted, asked before it begins to drain and again before it is stopped.

        While it drains it can be activated or restarted (recorded in scale_revision_copy).
        """
        async with self._lock(revision):
            if not revision.active:
                return
            await self._clock.sleep(self._profile.activate)
            revision.stopping, turn, began = still(), revision.turns, self._clock.now()
            await self.route()
        await self._clock.sleep(self._profile.drain)
        async with self._lock(revision):
            if _undone(revision, turn) or not still():
                return
            if revision.seen is not None:
                await self._plane.stop(revision.name)
            revision.seen, revision.failed, revision.shown = None, "", {}
            revision.active = revision.stopping = revision.superseded = False
            revision.last_active = began  # (recorded in revision_labels_mode_e2e)

    async def _restart(self, app: App, revision: Revision) -> None:
        async with self._lock(revision):
            await self._clock.sleep(self._profile.activate)
            if revision.active and revision.seen is not None:
                until = self._clock.now() + timedelta(seconds=self._profile.drain)
                ended = revision.seen.replicas
                revision.ended = tuple(Ended(replica=one, since=revision.since, until=until) for one in ended)
                revision.seen = None
                await self._plane.stop(revision.name)
                await self._begin_again(app, revision)


def _undone(revision: Revision, turn: int) -> bool:
    """Whether a deactivation of that turn has nothing left to do: it was taken back, or another one was faster."""
    return revision.turns != turn or not revision.active


def _workload(app: App, revision: Revision) -> Workload:
    """What is run for a revision: its first container. Side-cars are only answered about, not run."""
    container = revision.template["containers"][0]
    return Workload(
        revision=revision.name,
        image=container["image"],
        env={**_env_of_azure(app, revision), **_env(app, container.get("env") or ())},
        command=tuple(container.get("command") or ()),
        args=tuple(container.get("args") or ()),
        port=app.ingress["targetPort"] or _FOUND if app.ingress else None,
        replicas=wanted(revision),
        container=container["name"] or "",
        scale=scale(revision),
    )


def _env(app: App, variables: object) -> dict[str, str]:
    found: dict[str, str] = {}
    for variable in variables if isinstance(variables, (list, tuple)) else ():
        secret = app.secrets.get(variable.get("secretRef") or "", {})
        found[variable["name"]] = str(variable.get("value") or secret.get("value") or "")
    return found


def _env_of_azure(app: App, revision: Revision) -> dict[str, str]:
    """Variables that Container Apps gives every container."""
    return {
        "CONTAINER_APP_NAME": app.name,
        "CONTAINER_APP_REVISION": revision.name,
        "CONTAINER_APP_HOSTNAME": app.host(revision.name),
        "CONTAINER_APP_ENV_DNS_SUFFIX": app.environment.domain,
    }
