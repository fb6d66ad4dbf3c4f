"""What a recording found there: the Azure of its day, environments that it did not make, revisions that had drained."""

from __future__ import annotations

from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Any

from localcloud.arm.knobs import Knobs
from tests.localcloud.arm.recordings import MANAGEMENT

if TYPE_CHECKING:
    from collections.abc import Sequence

    from localcloud.arm.models import Json
    from tests.localcloud.arm.recordings import Interaction

_ENVIRONMENT = "/providers/microsoft.app/managedenvironments/"
_UNKNOWN = "env.eastus.azurecontainerapps.io"
_REFUSED = 300
_CONSUMPTION = [{"workloadProfileType": "Consumption", "name": "Consumption"}]


def environments(interactions: list[Interaction]) -> dict[str, Json]:
    """By id, the `properties` of environments that it uses and never makes; with a `location` if told.

    Of one that it does not read, what its apps tell: a default domain, and whether it has workload profiles.
    """
    made: set[str] = set()
    found: dict[str, tuple[str, Json]] = {}
    for one in interactions:
        request, response = one["request"], one["response"]
        path = request["uri"].partition("?")[0].removeprefix(MANAGEMENT)
        if _is_environment(path) and request["method"] == "PUT":
            made.add(path.lower())
        told = _properties(response["body"]) if response["status"] < _REFUSED else {}
        within = _environment_of(path)
        if within and response["status"] < _REFUSED and within.lower() not in made:
            found.setdefault(within.lower(), (within, {}))
        if told and _is_environment(path):
            told = {**told, "location": response["body"]["location"]}
        identifier = path if _is_environment(path) else "" if within else str(told.get("managedEnvironmentId") or "")
        if told and identifier and identifier.lower() not in made:
            spelled, known = found.get(identifier.lower(), (identifier, {}))
            found[identifier.lower()] = spelled, _more(known, told)
    return {spelled: {"defaultDomain": _UNKNOWN, **known} for spelled, known in found.values()}


def of_its_day(interactions: Sequence[Interaction]) -> Knobs:
    """Azure as it was when this was recorded; as usual where it does not say when that was."""
    dates = [one["response"]["headers"].get("date") for one in interactions]
    days = [parsedate_to_datetime(date) for date in dates if date]
    return Knobs(day=f"{min(days):%Y-%m-%d}") if days else Knobs()


def drained(interactions: Sequence[Interaction]) -> bool:
    """Whether a revision is told to be inactive that nobody deactivated: the older ones had drained by then."""
    deactivated = any("/deactivate?" in one["request"]["uri"] for one in interactions)
    return not deactivated and any(_inactive(one["response"]["body"]) for one in interactions)


def _inactive(body: Any) -> bool:
    listed = body.get("value") if isinstance(body, dict) else None
    bodies = listed if isinstance(listed, list) else [body]
    return any(_properties(one).get("active") is False for one in bodies)


def _is_environment(path: str) -> bool:
    name = path.lower().partition(_ENVIRONMENT)[2]
    return bool(name) and "/" not in name


def _environment_of(path: str) -> str:
    """The environment in which the resource of this path is, "" when it is in none."""
    start = path.lower().find(_ENVIRONMENT) + len(_ENVIRONMENT)
    name, _, child = path[start:].partition("/") if _ENVIRONMENT in path.lower() else ("", "", "")
    return path[: start + len(name)] if child else ""


def _properties(body: Any) -> Json:
    found = body.get("properties") if isinstance(body, dict) else None
    return found if isinstance(found, dict) else {}


def _more(known: Json, told: Json) -> Json:
    if "managedEnvironmentId" not in told:
        return {**known, **told}
    ingress = (told.get("configuration") or {}).get("ingress") or {}
    host = str(ingress.get("fqdn") or "").partition(".")[2].removeprefix("internal.")
    profiles = _CONSUMPTION if told.get("workloadProfileName") else None
    return {**({"defaultDomain": host} if host else {}), "workloadProfiles": profiles, **known}
