"""A container registry with ACR's manners: the OCI distribution API, ACR's tokens and tags, and its events."""

from __future__ import annotations

from localcloud.registry.service import Registry

__all__ = ["Registry"]
