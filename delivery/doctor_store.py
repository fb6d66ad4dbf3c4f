"""The storage, as `doctor` looks at it: tables, queues, and what their rows say of the weigher itself."""

from __future__ import annotations

from contextlib import suppress
from datetime import timedelta
from typing import TYPE_CHECKING

from delivery import doctor_call, index, names, parking, policy_walk, switch
from delivery.diagnosis import DEPLOYS, GIVES_ROLES, ON_CALL, Diagnosis, State, grant
from delivery.errors import Conflict, Refused
from delivery.ports import Delete, Merge, Put
from policies.errors import printable
from rollouts.seen import Unknown

if TYPE_CHECKING:
    from delivery.ports import Ports, Row

MOST = 200
SHOWN = 3
STILL = timedelta(minutes=5)  # timers run once a minute
_ACCOUNT = '"$(az storage account show -n "$AZURE_STORAGE_ACCOUNT_NAME" --query id -o tsv)"'


async def table(ports: Ports, name: str, call: str) -> list[Diagnosis]:
    """Write, read and delete a row of doctor's own: 3 calls, and 2 for the policies."""
    key = f"{doctor_call.DOCTOR}:{call}"
    try:
        if name == names.POLICIES:
            await _policies(ports, key)
        else:
            await _through(ports, name, key)
    except Refused as error:
        if error.status != 403:  # noqa: PLR2004 - HTTP's own number
            raise
        do = grant('"Storage Table Data Contributor"', _ACCOUNT)
        return [_wrong("table", name, str(error), "to read and write it", GIVES_ROLES, do)]
    found = "may be written, is read" if name == names.POLICIES else "written, read and deleted"
    return [Diagnosis(check="table", subject=name, found=found)]


async def _policies(ports: Ports, key: str) -> None:
    """No row: the watch would see it and announce it. The right to write is asked before the row is looked for."""
    with suppress(Conflict):
        await ports.rows.commit(names.POLICIES, doctor_call.DOCTOR, [Merge(key=key, columns={"Status": ""})])
    await ports.rows.scan(names.POLICIES, doctor_call.DOCTOR, most=1)


async def _through(ports: Ports, name: str, key: str) -> None:
    await ports.rows.commit(name, doctor_call.DOCTOR, [Put(key=key, columns={"at": ports.clock.now()})])
    try:
        found = await ports.rows.get(name, doctor_call.DOCTOR, key)
    finally:
        await ports.rows.commit(name, doctor_call.DOCTOR, [Delete(key=key)])
    if found is None:
        raise Refused(f"table {name}: expected the row that was just written, found none")


async def queue(ports: Ports, name: str, call: str) -> list[Diagnosis]:
    """Send the call in; whether it comes out is read later."""
    body = doctor_call.event(call) if name == names.EVENTS else doctor_call.message(call)
    try:
        await ports.queue.put(name, body, timedelta())
    except Refused as error:
        if error.status != 403:  # noqa: PLR2004 - HTTP's own number
            raise
        do = grant('"Storage Queue Data Contributor"', _ACCOUNT)
        return [_wrong("queue", name, str(error), "to write to it", GIVES_ROLES, do)]
    return [Diagnosis(check="queue", subject=name, found="a message was sent")]


async def timers(ports: Ports) -> list[Diagnosis]:
    """Every run of the watch leaves its mark: 1 read."""
    mark = await ports.rows.get(names.ACTIVE, policy_walk.MARK, policy_walk.KEY)
    do = 'az functionapp restart -g "$AZURE_RESOURCE_GROUP" -n "$AZURE_FUNCTION_APP_NAME"; its log says what stands'
    expected = "a run within five minutes"
    if mark is None:
        return [_wrong("timers", "", "none has run yet", expected, DEPLOYS, f"wait a minute, then {do}", mild=True)]
    since = ports.clock.now() - mark.timestamp
    if since > STILL:
        return [_wrong("timers", "", f"the last run {_minutes(since)} minutes ago", expected, DEPLOYS, do)]
    return [Diagnosis(check="timers", found="the watch over policy rows runs")]


async def late(ports: Ports) -> list[Diagnosis]:
    """Overdue ticks, as `health` has them."""
    keys = await index.overdue(ports.rows, ports.clock.now() - index.GRACE, MOST)
    if not keys:
        return [Diagnosis(check="late", found="no tick is late")]
    shown = ", ".join(names.resource_id(key).rpartition("/")[2] for key in keys[:SHOWN])
    found = f"{len(keys)} apps: {shown}"
    do = "the log of `tick` says why; a sweep wakes them every minute"
    return [_wrong("late", "", found, "each app ticked when it is due", ON_CALL, do)]


async def parked(ports: Ports) -> list[Diagnosis]:
    """What could not be read."""
    rows = await parking.parked(ports)
    if not rows:
        return [Diagnosis(check="parked", found="nothing is parked")]
    newest = sorted(rows, key=lambda row: row.timestamp, reverse=True)[:SHOWN]
    found = f"{len(rows)}: {'; '.join(map(_told, newest))}"
    do = "mend what sent them (weighbridge replay hears a mended event); then delete rows `parked` of the table `names`"
    return [_wrong("parked", "", found, "none", ON_CALL, do, mild=True)]


async def stopped(ports: Ports) -> list[Diagnosis]:
    """The kill switch."""
    because = await switch.stopped(ports.rows)
    if isinstance(because, Unknown):
        return [_wrong("switch", "", because.because, "to read it", DEPLOYS, "as for the table names")]
    if because:
        do = "weighbridge switch go, when the reason is over"
        return [_wrong("switch", "", printable(because), "nothing stopped", ON_CALL, do, mild=True)]
    return [Diagnosis(check="switch", found="nothing is stopped")]


def _told(row: Row) -> str:
    return printable(f"{row.columns.get('source')}: {str(row.columns.get('because'))[:120]}")


def _minutes(since: timedelta) -> int:
    return int(since.total_seconds() // 60)


def _wrong(check: str, subject: str, found: str, expected: str, who: str, do: str, *, mild: bool = False) -> Diagnosis:
    state = State.WARNING if mild else State.BROKEN
    return Diagnosis(check=check, subject=subject, state=state, found=found, expected=expected, who=who, do=do)
