"""What the answer to a PUT of an app leaves out or tells otherwise than a GET, before its operation ends."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from localcloud.arm.models import Json

_FOUND_OUT = frozenset(
    {
        *("runningStatus", "latestRevisionName", "latestReadyRevisionName", "latestRevisionFqdn"),
        "eventStreamEndpoint",
    }
)


def as_sent(answer: Json, sent: Json) -> Json:
    """What is answered to a PUT since May 2024: what it sent, in Azure's members and words, without its defaults.

    Recorded of those that make an app in create_with_yaml of 28 May 2024 (in create_with_vnet_yaml of 6 May not yet),
    container_acr, ingress_sticky_sessions_e2e, mount_azurefile_e2e, replica_commands and, in April 2025 again, in
    termination_grace_period_seconds; of those that change one in containerapp_e2e, identity_system, identity_user,
    container_acr_env_var and in 2025 in revision_label_e2e and kind_functionapp.
    """
    asked = sent["properties"]
    properties = {name: value for name, value in answer["properties"].items() if name not in _FOUND_OUT}
    told, given = properties["template"], asked.get("template") or {}
    template = {
        **told,
        "revisionSuffix": given.get("revisionSuffix"),
        "scale": _sent_scale(told["scale"], given.get("scale")),
        **{kind: _sent_containers(told[kind], given.get(kind)) for kind in ("containers", "initContainers")},
    }
    configuration = _sent_configuration(properties["configuration"], asked.get("configuration") or {})
    return {**answer, "properties": {**properties, "configuration": configuration, "template": template}}


def _sent_configuration(told: Json, given: Json) -> Json:
    secrets = [] if given.get("secrets") == [] else told["secrets"]
    registries = told["registries"] and [
        {name: value for name, value in registry.items() if sent.get(name) is not None}
        for registry, sent in zip(told["registries"], given["registries"], strict=True)
    ]
    ingress = told["ingress"] and _sent_ingress(told["ingress"], given["ingress"])
    label = given.get("targetLabel")
    return {**told, "secrets": secrets, "targetLabel": label, "ingress": ingress, "registries": registries}


def _sent_ingress(told: Json, given: Json) -> Json:
    found_out = {name: given.get(name) for name in ("fqdn", "targetPort", "exposedPort")}
    return {**told, **found_out, "traffic": told["traffic"] if given.get("traffic") else None}


def _sent_scale(told: Json, given: Json | None) -> Json | None:
    """No rules stay the empty list that they were sent as (recorded in containerapp_e2e)."""
    rules = given and (told["rules"] if given.get("rules") else given.get("rules"))
    return given and {**{name: given.get(name) for name in told}, "rules": rules}


def _sent_containers(told: list[Json] | None, given: list[Json] | None) -> list[Json] | None:
    """Resources where they were sent: with the storage they bring, and the memory spelled as it was."""
    return told and [_sent_container(one, sent) for one, sent in zip(told, given or (), strict=True)]


def _sent_container(told: Json, given: Json) -> Json:
    """What kind of image it is, if that was not sent, is told otherwise than later (with 2025-10-02-preview)."""
    resources = {**told["resources"], "memory": (given.get("resources") or {}).get("memory")}
    shown = {**told, "imageType": given.get("imageType") or "CloudBuild", "resources": resources}
    return shown if given.get("resources") else {name: value for name, value in shown.items() if name != "resources"}
