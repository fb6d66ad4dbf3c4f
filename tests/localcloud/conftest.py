"""These tests share one Azurite, where they need one."""

from tests.storage import azurite

__all__ = ["azurite"]
