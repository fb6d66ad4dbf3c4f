"""What happens to revisions and replicas, as the system log that Container Apps writes of it.

Reasons and texts were seen in system logs of live apps (`docs/localcloud-monitor.md`). Two looks at the cloud differ by
what happened between them: what came and went between two looks is not told.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING

from localcloud.arm.system_log import SOURCE, SystemEvent

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from datetime import datetime

    from localcloud.arm.models import App, Revision
    from localcloud.dataplane.model import ReplicaState

_NORMAL, _WARNING = "Normal", "Warning"
_PERIOD = timedelta(seconds=1)


@dataclass(slots=True, kw_only=True)
class _Seen:
    """A revision at the last look. probed: which process of a replica the failed probe was told of."""

    ready: bool = False
    stopping: bool = False
    failed: str = ""
    probed: dict[str, datetime | None] = field(default_factory=dict)
    replicas: dict[str, ReplicaState] = field(default_factory=dict)


class SystemEvents:
    """Remembers the last look."""

    def __init__(self) -> None:
        self._seen: dict[str, _Seen] = {}

    def look(self, apps: Iterable[App], now: datetime) -> list[SystemEvent]:
        """What has happened since the last look."""
        return [
            SystemEvent(
                at=now,
                app=app,
                revision=revision.name,
                replica=replica,
                reason=reason,
                severity=severity,
                said=said,
            )
            for app in apps
            for revision in app.revisions
            for reason, severity, said, replica in self._happened(app, revision, now)
        ]

    def clear(self) -> None:
        """Forget the last look."""
        self._seen.clear()

    def _happened(self, app: App, revision: Revision, now: datetime) -> Iterator[tuple[str, str, str, str]]:
        """Yield (reason, severity, message, replica)."""
        before = self._seen.get(revision.name)
        if before is None:
            before = self._seen[revision.name] = _Seen()
            yield "RevisionCreation", _NORMAL, f"Creating a new revision: {revision.name}", ""
        replicas = {one.name: one for one in revision.seen.replicas} if revision.seen else {}
        container = revision.template["containers"][0]["name"] or ""
        for name, replica in replicas.items():
            yield from _replica(name, container, before.replicas.get(name), replica)
            if app.ingress and _unheard(replica, now) and before.probed.get(name) != replica.since:
                before.probed[name] = replica.since
                yield "ProbeFailed", _WARNING, "Probe of StartUp failed with status code: 1", name
        ready = revision.ready_since is not None and revision.active
        if ready and not before.ready:
            yield "RevisionReady", _NORMAL, f"Successfully provisioned revision '{revision.name}'", ""
        failed = (revision.seen.failed if revision.seen else "") or revision.failed
        if failed and failed != before.failed:
            code = "ErrImagePull" if "ImagePull" in failed else "ContainerCrashing"
            yield "Error", _WARNING, f"Error provisioning revision {revision.name}. ErrorCode: [{code}]", ""
        if revision.stopping and not before.stopping:
            old = f"Deactivating old revisions for ContainerApp '{app.name}'"
            said = old if revision.superseded else f"Deactivating revision: {revision.name}"
            yield "RevisionDeactivating", _NORMAL, said, ""
        self._seen[revision.name] = _Seen(
            ready=ready, stopping=revision.stopping, failed=failed, probed=before.probed, replicas=replicas
        )


def _unheard(replica: ReplicaState, now: datetime) -> bool:
    """Whether the probe that Azure has without any being given, once a second, has failed for its process."""
    return replica.started and not replica.ready and replica.since is not None and now - replica.since > _PERIOD


def _replica(
    name: str, container: str, before: ReplicaState | None, now: ReplicaState
) -> Iterator[tuple[str, str, str, str]]:
    if before is None:
        yield "AssigningReplica", _NORMAL, f"Replica '{name}' has been scheduled to run on a node.", name
    restarts = now.restarts - (before.restarts if before else 0)
    if restarts > 0:
        code, why = (now.exit_code, "ProcessExited") if now.exit_code is not None else ("", "ContainerCreateFailure")
        said = f"Container '{container}' was terminated with exit code '{code}' and reason '{why}'"
        yield "ContainerTerminated", _WARNING, said, name
    if now.started and (before is None or not before.started or restarts > 0):
        yield "ContainerCreated", _NORMAL, f"Created container '{container}'", name
        yield "ContainerStarted", _NORMAL, f"Started container '{container}'", name


def row(event: SystemEvent) -> Mapping[str, object]:
    """As the workspace keeps it."""
    return {
        "TimeGenerated": event.at,
        "ContainerAppName": event.app.name,
        "EnvironmentName": event.app.environment.name,
        "Location": event.app.environment.location,
        "RevisionName": event.revision,
        "ReplicaName": event.replica,
        "Log": event.said,
        "Reason": event.reason,
        "Type": event.severity,
        "EventSource": SOURCE,
        "Count": 1,
    }
