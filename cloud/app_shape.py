"""The wire shapes of Container Apps, read and written: JSON on one side, the model's values on the other.

States are passed on as the strings they are: the wire says more than the published enums do. Missing and null
members, numbers sent as strings and any casing of names are taken as they come.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from copy import deepcopy
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from cloud.http import explain, plain
from delivery.errors import Refused, Retry
from rollouts.seen import AppSeen, OperationSeen, OperationState, RevisionSeen, TrafficEntry

if TYPE_CHECKING:
    from rollouts.decided import CreateCanary

JsonMap = Mapping[str, object]


def _map(value: object) -> JsonMap:
    return value if isinstance(value, Mapping) else {}


def _maps(value: object) -> list[JsonMap]:
    return [v for v in value if isinstance(v, Mapping)] if isinstance(value, Sequence) else []


def _text(value: object) -> str:
    return "" if value is None else str(value)


def _int(value: object) -> int:
    """0 for nothing. Weights have been seen as strings."""
    try:
        return int(float(str(value))) if value is not None else 0
    except (ValueError, OverflowError):
        raise Retry(f"Container Apps: expected a number, found {plain(str(value), 40)!r}") from None


def _time(value: object) -> datetime | None:
    """7 fractional digits, with and without a zone; UTC where there is none."""
    try:
        found = datetime.fromisoformat(_text(value))
    except ValueError:
        return None
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def _images(template: JsonMap) -> dict[str, str]:
    return {_text(c.get("name")): _text(c.get("image")) for c in _maps(template.get("containers"))}


def app_seen(body: JsonMap, revisions: Sequence[JsonMap], at: datetime) -> AppSeen:
    """One app and its revisions, oldest first. at: when the reading began."""
    props = _map(body.get("properties"))
    configuration = _map(props.get("configuration"))
    ingress = configuration.get("ingress")
    seen = [revision_seen(r) for r in revisions]
    if not isinstance(ingress, Mapping):
        seen = [replace(r, fqdn="") for r in seen]  # Azure tells one all the same, and nothing answers there
    return AppSeen(
        at=at,
        multiple=_text(configuration.get("activeRevisionsMode")).lower() == "multiple",
        provisioning=_text(props.get("provisioningState")),
        traffic=tuple(_entry(e) for e in _maps(_map(ingress).get("traffic"))),
        revisions=tuple(sorted(seen, key=lambda r: r.created_at or datetime.min.replace(tzinfo=UTC))),
        latest_ready=_text(props.get("latestReadyRevisionName")),
        ingress=isinstance(ingress, Mapping),
        tcp=_text(_map(ingress).get("transport")).lower() == "tcp",
        sticky=_text(_map(_map(ingress).get("stickySessions")).get("affinity")).lower() == "sticky",
        fqdn=_text(_map(ingress).get("fqdn")),
        images=_images(_map(props.get("template"))),
        location=_text(body.get("location")),
        environment=_text(props.get("environmentId") or props.get("managedEnvironmentId")),
    )


def _entry(body: JsonMap) -> TrafficEntry:
    return TrafficEntry(
        weight=_int(body.get("weight")),
        revision=_text(body.get("revisionName")),
        latest=body.get("latestRevision") is True,
        label=_text(body.get("label")),
    )


def revision_seen(body: JsonMap) -> RevisionSeen:
    """One revision. details: the running state's, or else the provisioning error; nothing else explains a failure."""
    props = _map(body.get("properties"))
    template = _map(props.get("template"))
    return RevisionSeen(
        name=_text(body.get("name")),
        active=props.get("active") is True,
        provisioning=_text(props.get("provisioningState")),
        health=_text(props.get("healthState")),
        running=_text(props.get("runningState")),
        details=plain(_text(props.get("runningStateDetails") or props.get("provisioningError"))),
        replicas=_int(props.get("replicas")),
        floor=_int(_map(template.get("scale")).get("minReplicas")),
        images=_images(template),
        fqdn=_text(props.get("fqdn")),
        created_at=_time(props.get("createdTime")),
    )


def restarts(replicas: JsonMap) -> int:
    """Restarts of all containers of all replicas listed."""
    return sum(
        _int(container.get("restartCount"))
        for replica in _maps(replicas.get("value"))
        for container in _maps(_map(replica.get("properties")).get("containers"))
    )


def operation_seen(status: int, body: object) -> OperationSeen:
    """One poll, of either kind: a results address (202 until it is over) or a statuses address (200 with `status`).

    A results address ends with the app's body: its own `provisioningState` then says how it went.
    """
    if status == 202:  # noqa: PLR2004 - HTTP's own number is its best name
        return OperationSeen(state=OperationState.RUNNING)
    found = _map(body)
    props = _map(found.get("properties"))
    match _text(found.get("status") or props.get("provisioningState") or "Succeeded").lower():
        case "failed" | "canceled" | "cancelled" as state:
            return OperationSeen(state=OperationState.FAILED, error=explain({"error": found.get("error")}) or state)
        case "succeeded":
            return OperationSeen(state=OperationState.SUCCEEDED)
        case _:
            return OperationSeen(state=OperationState.RUNNING)


def traffic(entries: Sequence[TrafficEntry]) -> list[dict[str, object]]:
    """The traffic array. Only revisions named explicitly leave this process, whoever decided otherwise."""
    unnamed = [e for e in entries if e.latest or not e.revision]
    if unnamed:
        raise Refused("traffic: expected every entry to name its revision, found latestRevision; nothing was sent")
    return [
        {"revisionName": e.revision, "weight": e.weight, **({"label": e.label} if e.label else {})} for e in entries
    ]


def traffic_patch(entries: Sequence[TrafficEntry]) -> dict[str, object]:
    """The sub-tree that holds the traffic array, and nothing beside it."""
    return {"configuration": {"ingress": {"traffic": traffic(entries)}}}


def canary_patch(template: JsonMap, write: CreateCanary) -> dict[str, object]:
    """The app's template with our container's image and a fresh suffix.

    All containers are sent because a merge patch replaces arrays whole. `ephemeralStorage` is computed by the
    service from the CPU and is left out.
    """
    fresh: dict[str, Any] = deepcopy(dict(template))
    for part in ("containers", "initContainers"):
        for container in fresh.get(part) or ():
            (container.get("resources") or {}).pop("ephemeralStorage", None)
    _chosen(fresh.get("containers") or [], write.container)["image"] = write.image
    fresh["revisionSuffix"] = write.suffix
    return {"template": fresh, **(traffic_patch(write.traffic) if write.traffic else {})}


def _chosen(containers: list[dict[str, Any]], name: str) -> dict[str, Any]:
    """The container of this name; with "" the only one."""
    chosen = [c for c in containers if not name or c.get("name") == name]
    if len(chosen) == 1:
        return chosen[0]
    found = ", ".join(str(c.get("name")) for c in containers) or "none"
    raise Refused(f"template: containers: expected {name or 'exactly one'}, found {plain(found)}; nothing was sent")
