"""Revisions as real processes behind a real ingress, on loopback."""

from localcloud.dataplane.model import (
    IngressError,
    Pace,
    PullError,
    ReplicaState,
    Routes,
    Workload,
    WorkloadState,
)
from localcloud.dataplane.plane import DataPlane

__all__ = [
    "DataPlane",
    "IngressError",
    "Pace",
    "PullError",
    "ReplicaState",
    "Routes",
    "Workload",
    "WorkloadState",
]
