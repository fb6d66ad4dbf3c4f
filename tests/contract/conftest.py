"""These tests share one Azurite."""

from tests.storage import azurite

__all__ = ["azurite"]
