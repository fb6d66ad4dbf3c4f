"""`httpRouteConfigs` of environments: what a body may hold, and how it is answered.

Recorded in `test_containerapp_env_http_route_config_crudoperations_e2e.yaml` of Azure/azure-cli, 2025-07-01; what is
refused, and in which words, is in no recording. How requests are routed by them is in `path_hosts`.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from localcloud.arm.child_calls import Kind
from localcloud.arm.errors import ArmError, bad_request, unsupported
from localcloud.arm.path_hosts import KIND, PATHS, lost
from localcloud.arm.shapes import IGNORED, Shape, read
from localcloud.arm.versions import VERSIONS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from localcloud.arm.calls import Call
    from localcloud.arm.children import Child
    from localcloud.arm.models import Environment, Json, Store

_MATCH = Shape("HttpRoute.Match", {**dict.fromkeys(PATHS, str), "caseSensitive": bool})
_ROUTE = Shape("HttpRoute.Route", {"match": _MATCH, "action": Shape("HttpRoute.Action", {"prefixRewrite": str})})
_TARGET = {"containerApp": str, "revision": str, "label": str}
_WEIGHTED = "2025-02-02-preview"  # the last published version whose targets have a weight
# The published pattern has no hyphen, the documented example does: learn.microsoft.com/azure/container-apps/
# rule-based-routing.
_NAME = re.compile(r"[a-z][a-z0-9-]{1,61}[a-z0-9]", re.ASCII)
# What a request's path can hold. The ingress would refuse some of the rest, and every other route with it.
_PATH = re.compile(r"/(?:(?![?#])[!-~])*", re.ASCII)
_MOST = 100


class HttpRoutes(Kind):
    """Routes of an environment by paths, served under a host name of their own."""

    word = KIND
    deleted = 204
    patched = True
    versions = tuple(v for v in VERSIONS if v >= "2024-10-02-preview" and v != "2025-01-01")  # recorded

    def __init__(self, store: Store) -> None:
        self._store = store

    def read(self, call: Call, environment: Environment, body: Json) -> Json:
        """Defaults filled in, and nothing that is not known."""
        del environment
        name = call.names["child"]
        if not _NAME.fullmatch(name):
            raise bad_request("HttpRouteConfigInvalidName", f"The name '{name}' must be {_NAME.pattern}.")
        properties: Json = read(_shape(call.version), body.get("properties") or {}, call.version, "$.properties")
        if properties.get("customDomains"):
            raise unsupported(call.method, f"Microsoft.App/managedEnvironments/{KIND} with customDomains")
        for rule in properties.get("rules", ()):
            for route in rule.get("routes", ()):
                route.get("match", {}).setdefault("caseSensitive", True)
        return properties

    def check(self, call: Call, environment: Environment, properties: Json) -> None:
        """Every rule has routes and targets, every path can be matched, and targets are there unless that is let be."""
        del call
        wrong = list(_problems(properties.get("rules", ())))
        if not wrong and self._store.knobs.lost_target == "refused":
            wrong = list(lost(self._store, environment, properties))
        if wrong:
            raise bad_request("HttpRouteConfigInvalid", " ".join(wrong))

    def show(self, call: Call, environment: Environment, child: Child) -> Json:
        """With its host, and with an error for each target that is no longer there."""
        errors = [
            {"timestamp": f"{child.modified}Z", "message": message}
            for message in lost(self._store, environment, child.properties)
        ]
        rules = child.properties.get("rules", [])
        if call.version > _WEIGHTED:
            rules = [{**rule, "targets": [_unweighted(target) for target in rule["targets"]]} for rule in rules]
        return {
            "fqdn": f"{child.name}.{environment.domain}",
            "provisioningState": "Failed" if errors else "Succeeded",
            "provisioningErrors": errors,
            "customDomains": [],
            "rules": rules,
        }

    def missing(self, name: str) -> ArmError:
        """As it was recorded of storages."""
        return ArmError(404, "HttpRouteConfigNotFound", f"Http Route Config '{name}' was not found.")


def _shape(version: str) -> Shape:
    target = Shape("HttpRoute.Target", _TARGET if version > _WEIGHTED else {**_TARGET, "weight": int})
    rule = Shape("HttpRoute.Rule", {"routes": [_ROUTE], "targets": [target], "description": str})
    told = dict.fromkeys(("fqdn", "provisioningState", "provisioningErrors"), IGNORED)
    domain = Shape("CustomDomain", {"name": str, "bindingType": str, "certificateId": str})
    return Shape("HttpRoute.Properties", {**told, "customDomains": [domain], "rules": [rule]})


def _unweighted(target: Json) -> Json:
    return {name: value for name, value in target.items() if name != "weight"}


def _problems(rules: list[Json]) -> Iterator[str]:
    for n, rule in enumerate(rules):
        for name in ("routes", "targets"):
            if not rule.get(name):
                yield f"rules[{n}].{name}: expected at least one, found none."
        for m, route in enumerate(rule.get("routes", ())):
            yield from _of_route(f"rules[{n}].routes[{m}]", route)
        for m, target in enumerate(rule.get("targets", ())):
            yield from _of_target(f"rules[{n}].targets[{m}]", target)


def _of_route(where: str, route: Json) -> Iterator[str]:
    match = route.get("match", {})
    given = [name for name in PATHS if name in match]
    if len(given) != 1:
        yield f"{where}.match: expected one of {', '.join(PATHS)}, found {' and '.join(given) or 'none'}."
    for name in given:
        text = match[name]
        if not _PATH.fullmatch(text):
            yield f"{where}.match.{name}: expected a path that begins with / and has no query, found '{text}'."
        elif name == "pathSeparatedPrefix" and text.endswith("/"):
            yield f"{where}.match.{name}: expected a path that does not end with /, found '{text}'."
    rewrite = route.get("action", {}).get("prefixRewrite", "/")
    if not _PATH.fullmatch(rewrite):
        yield f"{where}.action.prefixRewrite: expected a path that begins with /, found '{rewrite}'."


def _of_target(where: str, target: Json) -> Iterator[str]:
    if not target.get("containerApp"):
        yield f"{where}.containerApp: expected the name of an app, found none."
    if target.get("revision") and target.get("label"):
        yield f"{where}: expected a revision or a label, found both."
    if not 0 <= target.get("weight", 0) <= _MOST:
        yield f"{where}.weight: expected 0 to {_MOST}, found {target['weight']}."
