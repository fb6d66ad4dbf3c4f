"""`maintenanceConfigurations` of environments: when Azure may patch them. Nothing here is ever patched.

Recorded in `test_containerapp_maintenanceconfig_crudoperations_e2e.yaml` of Azure/azure-cli-extensions,
2025-02-02-preview; limits are those of the published schema, and in whose words they are refused is in no recording.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from localcloud.arm.child_calls import Kind
from localcloud.arm.errors import ArmError, bad_request
from localcloud.arm.shapes import Shape, read
from localcloud.arm.versions import VERSIONS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from localcloud.arm.calls import Call
    from localcloud.arm.models import Environment, Json

_ENTRY = Shape("ScheduledEntry", {"weekDay": str, "startHourUtc": int, "durationHours": int})
_SHAPE = Shape("MaintenanceConfiguration", {"scheduledEntries": [_ENTRY]})
_DAYS = {day.lower(): day for day in ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")}
_LIMITS = {"startHourUtc": (0, 23), "durationHours": (8, 24)}
_ONLY = "default"


class Maintenance(Kind):
    """The one schedule of an environment."""

    word = "maintenanceConfigurations"
    parent = "managedenvironments"
    versions = tuple(v for v in VERSIONS if v >= "2024-10-02-preview" and v not in ("2025-01-01", "2025-07-01"))

    def read(self, call: Call, environment: Environment, body: Json) -> Json:
        """Days spelled as published."""
        del environment
        if call.names["child"].lower() != _ONLY:
            raise bad_request(
                "MaintenanceConfigurationInvalidName",
                f"expected the name '{_ONLY}', found '{call.names['child']}'.",
            )
        properties: Json = read(_SHAPE, body.get("properties") or {}, call.version, "$.properties")
        wrong = list(_problems(properties))
        if wrong:
            raise bad_request("MaintenanceConfigurationInvalid", " ".join(wrong))
        return {
            "scheduledEntries": [
                {**entry, "weekDay": _DAYS[entry["weekDay"].lower()]} for entry in properties["scheduledEntries"]
            ]
        }

    def missing(self, name: str) -> ArmError:
        """As recorded, which says the environment and means the schedule."""
        message = f"Maintenance Configuration not found for environment {name}"
        return ArmError(404, "MaintenanceConfigurationNotFound", message)


def _problems(properties: Json) -> Iterator[str]:
    if "scheduledEntries" not in properties:
        yield "scheduledEntries: expected a list of entries, found none."
    for n, entry in enumerate(properties.get("scheduledEntries", ())):
        where = f"scheduledEntries[{n}]"
        if entry.get("weekDay", "").lower() not in _DAYS:
            yield f"{where}.weekDay: expected one of {', '.join(_DAYS.values())}, found {entry.get('weekDay', 'none')}."
        for name, (least, most) in _LIMITS.items():
            if not least <= entry.get(name, -1) <= most:
                yield f"{where}.{name}: expected {least} to {most}, found {entry.get(name, 'none')}."
