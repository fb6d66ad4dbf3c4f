"""Labels mode: every new revision gets the target label, and only revisions that have a label stay active.

The target label of a request goes to the revision it makes: a fresh label begins at weight 0, one that is in use moves
with its weight. Recorded with 2024-10-02-preview (github.com/Azure/azure-cli-extensions,
.../recordings/test_containerapp_ingress_traffic_labels_e2e.yaml); what has no label is shut down
(learn.microsoft.com/azure/container-apps/deployment-labels).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from localcloud.arm.errors import bad_request
from localcloud.arm.states import is_bad
from localcloud.arm.versions import LABELS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from localcloud.arm.models import App, Json

_ALL = 100


@dataclass(slots=True, kw_only=True)
class LabelRecord:
    """A time that a label was on a revision. stop: None while it is. status: how the revision fared with it."""

    revision: str
    start: datetime
    stop: datetime | None = None
    status: str = "Starting"


def check_mode(body: Json, version: str) -> None:
    """Raise ArmError 400 for a request for Labels mode of an api-version that has none."""
    configuration = (body.get("properties") or {}).get("configuration") or {}
    mode = configuration.get("activeRevisionsMode")
    if version not in LABELS and str(mode).lower() == "labels":
        raise bad_request("ContainerAppInvalidActiveRevisionsMode", f"activeRevisionsMode '{mode}' is not supported.")


def check(configuration: Json) -> None:
    """Raise ArmError 400 for Labels mode without a target label, or with traffic that has none.

    Going to Labels mode takes labels in the traffic of the same request (azure-cli-extensions#8927).
    """
    if configuration["activeRevisionsMode"] != "Labels":
        return
    if not configuration.get("targetLabel"):
        raise bad_request("ContainerAppTargetLabelRequired", "targetLabel is required in labels revisions mode.")
    ingress = configuration["ingress"] or {"traffic": []}
    if any("label" not in entry for entry in ingress["traffic"]):
        raise bad_request("ContainerAppInvalidTrafficLabel", "Every traffic entry needs a label in labels mode.")


def settle(app: App, fresh: str) -> None:
    """Name the revisions that the labels of an accepted body are on. fresh: the one it made, "" for none."""
    if app.ingress is None or not app.labelled:
        return
    entries = [{"revisionName": app.latest, **entry} for entry in app.ingress["traffic"]]
    for entry in entries:
        entry.pop("latestRevision", None)
    if (fresh or not entries) and app.latest not in (entry["revisionName"] for entry in entries):
        _give(entries, app.configuration["targetLabel"], app.latest)
    app.ingress["traffic"] = entries


def _give(entries: list[Json], label: str, revision: str) -> None:
    held = next((entry for entry in entries if entry["label"].lower() == label.lower()), None)
    if held is None:
        entries.append({"revisionName": revision, "weight": 0 if entries else _ALL, "label": label})
    else:
        held["revisionName"] = revision


def follow(app: App, now: datetime, settled: datetime, late: float) -> list[str]:
    """Write the history on, and lead each label to its revision; answers the revisions that just got one.

    settled: what has been ready since then counts as ready. late: seconds until one that never was is given up.
    """
    held = dict(_held(app))
    for label, records in app.labels.items():
        if records[0].stop is None and records[0].revision != held.get(label):
            records[0].stop = now
    got = []
    for label, name in held.items():
        records = app.labels.setdefault(label, [])
        if not records or records[0].stop is not None:
            records.insert(0, LabelRecord(revision=name, start=now))
            got.append(name)
        records[0].status = _status(app, records[0], now, late)
    app.serves = {label: _serving(app, label, name, settled) for label, name in held.items()}
    return got


def _held(app: App) -> Iterator[tuple[str, str]]:
    for entry in app.ingress["traffic"] if app.ingress and app.labelled else ():
        if entry.get("revisionName"):  # before its operation is done, one may still say latestRevision
            yield entry["label"], entry["revisionName"]


def _status(app: App, record: LabelRecord, now: datetime, late: float) -> str:
    revision = app.revision(record.revision)
    if revision is None or record.status == "Succeeded":
        return record.status
    if revision.ready_since is not None:
        return "Succeeded"
    return "Failed" if is_bad(revision, now, late) else "Starting"


def _serving(app: App, label: str, name: str, settled: datetime) -> str:
    """The revision that its requests go to: where a label moved, its old one until the new one is ready."""
    old, new = app.revision(app.serves.get(label, "")), app.revision(name)
    if old is None or not old.active or old.stopping:
        return name
    if new is None:  # the operation that makes it is not done
        return old.name
    ready = new.ready_since is not None and new.ready_since <= settled
    return name if ready or app.knobs.label_serves == "at_once" else old.name


def unlabelled(app: App) -> frozenset[str]:
    """Active revisions that are to be shut down: no label is on them, nor served by them."""
    if not app.labelled or app.ingress is None:
        return frozenset()
    stay = {name.lower() for name in (*(name for _, name in _held(app)), *app.serves.values())}
    return frozenset(one.name for one in app.revisions if one.name.lower() not in stay)


def of_revision(app: App, name: str) -> list[str]:
    """Labels that the traffic array puts on a revision."""
    entries = app.ingress["traffic"] if app.ingress else ()
    named = ((str(entry.get("revisionName", app.latest)), entry.get("label")) for entry in entries)
    return [label for revision, label in named if label and revision.lower() == name.lower()]
