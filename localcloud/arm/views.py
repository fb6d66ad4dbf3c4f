"""Bodies of answers: an app, its revisions and replicas, an operation, as they were recorded."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from localcloud.arm import labels
from localcloud.arm.canonical import GIVEN, GIVEN_OF_APP, of_revision
from localcloud.arm.states import status
from localcloud.arm.traffic import configured_weight

if TYPE_CHECKING:
    from datetime import datetime

    from localcloud.arm.models import App, Json, Operation, Revision
    from localcloud.dataplane.model import ReplicaState

_USER = {"createdBy": "user@example.com", "createdByType": "User"}
VERIFICATION = "0" * 64
PROVIDER = "/providers/Microsoft.App"


def when(at: datetime) -> str:
    """Seven digits and no zone, as in GET answers and operations.

    Azure counts in 100 ns and leaves out zeros at the end (recorded). The last digit, which no clock here has, is
    never one, so that nobody who reads the other six alone gets by.
    """
    return f"{at:%Y-%m-%dT%H:%M:%S.%f}{at.microsecond % 9 + 1}"


def app_view(app: App, *, answer_to_put: Json | None = None) -> Json:
    """An app's body. answer_to_put: the accepted resource of a PUT, whose times end with a Z."""
    resource = answer_to_put or app.resource
    properties = resource["properties"]
    zone = "Z" if answer_to_put else ""
    configuration = dict(properties["configuration"])
    ingress = configuration["ingress"]
    if ingress is not None:
        configuration["ingress"] = {
            **ingress,
            "fqdn": app.host(app.name, ingress),
            "traffic": ingress["traffic"] or None,
        }
    given = {name: resource[name] for name in GIVEN if resource.get(name)}
    kind = {"kind": given.pop("kind")} if "kind" in given else {}
    return {
        "id": f"{app.home}/containerapps/{app.name}",
        "name": app.name,
        "type": "Microsoft.App/containerApps",
        "location": resource["location"],
        **given,
        "systemData": _system(app, zone),
        "properties": {
            "provisioningState": "InProgress" if answer_to_put or app.operation else app.provisioning,
            "runningStatus": "Stopped" if app.stopped else "Running",
            "managedEnvironmentId": properties["environmentId"],
            "environmentId": properties["environmentId"],
            "workloadProfileType": None,
            "workloadProfileName": properties["workloadProfileName"] or app.environment.usual_profile,
            "patchingMode": properties.get("patchingMode", "Automatic"),
            **{name: properties[name] for name in GIVEN_OF_APP if name in properties},
            "outboundIpAddresses": app.environment.outbound,
            "latestRevisionName": app.latest,
            "latestReadyRevisionName": app.ready,
            "latestRevisionFqdn": app.host(app.latest, ingress) if ingress and app.latest else "",
            "customDomainVerificationId": VERIFICATION,
            "configuration": configuration,
            "template": properties["template"],
            "eventStreamEndpoint": f"{app.environment.streams}{_short(app)}/eventstream",
            "delegatedIdentities": [],
        },
        "identity": resource["identity"],
        **kind,  # the last one (recorded in kind_functionapp of 2025)
    }


def _system(app: App, zone: str) -> Json:
    """What was just written ends with the zone, what had been stored does not (recorded)."""
    new = zone if app.created == app.modified else ""
    return system_data(when(app.created) + new, when(app.modified) + zone)


def system_data(created: str, modified: str) -> Json:
    """Who made it and who changed it last: everything here was the same user."""
    last = {"lastModifiedBy": "user@example.com", "lastModifiedByType": "User"}
    return {**_USER, "createdAt": created, **last, "lastModifiedAt": modified}


def _template(app: App, revision: Revision) -> Json:
    """A function app scales by its requests though nobody says so (function_list_show_multirevision_scenarios)."""
    template = of_revision(revision.template)
    if app.resource.get("kind") != "functionapp" or app.ingress is None or template["scale"]["rules"]:
        return template
    by_requests = {"name": "http-scale-rule", "http": {"metadata": {"concurrentRequests": "10"}}}
    return {**template, "scale": {**template["scale"], "rules": [by_requests]}}


