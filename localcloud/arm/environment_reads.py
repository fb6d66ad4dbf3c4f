"""What can be read about environments beside themselves: quotas, and their workload profiles.

Quotas and the kinds of profiles are those of `test_containerapp_env_usages.yaml` (2024-03-01) and
`test_containerapp_env_workload_profiles_list_supported.yaml` (recorded in 2025) of Azure/azure-cli; states of profiles
those of its `test_containerapp_create_with_workloadprofile_yaml.yaml` (2023-04-01-preview), which the published example
does not look like.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from localcloud.arm import days, urls
from localcloud.arm.calls import Reply
from localcloud.arm.canonical import short
from localcloud.arm.child_calls import environment_of
from localcloud.arm.views import PROVIDER

if TYPE_CHECKING:
    from collections.abc import Iterator

    from localcloud.arm.calls import Call
    from localcloud.arm.models import Environment, Json, Store
    from localcloud.arm.urls import Route

_TYPES = "availableManagedEnvironmentsWorkloadProfileTypes"
_LOCATION = "/subscriptions/{subscription}/providers/Microsoft.App/locations/{region}/"
_GENERAL, _MEMORY, _CONSUMPTION = "GeneralPurpose", "MemoryOptimized", "Consumption"
# Name, category, cores, GiB, GPUs.
_PROFILES = (
    *((f"D{cores}", _GENERAL, cores, cores * 4, 0) for cores in (4, 8, 16, 32)),
    *((f"E{cores}", _MEMORY, cores, cores * 8, 0) for cores in (4, 8, 16, 32)),
    (_CONSUMPTION, _CONSUMPTION, 4, 8, 0),
    ("NC24-A100", "GPU-NC-A100", 24, 220, 1),
    ("NC48-A100", "GPU-NC-A100", 48, 440, 2),
    ("NC96-A100", "GPU-NC-A100", 96, 880, 4),
)
_CORES = {name: (category, cores) for name, category, cores, _, _ in _PROFILES}
_QUOTAS = {_GENERAL: ("General Purpose", 100), _MEMORY: ("Memory Optimized", 50), _CONSUMPTION: (_CONSUMPTION, 100)}


class EnvironmentReads:
    """Nothing is limited by a quota here, and no profile has machines of its own."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def routes(self) -> tuple[Route, ...]:
        """Its part of the table."""
        return (
            ("GET", urls.ENVIRONMENT + "/usages", self.usages),
            ("GET", urls.ENVIRONMENT + "/workloadProfileStates", self.states),
            ("GET", _LOCATION + _TYPES, self.types),
        )

    async def usages(self, call: Call) -> Reply:
        """Cores of each category in use, and the recorded limits."""
        environment = environment_of(self._store, call, "usages")
        used = dict.fromkeys(_QUOTAS, 0.0)
        for category, cores in (*self._of_apps(environment), *_of_profiles(environment)):
            used[category] = used.get(category, 0) + cores
        value = [_usage(name, used[category], limit) for category, (name, limit) in _QUOTAS.items()]
        return Reply(body={"value": value}, headers={"api-supported-versions": ""})

    async def states(self, call: Call) -> Reply:
        """Each profile with as many machines as it always has."""
        environment = environment_of(self._store, call, "workloadProfileStates")
        within = environment.id if call.day >= days.STATES else f"/subscriptions/{environment.subscription}{PROVIDER}"
        value = [
            {
                "id": f"{within}/workloadProfileStates/{profile['name']}",
                "name": profile["name"],
                "type": profile["workloadProfileType"],
                "properties": _state(profile),
            }
            for profile in _profiles(environment)
        ]
        return Reply(body={"value": value})

    async def types(self, call: Call) -> Reply:
        """Kinds of profiles: those of northeurope in February 2025, in every region."""
        region = short(call.names["region"])
        home = f"/subscriptions/{call.names['subscription']}/providers/Microsoft.App/{_TYPES}"
        value = [
            {
                "location": region,
                "properties": {
                    "displayName": name if name == _CONSUMPTION else f"Dedicated-{name}",
                    "category": category,
                    "cores": cores,
                    "memoryGiB": memory,
                    **({"gpus": gpus} if gpus else {}),
                },
                "id": f"{home}/{name}",
                "name": name,
                "type": f"Microsoft.App/{_TYPES}",
            }
            for name, category, cores, memory, gpus in _PROFILES
        ]
        return Reply(body={"value": value})

    def _of_apps(self, environment: Environment) -> Iterator[tuple[str, float]]:
        """Cores of replicas that run where no machine is anyone's own."""
        for app in self._store.apps():
            profile = app.resource["properties"]["workloadProfileName"] or _CONSUMPTION
            if app.environment is environment and profile == _CONSUMPTION:
                for revision in app.revisions:
                    each = sum(container["resources"]["cpu"] for container in revision.template["containers"])
                    yield _CONSUMPTION, each * len(revision.seen.replicas if revision.seen else ())


def _of_profiles(environment: Environment) -> Iterator[tuple[str, float]]:
    for profile in _profiles(environment):
        category, cores = _CORES.get(profile["workloadProfileType"], (_CONSUMPTION, 0))
        yield category, cores * profile.get("minimumCount", 0)


def _state(profile: Json) -> Json:
    """One without machines of its own counts none."""
    named = {name: profile[name] for name in ("workloadProfileType", "name")}
    if profile["workloadProfileType"] == _CONSUMPTION:
        return named
    least = profile.get("minimumCount", 0)
    return {"currentCount": least, **named, "minimumCount": least, "maximumCount": profile.get("maximumCount", 0)}


def _profiles(environment: Environment) -> list[Json]:
    found: list[Json] = environment.given["workloadProfiles"] or []
    return found


def _usage(name: str, used: float, limit: int) -> Json:
    value = int(used) if used == int(used) else used
    cores = {
        "value": f"ManagedEnvironment{name.replace(' ', '')}Cores",
        "localizedValue": f"Managed Environment {name} Cores",
    }
    return {"name": cores, "usage": value, "currentValue": value, "limit": limit}
