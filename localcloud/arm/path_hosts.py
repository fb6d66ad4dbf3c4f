"""Hosts of `httpRouteConfigs`: which requests they send where, as apps, revisions and labels are now."""

from __future__ import annotations

from typing import TYPE_CHECKING

from localcloud.arm.traffic import routes
from localcloud.dataplane.paths import Match, Paths, Rule, Targets

if TYPE_CHECKING:
    from collections.abc import Iterator

    from localcloud.arm.models import App, Environment, Json, Store

KIND = "httpRouteConfigs"
PATHS = {"prefix": Match.PREFIX, "path": Match.PATH, "pathSeparatedPrefix": Match.SEGMENTS}
_ALL = 100


def hosts(store: Store) -> dict[str, Paths]:
    """One host for each configuration; a rule whose targets are not there answers 404."""
    found: dict[str, Paths] = {}
    for child in store.children.of_kind(KIND):
        environment = store.environments.get(child.environment.lower())
        if environment is not None:
            rules = [
                _rule(route, _targets(store, environment, rule["targets"]))
                for rule in child.properties.get("rules", ())
                for route in rule["routes"]
            ]
            found[f"{child.name}.{environment.domain}"] = Paths(tuple(rules))
    return found


def lost(store: Store, environment: Environment, properties: Json) -> Iterator[str]:
    """A sentence for each target that is not there."""
    for rule in properties.get("rules", ()):
        for target in rule["targets"]:
            app = _app(store, environment, target)
            if app is None:
                yield f"Container App '{target['containerApp']}' was not found in environment '{environment.name}'."
            elif app.ingress is None:
                yield f"Container App '{app.name}' has no ingress."
            elif "revision" in target and app.revision(target["revision"]) is None:
                yield f"Revision '{target['revision']}' of Container App '{app.name}' was not found."
            elif "label" in target and target["label"] not in [e.get("label") for e in app.ingress["traffic"]]:
                yield f"Label '{target['label']}' of Container App '{app.name}' was not found."


def _rule(route: Json, targets: Targets) -> Rule:
    match = route["match"]
    name = next(name for name in PATHS if name in match)
    return Rule(
        targets=targets,
        match=PATHS[name],
        text=match[name],
        rewrite=route.get("action", {}).get("prefixRewrite", ""),
        case_sensitive=match["caseSensitive"],
    )


def _targets(store: Store, environment: Environment, targets: list[Json]) -> Targets:
    """Shares of an app are those of its own host; targets without a weight get as much as each other."""
    shares: dict[str, int] = {}
    for target in targets:
        app = _app(store, environment, target)
        for revision, weight in _shares(app, target) if app else ():
            shares[revision] = shares.get(revision, 0) + weight * int(target.get("weight", _ALL))
    return tuple((revision, share) for revision, share in shares.items() if share)


def _shares(app: App, target: Json) -> Targets:
    """Of the host that the target stands for: the app's, that of one of its revisions, or that of a label."""
    revision = app.revision(target.get("revision", ""))
    name = f"{app.name}---{target['label']}" if "label" in target else app.name
    if "revision" in target:
        name = revision.name if revision else ""
    return routes([app]).get(app.host(name), ())


def _app(store: Store, environment: Environment, target: Json) -> App | None:
    name = target["containerApp"].lower()
    return next((a for a in store.apps() if a.environment is environment and a.name.lower() == name), None)
