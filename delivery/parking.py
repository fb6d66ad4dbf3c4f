"""What cannot be read or keeps failing is parked: kept with its reason, announced, and never in anyone's way.

An app whose tick failed five times is tried again every five minutes, for its rollout may carry weight.
"""

from __future__ import annotations

import hashlib
from dataclasses import replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from delivery import codec, index, names, outbox, state, tick
from delivery.errors import DeliveryError, Malformed, Retry
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
    return await _keep(ports, _key(source, body), source, body, because)


def _key(source: str, what: str) -> str:
    return hashlib.sha256(f"{source}\n{what}".encode()).hexdigest()[:32]


async def _keep(ports: Ports, key: str, source: str, body: str, because: str) -> str:
    columns = {"source": source, "because": because[: codec.LONGEST_TEXT * 4], "body": body[:LONGEST]}
    row = Put(key=key, columns={**columns, "length": len(body), "at": ports.clock.now()})
    await ports.rows.commit(names.NAMES, PARKED, [row])
    return key


async def park_tick(ports: Ports, body: Mapping[str, object], text: str) -> None:
    """A tick failed five times: say so on the app's channel once an hour, and try again in five minutes.

    What it offers comes again by queue, for the store may have been away, and no event will bring those images again;
    a mere wake-up by the sweep, which would add its own each minute. text: the message as it came; one that is no
    wake-up is only kept, and one of a newer version comes again as it is.
    """
    try:
        wake = tick.read(body)
    except Retry as later:
        await _later(ports, names.TICKS, body, text, later)
        return
    except Malformed as error:
        await park(ports, f"queue {names.TICKS}", text, str(error))
        return
    because = f"{await _why(ports, wake.app)}; it is tried again every 5 minutes until it succeeds"
    source, key = f"queue {names.TICKS}", _key("app", wake.app)
    known = await ports.rows.get(names.NAMES, PARKED, key)
    if known is None or not _this_hour(known.columns.get("at"), ports.clock.now()):
        await _tell(ports, wake.app, because)
    await _keep(ports, key, source, text, because)
    await _look_again(ports, wake.app)
    if wake.offers:
        await ports.queue.put(names.TICKS, replace(wake, seq=None).message(), RETRY)


async def _look_again(ports: Ports, app: str) -> None:
    """Have the sweep wake it in five minutes; an entry that is not overdue is a tick's that did better meanwhile."""
    now, entry = ports.clock.now(), await index.read(ports.rows, app)
    due = entry.columns.get(index.DUE) if entry else None
    if not isinstance(due, datetime) or due <= now:
        await index.put(ports.rows, app, now + RETRY)


def _this_hour(at: object, now: datetime) -> bool:
    return isinstance(at, datetime) and f"{at:%Y%m%d%H}" == f"{now:%Y%m%d%H}"


async def _tell(ports: Ports, app: str, because: str) -> None:
    now, source = ports.clock.now(), names.resource_id(app)
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


async def _why(ports: Ports, app: str) -> str:
    """What is known of why the ticks of an app fail: its row cannot be read, or no more than that they do."""
    try:
        await state.load(ports.rows, app)
    except Malformed as error:
        return str(error)
    return "its tick failed five times"


async def _later(ports: Ports, queue: str, body: Mapping[str, object], text: str, because: Retry) -> None:
    """Keep a message of a newer version, and send it round until that version takes it."""
    await park(ports, f"queue {queue}", text, str(because))
    await ports.queue.put(queue, body, RETRY)


async def park_letter(ports: Ports, body: Mapping[str, object], text: str) -> None:
    """A delivery that failed five times on our side is asked for again in five minutes; its row is still there."""
    try:
        letter = outbox.read(body)
    except Retry as later:
        await _later(ports, names.OUTBOX, body, text, later)
        return
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
