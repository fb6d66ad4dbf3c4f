"""What an app is like before it is adopted: each finding says what was seen, what it means here, and who must do what.

Pure: of the app's and its revisions' JSON, as Azure Resource Manager has them. Facts: learn.microsoft.com/azure/
container-apps/{revisions,traffic-splitting,sticky-sessions,client-certificate-authorization,ip-restrictions,dapr-overview}.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

Json = Mapping[str, Any]

LONGEST_NAME = 39  # of an app: with "--" and our suffix of 13 a revision's name has at most 54 characters
# Rules that give an app no work: requests go by weights, and these count what is there anyway (keda.sh/docs/scalers).
_NO_WORK = frozenset({"http", "tcp", "cpu", "memory", "cron"})


class Means(StrEnum):
    """What a finding means for adopting the app."""

    FINE = "ok"
    NOTE = "note"  # works, and has a consequence that should be known
    MEND = "mend"  # may be adopted, and nothing will ship until somebody has mended it
    CHANGE = "change"  # adopting it mends this
    STOP = "stop"  # cannot be adopted as it is


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """One thing that was looked at. then: what it means here, or what must be done; "" when nothing follows."""

    what: str
    means: Means
    said: str
    then: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Preflight:
    """Everything found. stable: the revision that carries all the traffic, "" when none can be said to."""

    findings: tuple[Found, ...]
    stable: str
    single: bool
    ingress: bool
    tcp: bool

    @property
    def stops(self) -> tuple[Found, ...]:
        """Why the app cannot be adopted as it is."""
        return tuple(found for found in self.findings if found.means is Means.STOP)


def inspect(app: Json, revisions: Sequence[Json]) -> Preflight:
    """Look at an app and its revisions."""
    properties = _part(app, "properties")
    configuration, template = _part(properties, "configuration"), _part(properties, "template")
    ingress = configuration.get("ingress")
    single = str(configuration.get("activeRevisionsMode") or "Single").lower() == "single"
    stable = _stable(properties, ingress if isinstance(ingress, Mapping) else None, single=single)
    findings = [
        _mode(single=single),
        *_name(str(app.get("name") or "")),
        *(_of_ingress(ingress) if isinstance(ingress, Mapping) else _without_ingress()),
        _traffic(ingress if isinstance(ingress, Mapping) else None, stable, properties, single=single),
        *_template(template, has_ingress=isinstance(ingress, Mapping)),
        *_dapr(_part(configuration, "dapr")),
        _revisions(revisions, stable),
    ]
    return Preflight(
        findings=tuple(findings),
        stable=stable,
        single=single,
        ingress=isinstance(ingress, Mapping),
        tcp=isinstance(ingress, Mapping) and _is_tcp(ingress),
    )


def _part(whole: Json, name: str) -> Json:
    found = whole.get(name)
    return found if isinstance(found, Mapping) else {}


def _list(value: object) -> list[Json]:
    return [one for one in value if isinstance(one, Mapping)] if isinstance(value, list) else []


def _stable(properties: Json, ingress: Json | None, *, single: bool) -> str:
    """The revision with all the traffic; a `latestRevision` entry means the latest one that is ready."""
    ready = str(properties.get("latestReadyRevisionName") or "")
    if ingress is None or single:
        return ready
    weights: dict[str, int] = {}
    for entry in _list(ingress.get("traffic")):
        name = ready if entry.get("latestRevision") else str(entry.get("revisionName") or "")
        weights[name] = weights.get(name, 0) + int(entry.get("weight") or 0)
    carrying = [name for name, weight in weights.items() if weight]
    return carrying[0] if len(carrying) == 1 else ""


def _mode(*, single: bool) -> Found:
    if single:
        then = "a canary needs Multiple"
        return Found(what="mode", means=Means.CHANGE, said="Single", then=then)
    return Found(what="mode", means=Means.FINE, said="Multiple")


def _name(name: str) -> Iterator[Found]:
    if len(name) > LONGEST_NAME:
        then = f"a revision's name has at most 54 characters; ours would have more: at most {LONGEST_NAME} for the app"
        yield Found(what="name", means=Means.STOP, said=f"{name}, {len(name)} characters", then=then)


def _without_ingress() -> Iterator[Found]:
    then = "no share of requests to give: Steps is `replace`, the new revision is watched alone"
    yield Found(what="ingress", means=Means.NOTE, said="none", then=then)


def _of_ingress(ingress: Json) -> Iterator[Found]:
    where = "external" if ingress.get("external") else "internal"
    internal = "" if ingress.get("external") else "probes come from the function app: it must be in this network"
    means = Means.FINE if ingress.get("external") else Means.NOTE
    yield Found(what="ingress", means=means, said=where, then=internal)
    if str(_part(ingress, "stickySessions").get("affinity") or "none").lower() == "sticky":
        then = "Container Apps keeps sessions in Single mode only; set the affinity to none first"
        yield Found(what="stickiness", means=Means.STOP, said="sticky sessions", then=then)
    if str(ingress.get("clientCertificateMode") or "ignore").lower() == "require":
        then = "probes present no certificate; set it to accept, or the canary is never ready"
        yield Found(what="client certificates", means=Means.STOP, said="required", then=then)
    rules = _list(ingress.get("ipSecurityRestrictions"))
    if rules:
        then = "allow the function app's outbound addresses, or every probe fails"
        yield Found(what="IP rules", means=Means.NOTE, said=f"{len(rules)} rules", then=then)
    if _is_tcp(ingress):
        then = "there are no requests to count: write Checks without `errors` and `probe`"
        yield Found(what="transport", means=Means.NOTE, said="tcp", then=then)


def _is_tcp(ingress: Json) -> bool:
    return str(ingress.get("transport") or "auto").lower() == "tcp"


def _traffic(ingress: Json | None, stable: str, properties: Json, *, single: bool) -> Found:
    if not properties.get("latestReadyRevisionName"):
        then = "the first good image takes 100 % at once, for there is nothing to return to"
        return Found(what="traffic", means=Means.NOTE, said="no revision was ever ready", then=then)
    entries = _list(ingress.get("traffic")) if ingress is not None else []
    if ingress is not None and not stable:
        split = ", ".join(f"{one.get('revisionName') or 'latest'} {one.get('weight')}" for one in entries)
        then = "give one revision 100 % first: a rollout starts from one stable revision"
        return Found(what="traffic", means=Means.STOP, said=f"split: {split}", then=then)
    if ingress is not None and (single or any(one.get("latestRevision") for one in entries)):
        then = f"{stable} is pinned by name, so that no new revision takes it by being new"
        return Found(what="traffic", means=Means.CHANGE, said="follows the latest revision", then=then)
    return Found(what="traffic", means=Means.FINE, said=f"{stable} has all of it" if ingress is not None else stable)


def _template(template: Json, *, has_ingress: bool) -> Iterator[Found]:
    containers = _list(template.get("containers"))
    probed = any(_list(one.get("probes")) for one in containers)
    if has_ingress and not probed:
        then = "Azure calls a revision healthy as soon as its port opens; a `probe PATH` in Checks knows better"
        yield Found(what="probes", means=Means.NOTE, said="none in the template", then=then)
    scale = _part(template, "scale")
    if not scale.get("minReplicas"):
        then = "idle revisions sleep: a probe wakes the canary, and the old revision may have gone to sleep when undone"
        yield Found(what="minReplicas", means=Means.NOTE, said="0", then=then)
    kinds = sorted({_kind(rule) for rule in _list(scale.get("rules"))} - _NO_WORK)
    if kinds:
        then = "a canary takes work from there also at 0 %, as soon as it runs"
        yield Found(what="scale rules", means=Means.NOTE, said=", ".join(kinds), then=then)


def _kind(rule: Json) -> str:
    for name in ("http", "tcp", "azureQueue"):
        if rule.get(name):
            return name
    return str(_part(rule, "custom").get("type") or "custom")


def _dapr(dapr: Json) -> Iterator[Found]:
    if dapr.get("enabled"):
        then = "a canary subscribes and is invoked by app id also at 0 %: Dapr knows no weights"
        yield Found(what="Dapr", means=Means.NOTE, said=f"on, as {dapr.get('appId') or 'this app'}", then=then)


def _revisions(revisions: Sequence[Json], stable: str) -> Found:
    active = [str(one.get("name")) for one in revisions if _part(one, "properties").get("active")]
    others = [name for name in active if name != stable]
    if not others:
        return Found(what="revisions", means=Means.FINE, said=f"{len(active)} active")
    then = "revisions of others are never weighted and never retired"
    return Found(what="revisions", means=Means.NOTE, said=f"{len(active)} active: {', '.join(active[:5])}", then=then)
