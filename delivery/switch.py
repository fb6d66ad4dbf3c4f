"""The kill switch: one row that stops everything new, `names | switch | stop`. Rolling back never asks for it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from delivery import names
from delivery.bounds import cut
from delivery.errors import Refused, Retry
from delivery.ports import Delete, Put
from rollouts.seen import Unknown

if TYPE_CHECKING:
    from delivery.ports import Ports, Rows
    from rollouts.model import Actor

SWITCH, STOP = "switch", "stop"
LONGEST = 300  # characters of a reason


async def stopped(rows: Rows) -> str | Unknown:
    """Why nothing may start or rise, "" when it may. The row stops by being there, whatever it holds: 1 read."""
    try:
        row = await rows.get(names.NAMES, SWITCH, STOP)
    except (Retry, Refused) as error:
        return Unknown(because=str(error))
    if row is None:
        return ""
    by, because = (str(row.columns.get(name) or "") for name in ("By", "Because"))
    return cut(f"everything is stopped{f' by {by}' if by else ''}{f': {because}' if because else ''}", LONGEST)


async def stop(ports: Ports, actor: Actor, because: str) -> None:
    """Stop everything: from now on nothing is created or raised, until `go`."""
    columns = {"By": actor.name or actor.id, "Because": cut(because, LONGEST), "Since": ports.clock.now()}
    await ports.rows.commit(names.NAMES, SWITCH, [Put(key=STOP, columns=columns)])


async def go(ports: Ports) -> None:
    """Let everything go on; what waits notices within a minute."""
    await ports.rows.commit(names.NAMES, SWITCH, [Delete(key=STOP)])
