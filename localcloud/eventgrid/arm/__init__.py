"""Event Grid over Azure Resource Manager: topics, their subscriptions, and two counts.

Shapes are those of REST API 2025-02-15 and of what the tests of azure-cli recorded between 2021 and 2025
(Azure/azure-cli, src/azure-cli/azure/cli/command_modules/eventgrid/tests/latest/recordings).
"""

from __future__ import annotations

from localcloud.eventgrid.arm.service import ArmCalls

__all__ = ["ArmCalls"]
