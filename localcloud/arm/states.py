"""What a revision says of itself: the wire's words for what its processes do."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from localcloud.dataplane.model import Scale

if TYPE_CHECKING:
    from datetime import datetime

    from localcloud.arm.models import Revision

_TEN = 10  # Azure's own maxReplicas when none is given


@dataclass(frozen=True, slots=True, kw_only=True)
class Status:
    """Members of a revision's `properties`. They are open strings: the published enums are not what arrives."""

    provisioning: str
    health: str
    running: str
    replicas: int
    error: str = ""
    details: str = ""


def scale(revision: Revision) -> Scale:
    """By what its replicas change: the HTTP rule, which is there when no rule is given; other rules are not judged."""
    given = revision.template["scale"]
    rules = given["rules"] or [{"http": {}}]
    told = next((rule["http"].get("metadata") or {} for rule in rules if isinstance(rule.get("http"), dict)), None)
    cooldown = given.get("cooldownPeriod")
    return Scale(
        least=int(given["minReplicas"] or 0),
        most=int(given["maxReplicas"] or _TEN),
        concurrency=None if told is None else float(told.get("concurrentRequests") or _TEN),
        cooldown=300 if cooldown is None else float(cooldown),
    )


def wanted(revision: Revision) -> int:
    """Replicas that a new revision starts with: its least, but never none."""
    return max(1, int(revision.template["scale"]["minReplicas"] or 0))


def is_ready(revision: Revision) -> bool:
    """Whether every replica that is wanted is ready now."""
    seen = revision.seen
    return seen is not None and not seen.failed and sum(r.ready for r in seen.replicas) >= wanted(revision)


def status(revision: Revision, now: datetime, progress: float) -> Status:
    """The state table. progress: seconds until a revision that never became ready is Degraded."""
    seen = revision.seen
    replicas = len(seen.replicas) if seen else 0
    if not revision.active:
        return Status(provisioning="Provisioned", health="Healthy", running="Stopped", replicas=0)
    if revision.stopping:
        health = "Healthy" if is_ready(revision) else "None"
        return Status(provisioning="Provisioned", health=health, running="Deprovisioning", replicas=replicas)
    failed = revision.failed or (seen.failed if seen else "")
    if failed:
        return _failed(revision, failed, replicas)
    if seen is not None and (seen.asleep or seen.waking):
        running = "ScaledToZero" if seen.asleep else "Processing"
        return Status(provisioning="Provisioned", health="Healthy", running=running, replicas=replicas)
    if is_ready(revision):
        most = revision.template["scale"]["maxReplicas"] or _TEN
        running = "RunningAtMaxScale" if replicas >= most else "Running"
        return Status(provisioning="Provisioned", health="Healthy", running=running, replicas=replicas)
    late = now - revision.since > timedelta(seconds=progress)
    if late or revision.ready_since is not None:
        return _degraded(revision, replicas, late=late)
    if seen is None or not any(r.started for r in seen.replicas):
        return Status(provisioning="Provisioning", health="None", running="Processing", replicas=wanted(revision))
    return Status(
        provisioning="Provisioned", health="None", running="Activating", replicas=replicas, details=seen.details
    )


def is_bad(revision: Revision, now: datetime, progress: float) -> bool:
    """Whether it failed, or is Degraded."""
    return status(revision, now, progress).running in ("Failed", "Degraded")


def _failed(revision: Revision, failed: str, replicas: int) -> Status:
    """Crashing, or its image cannot be pulled. One that had been healthy keeps saying Provisioned (observed)."""
    if revision.ready_since is not None:
        return Status(
            provisioning="Provisioned", health="Unhealthy", running="Failed", replicas=replicas, details=failed
        )
    many = max(1, replicas)
    return Status(
        provisioning="Failed",
        health="Unhealthy",
        running="Failed",
        replicas=many,
        error=failed,
        details=f"{many}/{many} {failed}",
    )


def _degraded(revision: Revision, replicas: int, *, late: bool) -> Status:
    """Never ready in time (azure-container-apps#1219; with what is known of the cause: seen in 2026), or no more."""
    seen = revision.seen
    ready = sum(r.ready for r in seen.replicas) if seen else 0
    why = "Deployment Progress Deadline Exceeded. " if late and revision.ready_since is None else ""
    known = f" {seen.details}" if seen and seen.details else ""
    details = f"{why}{ready}/{wanted(revision)} replicas ready.{known}"
    return Status(
        provisioning="Provisioned", health="Unhealthy", running="Degraded", replicas=replicas, details=details
    )
