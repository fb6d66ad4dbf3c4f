"""Event Grid triggers. They answer within milliseconds; Event Grid repeats what takes 30 s or fails.

The events arrive as `str`, because azure-functions decodes the two schemas to two types, and older versions decode
CloudEvents to nothing at all (functions.md A4).
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, TypeVar

import azure.functions as func

from delivery.errors import Malformed, Refused

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from delivery.ports import Ports
    from handlers.decode import Ignored
    from policies.evidence import PushEvidence, ScanEvidence

T = TypeVar("T", "PushEvidence", "ScanEvidence")
UNSTORABLE = (400, 413)  # the store's answer to a row that it will never take
log = logging.getLogger("weighbridge.events")


def blueprint(ports: Callable[[], Ports]) -> func.Blueprint:
    """`image_pushed` and `scan_completed`."""
    functions = func.Blueprint()

    @functions.function_name("image_pushed")
    @functions.event_grid_trigger(arg_name="event")
    async def image_pushed(event: str) -> None:
        from delivery import intake
        from handlers import decode

        await _hear(ports(), "image_pushed", event, decode.image_pushed, intake.image_pushed)

    @functions.function_name("scan_completed")
    @functions.event_grid_trigger(arg_name="event")
    async def scan_completed(event: str) -> None:
        from delivery import intake
        from handlers import decode

        await _hear(ports(), "scan_completed", event, decode.scan_completed, intake.scan_completed)

    return functions


async def _hear(
    ports: Ports,
    name: str,
    event: str,
    read: Callable[[str], T | Ignored],
    keep: Callable[[Ports, T], Awaitable[tuple[str, ...]]],
) -> None:
    """Read and keep an event. One that cannot be read or kept is parked: it would be no better the next time."""
    from delivery import parking
    from handlers.decode import Ignored

    try:
        evidence = read(event)
        if isinstance(evidence, Ignored):
            log.info("%s: ignored, %s", name, evidence.because)
            return
        woken = await keep(ports, evidence)
    except (Malformed, Refused) as error:
        if isinstance(error, Refused) and error.status not in UNSTORABLE:
            raise
        key = await parking.park(ports, f"event {name}", event, str(error))
        log.warning("%s: parked as %s: %s", name, key, error)
        return
    log.info("%s: %s@%s woke %d apps", name, evidence.repository, evidence.digest[:19], len(woken))
