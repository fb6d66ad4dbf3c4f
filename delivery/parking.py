"""What cannot be read or keeps failing is parked: kept with its reason, announced, and never in anyone's way.

An app whose tick failed five times is tried again every five minutes, for its rollout may carry weight.
"""

from __future__ import annotations

import hashlib
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

from delivery import codec, names, outbox, tick
from delivery.errors import DeliveryError, Malformed
from delivery.notices import notice
from delivery.ports import Put

if TYPE_CHECKING:
    from collections.abc import Mapping

    from delivery.ports import Ports, Row

PARKED = "parked"
RETRY = timedelta(minutes=5)
LONGEST = 8 * 1024


async def park(ports: Ports, source: str, body: str, because: str) -> str:
    """Keep something malformed, cut to 8 Ki characters, under a key that makes a repeat the same row.

    Answers that key. source: what it came as, e.g. `event image_pushed`.
    """
    key = hashlib.sha256(f"{source}\n{body}".encode()).hexdigest()[:32]
    columns = {"source": source, "because": because[: codec.LONGEST_TEXT * 4], "body": body[:LONGEST]}
    row = Put(key=key, columns={**columns, "length": len(body), "at": ports.clock.now()})
    await ports.rows.commit(names.NAMES, PARKED, [row])
    return key


async def park_tick(ports: Ports, body: Mapping[str, object], text: str) -> None:
    """A tick failed five times: say so on the app's channel once an hour, and try again in five minutes.

    With the same offers, for the store may have been away, and no event will bring those images again. text: the
    message as it came; one that is no wake-up is only kept.
    """
    try:
        wake = tick.read(body)
    except Malformed as error:
        await park(ports, f"queue {names.TICKS}", text, str(error))
        return
    app = wake.app
    now = ports.clock.now()
    because = "its tick failed five times; it is tried again every 5 minutes until it succeeds"
    source = names.resource_id(app)
    name = source.rpartition("/")[2]
    letter = notice(
        "AppParked",
        source=source,
        subject=name,
        edge=f"{now:%Y%m%d%H}",
        summary=f"PARKED  {name}. Weighbridge cannot work on this app; its traffic stays as it is.",
        because=because,
        now=now,
    )
    await ports.rows.commit(names.ROLLOUTS, app, [letter])
    await outbox.wake(ports, app, [letter.key])
    await park(ports, f"queue {names.TICKS}", text, because)
    await ports.queue.put(names.TICKS, replace(wake, seq=None).message(), RETRY)


async def park_letter(ports: Ports, body: Mapping[str, object], text: str) -> None:
    """A delivery that failed five times on our side is asked for again in five minutes; its row is still there."""
    try:
        letter = outbox.read(body)
    except DeliveryError as error:
        await park(ports, f"queue {names.OUTBOX}", text, str(error))
        return
    await ports.queue.put(names.OUTBOX, letter.message(), RETRY)


async def park_event(ports: Ports, body: Mapping[str, object], text: str) -> None:
    """An event that failed five times is heard again in five minutes, as Event Grid itself would repeat it.

    body: the event, {} when it is none; that is only kept. text: the message as it came.
    """
    if not body:
        await park(ports, f"queue {names.EVENTS}", text, "message: expected an event, found something else")
        return
    await ports.queue.put(names.EVENTS, body, RETRY)


async def parked(ports: Ports) -> list[Row]:
    """Everything malformed that was kept."""
    return await ports.rows.scan(names.NAMES, PARKED)