def revision_view(app: App, revision: Revision, now: datetime, progress: float) -> Json:
    """A revision's body. Its id and type are spelled as recorded, which is not how the app spells them."""
    seen = status(revision, now, progress)
    properties: Json = {
        "createdTime": f"{revision.created:%Y-%m-%dT%H:%M:%S}+00:00",
        **({"lastActiveTime": f"{revision.last_active:%Y-%m-%dT%H:%M:%S}+00:00"} if revision.last_active else {}),
        "fqdn": app.host(revision.name),  # without ingress too, where nothing answers (recorded in containerapp_exec)
        "template": _template(app, revision),
        "active": revision.active,
        "replicas": seen.replicas,
        "trafficWeight": configured_weight(app, revision),
        "labels": labels.of_revision(app, revision.name),
        **({"provisioningError": seen.error} if seen.error else {}),
        "healthState": seen.health,
        "provisioningState": seen.provisioning,
        "runningState": seen.running,
        **({"runningStateDetails": seen.details} if seen.details else {}),
        **revision.shown,
    }
    return {
        "id": f"{app.home}/containerApps/{app.name}/revisions/{revision.name}",
        "name": revision.name,
        "type": "Microsoft.App/containerapps/revisions",
        "properties": properties,
    }


def replica_view(app: App, revision: Revision, replica: ReplicaState, since: datetime) -> Json:
    """One replica with its containers; one process stands for all of them. since: when it was begun."""
    home = f"{app.home}/containerApps/{app.name}/revisions/{revision.name}/replicas/{replica.name}"
    streams = f"{_short(app)}/revisions/{revision.name}/replicas/{replica.name}"
    home_of_logs = f"{app.environment.streams}{streams}/containers"
    home_of_shells = home_of_logs.replace("https", "wss", 1)
    up = replica.running == "Running"
    containers = [
        {
            "name": container["name"],
            "containerId": _container_id(f"{replica.name}/{container['name']}"),
            "ready": replica.ready,
            "started": replica.started,
            "restartCount": replica.restarts,
            "runningState": replica.running,
            "runningStateDetails": f"Container started at: {_prose(replica.since or since)}." if up else "",
            "logStreamEndpoint": f"{home_of_logs}/{container['name']}/logstream",
            "execEndpoint": f"{home_of_shells}/{container['name']}/exec",
        }
        for container in revision.template["containers"]
    ]
    return {
        "id": home,
        "name": replica.name,
        "type": "Microsoft.App/containerapps/revisions/replicas",
        "properties": {
            "createdTime": f"{since:%Y-%m-%dT%H:%M:%SZ}",
            "runningState": "Running" if up else "NotRunning",
            "runningStateDetails": "",
            "containers": containers,
            "initContainers": [],
        },
    }


def _prose(at: datetime) -> str:
    """`5/6/2024 9:58:04 AM`, as sentences have it."""
    half = ("AM", "PM")[at.hour // 12]
    return f"{at.month}/{at.day}/{at.year} {at.hour % 12 or 12}:{at:%M:%S} {half}"


def ended_view(replica: Json) -> Json:
    """A replica that was ended: it no longer runs, though its containers are told as they were (recorded)."""
    named = (f"Container {container['name']}" for container in replica["properties"]["containers"])
    parts = ("System Envoy Container", "System Proxy Container", *named)
    told = " ".join(f"{part} was terminated with reason: Terminated, exit code: 0." for part in parts)
    ended = {"runningState": "NotRunning", "runningStateDetails": told}
    return {**replica, "properties": {**replica["properties"], **ended}}


def _short(app: App) -> str:
    """Its path in the addresses of streams, which leave the provider out."""
    return f"{app.home.removesuffix(PROVIDER)}/containerApps/{app.name}"


def _container_id(name: str) -> str:
    return f"containerd://{hashlib.sha256(name.encode()).hexdigest()[:32]}"


def operation_path(operation: Operation, kind: str) -> str:
    """Where it is asked for. kind: `Statuses` or `Results`. Not under a resource group, as recorded."""
    where = f"/subscriptions/{operation.subscription}/providers/Microsoft.App/locations/{operation.region}"
    return f"{where}/containerappOperation{kind}/{operation.id}"


def operation_view(operation: Operation) -> Json:
    """Exactly these members: no end time, no percentage."""
    body: Json = {
        "id": operation_path(operation, "Statuses"),
        "name": operation.id,
        "status": operation.status,
        "startTime": when(operation.started),
    }
    if operation.status == "Failed":
        body["error"] = {"code": "ContainerAppOperationError", "message": operation.error}
    return body
