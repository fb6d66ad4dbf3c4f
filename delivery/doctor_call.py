"""A call of doctor: a message that goes every way an event or a wake-up goes, wakes no app, and is seen to come out.

One row `names | doctor | <call>` per call, with a column per way it came out of. It is made first and deleted last; a
message that finds no row is late or strange and leaves nothing.
"""

from __future__ import annotations

import re
import uuid
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from delivery import names
from delivery.errors import DeliveryError
from delivery.ports import Delete, Insert, Merge
from policies.events import CALLED

if TYPE_CHECKING:
    from collections.abc import Mapping

    from delivery.ports import Ports

DOCTOR = "doctor"
LONGEST = timedelta(hours=1)  # that a call may stay open; whoever calls next removes what was left before that
_OPENED = "opened"
_CALL = re.compile(r"[0-9a-f]{32}", re.ASCII)
WAYS = (*names.QUEUES, "topic")  # topic: of Event Grid, where a person publishes it


async def open_call(ports: Ports) -> str:
    """Begin a call; answers its id. Removes calls that nobody ended."""
    now, call = ports.clock.now(), uuid.uuid4().hex
    rows = await ports.rows.scan(names.NAMES, DOCTOR)
    left = [Delete(key=row.key) for row in rows if now - row.timestamp > LONGEST]
    await ports.rows.commit(names.NAMES, DOCTOR, [*left[:50], Insert(key=call, columns={_OPENED: now})])
    return call


def message(call: str) -> dict[str, object]:
    """What goes through the queues of ticks and of messages."""
    return {DOCTOR: call}


def event(call: str) -> dict[str, object]:
    """What goes through the queue of events. A person publishes the same by the way `topic`."""
    return {
        "specversion": "1.0",
        "id": call,
        "source": "/weighbridge/doctor",
        "type": CALLED,
        "data": {"call": call, "way": names.EVENTS},
    }


def of_message(body: Mapping[str, object]) -> str:
    """The call that a message of a queue is of, "" for every other message."""
    found = body.get(DOCTOR)
    return found if isinstance(found, str) else ""


async def hear(ports: Ports, call: str, way: str) -> bool:
    """Note that a call came out of a way; False where it is not noted, for it is over or the store is away. 1 write.

    Nothing is raised: what is raised comes again, fails again, and is parked in the end.
    """
    if _CALL.fullmatch(call) is None or way not in WAYS:
        return False
    try:
        await ports.rows.commit(names.NAMES, DOCTOR, [Merge(key=call, columns={way: ports.clock.now()})])
    except DeliveryError:
        return False
    return True


async def ways(ports: Ports, call: str) -> dict[str, object] | None:
    """By which ways an open call came out, and when; None: it is not open."""
    row = await ports.rows.get(names.NAMES, DOCTOR, call) if _CALL.fullmatch(call) else None
    if row is None:
        return None
    came = {name: value for name, value in row.columns.items() if name != _OPENED and isinstance(value, datetime)}
    return {"call": call, "ways": {name: at.isoformat() for name, at in came.items()}}


async def end_call(ports: Ports, call: str) -> dict[str, object] | None:
    """End a call and remove its row; answers what `ways` would have."""
    found = await ways(ports, call)
    if found is not None:
        await ports.rows.commit(names.NAMES, DOCTOR, [Delete(key=call)])
    return found
