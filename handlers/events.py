"""Events of Event Grid, by call or by queue. A call is answered within milliseconds; one of 30 s would be repeated.

The events arrive as `str`, because azure-functions decodes the two schemas to two types, and older versions decode
CloudEvents to nothing at all (functions.md A4).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import azure.functions as func

from delivery import names

if TYPE_CHECKING:
    from collections.abc import Callable

    from delivery.ports import Ports

STORAGE = "AzureWebJobsStorage"


def blueprint(ports: Callable[[], Ports]) -> func.Blueprint:
    """`image_pushed` and `scan_completed`; `queued_event` for both where Event Grid may only write to a queue."""
    functions = func.Blueprint()

    @functions.function_name("image_pushed")
    @functions.event_grid_trigger(arg_name="event")
    async def image_pushed(event: str) -> None:
        from delivery import intake
        from handlers import decode, hearing

        await hearing.hear(ports(), "event image_pushed", event, decode.image_pushed, intake.image_pushed)

    @functions.function_name("scan_completed")
    @functions.event_grid_trigger(arg_name="event")
    async def scan_completed(event: str) -> None:
        from delivery import intake
        from handlers import decode, hearing

        await hearing.hear(ports(), "event scan_completed", event, decode.scan_completed, intake.scan_completed)

    @functions.function_name("queued_event")
    @functions.queue_trigger(arg_name="message", queue_name=names.EVENTS, connection=STORAGE)
    async def queued_event(message: str) -> None:
        from handlers import decode, hearing

        await hearing.hear_event(ports(), f"queue {names.EVENTS}", decode.queued(message))

    return functions
