"""Answers about revisions and their replicas."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import quote

from localcloud.arm import revision_filter, urls
from localcloud.arm.calls import Reply
from localcloud.arm.errors import ArmError, bad_request, revision_not_found, unsupported
from localcloud.arm.traffic import configured_weight
from localcloud.arm.views import ended_view, replica_view, revision_view

if TYPE_CHECKING:
    from collections.abc import Iterator

    from localcloud.arm.app_calls import AppCalls
    from localcloud.arm.calls import Call
    from localcloud.arm.lifecycle import Lifecycle
    from localcloud.arm.models import App, Json, Revision
    from localcloud.arm.urls import Route
    from localcloud.arm.writes import Writes
    from localcloud.clock import Clock


class RevisionCalls:
    """Lists and gets; activate, deactivate and restart answer at once and take effect later (recorded)."""

    def __init__(self, apps: AppCalls, writes: Writes, lifecycle: Lifecycle, clock: Clock, progress: float) -> None:
        self._apps, self._writes, self._lifecycle = apps, writes, lifecycle
        self._clock, self._progress = clock, progress

    def routes(self) -> tuple[Route, ...]:
        """Its part of the table."""
        return (
            ("GET", urls.APP + "/revisions", self.list),
            ("GET", urls.REVISION, self.get),
            ("POST", urls.REVISION + "/{act:activate|deactivate|restart}", self.act),
            ("GET", urls.REVISION + "/replicas", self.replicas),
            ("GET", urls.REVISION + "/replicas/{replica}", self.replica),
        )

    async def list(self, call: Call) -> Reply:
        """All of them, inactive ones too, oldest first, or those of a `$filter`; in pages where that is asked for."""
        app, now = self._apps.find(call), self._clock.now()
        found = [revision_view(app, r, now, self._progress) for r in app.revisions]
        text, again = call.query.get("$filter", ""), ""
        if text and app.knobs.filter == "refused":
            raise unsupported("GET", "Microsoft.App/containerApps/revisions with $filter")
        if text and app.knobs.filter == "judged":
            found, again = [*filter(revision_filter.test_of(text), found)], f"&$filter={quote(text)}"
        size = int(app.knobs.page) or len(found) or 1
        first = int(call.query.get("$skipToken") or 0)
        left = first + size < len(found)
        link = f"{call.base}{call.path}?api-version={call.version}{again}&$skipToken={first + size}"
        return Reply(body={"value": found[first : first + size], **({"nextLink": link} if left else {})})

    async def get(self, call: Call) -> Reply:
        """One revision."""
        app, revision = self._find(call)
        return Reply(body=revision_view(app, revision, self._clock.now(), self._progress))

    async def act(self, call: Call) -> Reply:
        """200 with a sentence. Refused while an operation of the app runs."""
        app, revision = self._find(call)
        self._writes.free(app)
        match call.names["act"].lower():
            case "activate":
                self._lifecycle.activate(app, revision)
                done = "Activate succeeded"
            case "deactivate":
                if app.knobs.dead_weight == "refused" and configured_weight(app, revision):
                    raise bad_request("ContainerAppRevisionHasTraffic", f"Revision '{revision.name}' has traffic.")
                self._lifecycle.deactivate(revision)
                done = "Deactivate succeeded"
            case _:
                self._lifecycle.restart(app, revision)
                done = "Restart succeeded"
        return Reply(body=done)

    async def replicas(self, call: Call) -> Reply:
        """Replicas that run now, then those that the last restart ended, for a while (recorded)."""
        app, revision = self._find(call)
        return Reply(body={"value": [*self._replicas(app, revision)]})

    async def replica(self, call: Call) -> Reply:
        """One replica."""
        for replica in self._replicas(*self._find(call)):
            if replica["name"].lower() == call.names["replica"].lower():
                return Reply(body=replica)
        raise ArmError(404, "ReplicaNotFound", f"Replica '{call.names['replica']}' was not found.")

    def _replicas(self, app: App, revision: Revision) -> Iterator[Json]:
        for one in revision.seen.replicas if revision.seen else ():
            yield replica_view(app, revision, one, revision.since)
        now = self._clock.now()
        for ended in revision.ended:
            if now < ended.until:
                yield ended_view(replica_view(app, revision, ended.replica, ended.since))

    def _find(self, call: Call) -> tuple[App, Revision]:
        app = self._apps.find(call)
        revision = app.revision(call.names["revision"])
        if revision is None:
            raise revision_not_found(call.names["revision"])
        return app, revision
