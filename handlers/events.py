"""Event Grid triggers. They answer within milliseconds; Event Grid repeats what takes 30 s or fails.

The events arrive as `str`, because azure-functions decodes the two schemas to two types, and older versions decode
CloudEvents to nothing at all (functions.md A4).
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

import azure.functions as func

from delivery import intake, parking
from delivery.errors import Malformed
from handlers import decode

if TYPE_CHECKING:
    from collections.abc import Callable

    from delivery.ports import Ports

log = logging.getLogger("weighbridge.events")


def blueprint(ports: Callable[[], Ports]) -> func.Blueprint:
    """`image_pushed` and `scan_completed`."""
    functions = func.Blueprint()

    @functions.function_name("image_pushed")
    @functions.event_grid_trigger(arg_name="event")
    async def image_pushed(event: str) -> None:
        try:
            push = decode.image_pushed(event)
        except Malformed as error:
            await _park(ports(), "event image_pushed", event, error)
            return
        if isinstance(push, decode.Ignored):
            log.info("image_pushed: ignored, %s", push.because)
            return
        woken = await intake.image_pushed(ports(), push)
        log.info("image_pushed: %s:%s woke %d apps", push.repository, push.tag, len(woken))

    @functions.function_name("scan_completed")
    @functions.event_grid_trigger(arg_name="event")
    async def scan_completed(event: str) -> None:
        try:
            scan = decode.scan_completed(event)
        except Malformed as error:
            await _park(ports(), "event scan_completed", event, error)
            return
        if isinstance(scan, decode.Ignored):
            log.info("scan_completed: ignored, %s", scan.because)
            return
        woken = await intake.scan_completed(ports(), scan)
        log.info("scan_completed: %s by %s woke %d apps", scan.repository, scan.scanner, len(woken))

    return functions


async def _park(ports: Ports, source: str, event: str, error: Malformed) -> None:
    """Kept, said, and answered as handled: an event that cannot be read will not be readable next time either."""
    key = await parking.park(ports, source, event, str(error))
    log.warning("%s: parked as %s: %s", source, key, error)
