"""Bodies of apps made of every member that a model of the SDK lets a request have."""

from __future__ import annotations

import typing
from typing import Any

from azure.mgmt.appcontainers import models

from tests.localcloud.arm.cloud import ENVIRONMENT, IMAGE
from tests.localcloud.arm.sdk_models import allowed, members

# What cannot be any value of its type: it refers to something, or is judged before it is accepted.
_GIVEN: dict[str, Any] = {
    "location": "East US",
    "environmentId": ENVIRONMENT,
    "managedEnvironmentId": ENVIRONMENT,
    "activeRevisionsMode": "Multiple",
    "traffic": [{"latestRevision": True, "weight": 100, "label": "blue"}],
    "image": IMAGE,
    "memory": "1Gi",
    "secretRef": "name",
    "passwordSecretRef": "name",
    "revisionSuffix": "all",
}


def full(model: str, pick: int) -> dict[str, Any]:
    """Every writable member, at every depth. pick: which value of each enum, and whether booleans are true."""
    return _body(getattr(models, model), pick)


def _body(model: type, pick: int) -> dict[str, Any]:
    return {
        name: _GIVEN[name] if name in _GIVEN else _value(member.kind, name, pick)
        for name, member in members(model).items()
        if member.writable
    }


def _value(kind: Any, name: str, pick: int) -> Any:
    if typing.get_origin(kind) is list:
        return [_value(typing.get_args(kind)[0], name, pick)]
    if typing.get_origin(kind) is dict:
        return {name: _value(typing.get_args(kind)[1], name, pick)}
    if choices := allowed(kind):
        return choices[pick % len(choices)]
    plain: dict[Any, Any] = {str: name, bytes: name, int: 1 + pick, float: 0.5, bool: pick % 2 == 0, Any: name}
    return plain[kind] if kind in plain else _body(kind, pick)
