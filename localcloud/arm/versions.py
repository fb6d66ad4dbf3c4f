"""What an api-version changes in answers: the oldest leave out what is blank, and what they do not know."""

from __future__ import annotations

# As the service lists them (recorded in 2022 and 2024), and those published since.
VERSIONS = (
    "2022-01-01-preview",
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
    "2026-07-01",
)
# Those that have the Labels mode; no stable one has (their specifications). The history of labels is at another
# address since LABEL_HISTORIES.
LABELS = ("2024-10-02-preview", "2025-02-02-preview", "2025-10-02-preview")
LABEL_HISTORIES = "2026-07-01"
_WITH_LABELS = ("microsoft.app/containerapps", "microsoft.app/containerapps/revisions")
_REVISIONS_LABELS = LABELS[1:]  # those whose revisions say their labels
_FULL = "2023"  # recordings before it have no blank members, recordings after it do
# Of apps, revisions and replicas; none of them is in an answer recorded with 2022-06-01-preview.
_SINCE = frozenset(
    {
        *("runningStatus", "latestReadyRevisionName", "workloadProfileName", "delegatedIdentities"),
        *("runningState", "runningStateDetails", "lastActiveTime", "initContainers"),
        "maxInactiveRevisions",
    }
)


def shown(body: object, version: str) -> object:
    """A body as this version answers it; a version that is no one's is taken for a late one."""
    known = _without_labels(body, version)
    return without_blanks(known) if version and version < _FULL else known


def _without_labels(body: object, version: str) -> object:
    """An app's or a revision's body, or a list of them, as a version without labels has it; others have none."""
    if version in _REVISIONS_LABELS or not isinstance(body, dict):
        return body
    if isinstance(body.get("value"), list):
        return {**body, "value": [_without_labels(one, version) for one in body["value"]]}
    properties = body.get("properties")
    if not isinstance(properties, dict) or str(body.get("type")).lower() not in _WITH_LABELS:
        return body
    kept = {name: one for name, one in properties.items() if name != "labels"}
    configuration = kept.get("configuration")
    if isinstance(configuration, dict) and version not in LABELS:
        kept["configuration"] = {name: one for name, one in configuration.items() if name != "targetLabel"}
    return {**body, "properties": kept}


def without_blanks(value: object) -> object:
    """As the oldest versions answer it."""
    if isinstance(value, dict):
        kept: dict[str, object] = {
            name: without_blanks(one) for name, one in value.items() if one is not None and name not in _SINCE
        }
        if "ephemeralStorage" in kept:
            kept["ephemeralStorage"] = ""
        return kept
    return [without_blanks(one) for one in value] if isinstance(value, list) else value
