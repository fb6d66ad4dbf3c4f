"""The traffic array: as it is stored, and where it really sends requests."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from localcloud.arm.errors import bad_request, invalid_revision_name

if TYPE_CHECKING:
    from collections.abc import Iterable

    from localcloud.arm.models import App, Json, Revision

_LONGEST = 54  # characters of app and revision name together, as Azure enforces it
_REVISION = re.compile(r"[a-z](?:[a-z0-9-]*[a-z0-9])?", re.ASCII)
_ALL = 100


def check_revision_name(app: str, name: str) -> None:
    """Azure's rule for `<app>--<suffix>`.

    Raises:
        ArmError: 400 ContainerAppInvalidRevisionName.
    """
    prefix, _, suffix = name.partition("--")
    known = prefix.lower() == app.lower() and suffix and "--" not in suffix
    if not (known and len(name) <= _LONGEST and _REVISION.fullmatch(name)):
        raise invalid_revision_name(name)


def canonical_traffic(app: str, entries: object) -> list[Json]:
    """As Azure stores it: order kept, weights as numbers, false and null members gone; blank is all to the latest.

    Raises:
        ArmError: 400.
    """
    if not isinstance(entries, list) or not entries:
        return [{"weight": _ALL, "latestRevision": True}]
    stored = [_entry(app, entry) for entry in entries]
    labels = [entry["label"].lower() for entry in stored if "label" in entry]
    if len(labels) != len(set(labels)):
        raise bad_request("ContainerAppInvalidTrafficLabel", "A label may be assigned to one revision only.")
    return stored


def check_sum(entries: Iterable[Json], code: str) -> None:
    """Raise ArmError 400 of this code unless weights sum to 100: that it is refused is known, with what is not."""
    weights = [entry["weight"] for entry in entries]
    if sum(weights) != _ALL or any(weight < 0 for weight in weights):
        raise bad_request(code, f"The traffic weights must sum to 100, but are {sum(weights)}.")


def _entry(app: str, body: Json) -> Json:
    name, latest, label = body.get("revisionName"), bool(body.get("latestRevision")), body.get("label")
    if bool(name) == latest:
        raise bad_request(
            "ContainerAppInvalidTraffic", "A traffic entry must name either revisionName or latestRevision: true."
        )
    if name:
        check_revision_name(app, name)
    try:
        weight = int(body.get("weight") or 0)
    except (TypeError, ValueError):
        raise bad_request("ContainerAppInvalidTraffic", "The weight of a traffic entry must be a number.") from None
    return {
        **({"revisionName": name} if name else {}),
        "weight": weight,
        **({"latestRevision": True} if latest else {}),
        **({"label": label} if label else {}),
    }


def configured_weight(app: App, revision: Revision) -> int:
    """What `trafficWeight` says: the latest revision has its entry's weight before it is ready (recorded)."""
    traffic = app.ingress["traffic"] if app.ingress else ()
    return sum(e["weight"] for e in traffic if _names(app, e, revision.name))


def _names(app: App, entry: Json, name: str) -> bool:
    return str(entry.get("revisionName", app.latest)).lower() == name.lower()


def routes(apps: Iterable[App]) -> dict[str, tuple[tuple[str, int], ...]]:
    """The whole ingress configuration: hosts of apps, of labels and of active revisions.

    `latestRevision` follows the last revision that became ready; a named one has its weight whether it is healthy,
    or even active, or not; a label that moves to another revision may still be served by the one it was on.
    """
    table: dict[str, tuple[tuple[str, int], ...]] = {}
    for app in apps:
        if app.ingress is None or app.deleted or app.stopped:
            continue
        for revision in app.revisions:
            if revision.active and not revision.stopping:
                table[app.host(revision.name)] = ((revision.name, _ALL),)
        table |= _weighted(app)
    return table


def _weighted(app: App) -> dict[str, tuple[tuple[str, int], ...]]:
    shares: dict[str, int] = {}
    hosts: dict[str, tuple[tuple[str, int], ...]] = {}
    for entry in app.ingress["traffic"] if app.ingress else ():
        name = app.serves.get(entry.get("label", "")) or entry.get("revisionName")
        found = app.revision(name) if name else _serving(app)
        if found is None:
            continue
        shares[found.name] = shares.get(found.name, 0) + entry["weight"]
        if "label" in entry:
            hosts[app.host(f"{app.name}---{entry['label']}")] = ((found.name, _ALL),)
    weighted = tuple((name, weight) for name, weight in shares.items() if weight)
    return {**hosts, **({app.host(app.name): weighted} if weighted else {})}


def _serving(app: App) -> Revision | None:
    """The latest ready revision, or the latest while there was never one."""
    return app.revision(app.ready) or app.revision(app.latest)
