"""Azure Resource Manager for Container Apps on one machine: the part that progressive delivery touches.

Real clients use it without noticing: statuses, headers, envelopes, states and delays are those that were recorded
or observed on Azure. What it does not know it refuses: 501 `NotSupportedByLocalCloud`, naming verb and resource.
"""

from __future__ import annotations

from localcloud.arm.service import Arm

__all__ = ["Arm"]
