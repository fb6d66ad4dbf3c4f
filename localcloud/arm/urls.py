"""Which request is answered by what: one table, matched without case, as Azure Resource Manager does."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from localcloud.arm.errors import bad_request, unknown_version, unsupported
from localcloud.arm.versions import VERSIONS

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    from localcloud.arm.calls import Call, Reply

    Handler = Callable[[Call], Awaitable[Reply]]
    Route = tuple[str, str, Handler]

_SUBSCRIPTION = "/subscriptions/{subscription}"
_GROUP = _SUBSCRIPTION + "/resourceGroups/{group}"
APPS = "/providers/Microsoft.App/containerApps"
APP = _GROUP + APPS + "/{app}"
APPS_OF_GROUP, APPS_OF_SUBSCRIPTION = _GROUP + APPS, _SUBSCRIPTION + APPS
REVISION = APP + "/revisions/{revision}"
_ENVIRONMENTS = "/providers/Microsoft.App/managedEnvironments"
ENVIRONMENT = _GROUP + _ENVIRONMENTS + "/{environment}"
ENVIRONMENTS_OF_GROUP, ENVIRONMENTS_OF_SUBSCRIPTION = _GROUP + _ENVIRONMENTS, _SUBSCRIPTION + _ENVIRONMENTS
METRICS = APP + "/providers/Microsoft.Insights"
PERMISSIONS = APP + "/providers/Microsoft.Authorization/permissions"
_LOCATION = _SUBSCRIPTION + "/providers/Microsoft.App/locations/{region}/"
_OPERATION, _ENVIRONMENT_OPERATION = _LOCATION + "containerappOperation", _LOCATION + "managedEnvironmentOperation"
STATUSES, RESULTS = _OPERATION + "Statuses/{operation}", _OPERATION + "Results/{operation}"
ENVIRONMENT_STATUSES = _ENVIRONMENT_OPERATION + "Statuses/{operation}"
ENVIRONMENT_RESULTS = _ENVIRONMENT_OPERATION + "Results/{operation}"

_DOTTED = re.compile(r"\{(\w+)(?::([\w|]+))?\}")
_APP_TYPE = re.compile(r"/providers/(Microsoft\.\w+(?:/.+)?)$", re.IGNORECASE)


class Urls:
    """Routes in the order they are given; the first that matches answers."""

    def __init__(self, routes: Sequence[Route]) -> None:
        self._routes = [(method, _compiled(path), handler) for method, path, handler in routes]

    def match(self, call: Call) -> tuple[Handler, dict[str, str]]:
        """The handler and the parts of the path; raises ArmError 501 that names verb and resource."""
        for method, path, handler in self._routes:
            found = path.fullmatch(call.path) if method == call.method else None
            if found is not None:
                return handler, found.groupdict()
        raise unsupported(call.method, resource_type(call.path))


def resource_type(path: str) -> str:
    """`Microsoft.App/containerApps/revisions` of a path with names in it; the path itself outside a provider."""
    found = _APP_TYPE.search(path)
    if found is None:
        return path
    namespace, *rest = found[1].split("/")
    return "/".join((namespace, *rest[::2]))


def of_container_apps(path: str) -> bool:
    """Whether a path is of their provider; what is asked of others under it is not theirs to version."""
    others = ("/register", "microsoft.insights", "microsoft.authorization")
    return resource_type(path).lower().startswith("microsoft.app/") and not any(part in path.lower() for part in others)


def check_version(call: Call) -> None:
    """Raise ArmError 400 unless the request names an api-version, and one of Container Apps' for its resources."""
    if not call.version:
        raise bad_request(
            "MissingApiVersionParameter",
            "The api-version query parameter (?api-version=) is required for all requests.",
        )
    if of_container_apps(call.path) and call.version not in VERSIONS:
        raise unknown_version(resource_type(call.path).partition("/")[2], call.version, VERSIONS)


def _compiled(path: str) -> re.Pattern[str]:
    def part(found: re.Match[str]) -> str:
        return f"(?P<{found[1]}>{found[2] or '[^/]+'})"

    return re.compile(_DOTTED.sub(part, path.replace(".", r"\.")), re.IGNORECASE)
