"""Event Grid triggers. They answer within milliseconds; Event Grid repeats what takes 30 s or fails.

The events arrive as `str`, because azure-functions decodes the two schemas to two types, and older versions decode
CloudEvents to nothing at all (functions.md A4).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import azure.functions as func

if TYPE_CHECKING:
    from collections.abc import Callable

    from delivery.ports import Ports


def blueprint(ports: Callable[[], Ports]) -> func.Blueprint:
    """`image_pushed` and `scan_completed`."""
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

    return functions
