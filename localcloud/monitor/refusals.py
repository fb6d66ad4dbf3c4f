"""How Azure Monitor refuses a metrics query: 400, a bare envelope on the ARM path, and a trace id behind the reason."""

from __future__ import annotations

import uuid

from localcloud.arm.errors import ArmError


def refused(reason: str) -> ArmError:
    """400 BadRequest, bare; the batch API wraps it (learn.microsoft.com, metrics/migrate-to-batch-api)."""
    return ArmError(400, "BadRequest", f"{reason}, TraceId: {{{uuid.uuid4()}}}", wrapped=False)
