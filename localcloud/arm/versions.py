"""What an api-version changes in answers: the oldest leave out what is blank, and what they do not know."""

from __future__ import annotations

from localcloud.arm import days
from localcloud.arm.answered import of_version

# As the service lists them (recorded in 2024 and 2025), and those published since.
VERSIONS = (
    "2022-03-01",
    "2022-06-01-preview",
    "2022-10-01",
    "2022-11-01-preview",
    "2023-04-01-preview",
    "2023-05-01",
    "2023-05-02-preview",
    "2023-08-01-preview",
    "2023-11-02-preview",
    "2024-02-02-preview",
    "2024-03-01",
    "2024-08-02-preview",
    "2024-10-02-preview",
    "2025-01-01",
    "2025-02-02-preview",
    "2025-07-01",
    "2025-10-02-preview",
    "2026-01-01",
    "2026-03-02-preview",
    "2026-07-01",
)
# Those that have the Labels mode; no stable one has (their specifications). The history of labels is at another
# address since LABEL_HISTORIES.
LABELS = ("2024-10-02-preview", "2025-02-02-preview", "2025-10-02-preview")
LABEL_HISTORIES = "2026-07-01"
_SPELLED = "2022-06"


def shown(body: object, version: str, day: str = days.TODAY) -> object:
    """A body as this version answered it on that day; a version that is no one's is taken for a late one."""
    if not version:
        return body
    known = of_version(body, version, day)
    if version < _SPELLED:
        return without_blanks(_oldest(known))
    if day < days.BLANKS:
        return without_blanks(known)
    return _without_storage(known) if day < days.STORAGE else known


def _without_storage(value: object) -> object:
    """Where there are workload profiles, ephemeral storage was blank (create_with_workloadprofile_yaml of 2023)."""
    if isinstance(value, dict):
        profiled = value.get("workloadProfileName") is not None and "template" in value
        return {
            name: _blank_storage(one) if profiled and name == "template" else _without_storage(one)
            for name, one in value.items()
        }
    return [_without_storage(one) for one in value] if isinstance(value, list) else value


def _blank_storage(value: object) -> object:
    if isinstance(value, dict):
        return {name: "" if name == "ephemeralStorage" else _blank_storage(one) for name, one in value.items()}
    return [_blank_storage(one) for one in value] if isinstance(value, list) else value


def _oldest(value: object) -> object:
    """An app's id is spelled as its type and a blank suffix left out (compose_create_with_ingress_external of 2022)."""
    if isinstance(value, dict):
        kept = {name: _oldest(one) for name, one in value.items() if (name, one) != ("revisionSuffix", "")}
        if kept.get("type") == "Microsoft.App/containerApps":
            kept["id"] = str(kept["id"]).replace("/containerapps/", "/containerApps/")
        return kept
    return [_oldest(one) for one in value] if isinstance(value, list) else value


def without_blanks(value: object, parent: str = "") -> object:
    """As the oldest versions answer it; two members were blank text to them (`update` of August 2022)."""
    if isinstance(value, dict):
        kept: dict[str, object] = {name: without_blanks(one, name) for name, one in value.items() if one is not None}
        if "ephemeralStorage" in kept:
            kept["ephemeralStorage"] = ""
        if parent == "env" and "secretRef" in kept:
            kept = {"name": kept["name"], "value": "", **kept}
        return kept
    return [without_blanks(one, parent) for one in value] if isinstance(value, list) else value
