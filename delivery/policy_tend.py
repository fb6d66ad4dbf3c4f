"""One repository's changed or walked rows: noted, held against what the registry has, and answered in their Status."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING

from delivery import names, outbox, parking, policy_seen, policy_status, reevaluate, state
from delivery.bounds import cut
from delivery.errors import Conflict, Refused, Retry
from delivery.policy_check import STATUS
from delivery.policy_seen import Noted, Reading
from delivery.ports import Merge
from delivery.tick import Wake
from policies.model import NAME
from policies.status import LONGEST_STATUS
from rollouts.model import Mode

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from delivery.policy_check import Checked
    from delivery.ports import Ports
    from delivery.reevaluate import Budget, Chosen
    from policies.model import Policy


@dataclass(slots=True, kw_only=True)
class Tended:
    """How it went. changed: rows that were new in this version. away: why some are to be tended again."""

    changed: int = 0
    away: Retry | Conflict | None = None
    refused: dict[str, list[str]] = field(default_factory=dict)


async def tend(ports: Ports, group: list[Checked], *, walked: bool, heard: Collection[str], budget: Budget) -> Tended:
    """Tend rows of one partition. walked: the registry is read again also for rows that it was read for."""
    tended = Tended()
    noted = await _note(ports, group, tended)
    due = [
        checked.policy
        for checked, known in noted
        if checked.policy is not None and _is_due(checked.policy, known.reading, walked=walked)
    ]
    chosen = await reevaluate.choose(ports, due, budget)
    woken = await _offer(ports, noted, chosen, tended)
    for checked, known in noted:
        reading = _reading(checked.policy, known.reading, chosen)
        try:
            if tended.away is None:
                await policy_seen.remember(ports.rows, checked, known, reading)
            if known.changed and checked.policy is not None:
                await _wake(ports, checked.policy, woken)
            text = await policy_status.status(ports, checked, reading.aside, heard)
            await _answer(ports, checked, _stopped(tended, checked) or text)
        except Refused as error:
            tended.refused.setdefault(checked.key, []).append(str(error))
        except (Retry, Conflict) as error:
            tended.away = error
    for checked in group:
        if checked.key in tended.refused:
            because = "; ".join(tended.refused[checked.key])
            await parking.park(ports, f"policy row {checked.key}", str(checked.cells), because)
    return tended


async def _note(ports: Ports, group: list[Checked], tended: Tended) -> list[tuple[Checked, Noted]]:
    """Note every row that the store takes. Of one it refuses nothing but its Status is written."""
    noted: list[tuple[Checked, Noted]] = []
    for checked in group:
        try:
            known = await policy_seen.note(ports.rows, checked, ports.clock.now())
            if known.letters:
                await outbox.wake(ports, policy_seen.partition(checked), list(known.letters))
        except Refused as error:
            tended.refused[checked.key] = [str(error)]
            known = Noted(changed=False, reading=Reading())
        except (Retry, Conflict) as error:
            tended.away = error
            continue
        tended.changed += known.changed
        noted.append((checked, known))
    return noted


def _is_due(policy: Policy, reading: Reading, *, walked: bool) -> bool:
    return policy.mode is not Mode.OFF and (walked or reading.version != policy.version)


async def _offer(
    ports: Ports, noted: list[tuple[Checked, Noted]], chosen: Mapping[str, Chosen], tended: Tended
) -> set[str]:
    """Offer what is not known to have been offered by this version of its row."""
    readings = {checked.policy.key: known.reading for checked, known in noted if checked.policy is not None}
    offers = [
        (app, offer)
        for key, one in chosen.items()
        for app, offer in one.offers
        if offer.policy_version != readings[key].version or reevaluate.mark_of(offer) not in readings[key].offered
    ]
    try:
        return await reevaluate.send(ports, offers)
    except Refused as error:
        for checked, _ in noted:
            tended.refused.setdefault(checked.key, []).append(str(error))
    except (Retry, Conflict) as error:
        tended.away = error
    for one in chosen.values():
        one.complete = False
    return set()


def _reading(policy: Policy | None, before: Reading, chosen: Mapping[str, Chosen]) -> Reading:
    """What is kept of this reading: nothing new where the registry was away, so that it is read again soon."""
    one = chosen.get(policy.key) if policy is not None else None
    if policy is None or one is None or not one.complete:
        return before
    offered = frozenset(reevaluate.mark_of(offer) for _, offer in one.offers)
    return Reading(version=policy.version, offered=offered, aside=one.aside)


async def _wake(ports: Ports, policy: Policy, woken: Collection[str]) -> None:
    """An app that we know looks at its rows again: one of its images may not be selected any more."""
    if policy.mode is Mode.OFF or NAME in policy.app.text:
        return
    app = policy.app.app_key(ports.settings.subscription, policy.repository)
    if app not in woken and await ports.rows.get(names.ROLLOUTS, app, state.APP) is not None:
        await ports.queue.put(names.TICKS, Wake(app=app).message(), timedelta())


def _stopped(tended: Tended, checked: Checked) -> str:
    refused = tended.refused.get(checked.key)
    return cut(f"broken: it cannot be watched: {'; '.join(refused)}", LONGEST_STATUS) if refused else ""


async def _answer(ports: Ports, checked: Checked, text: str) -> None:
    """Write the Status cell, if it says something else now; a person's edit meanwhile is left alone."""
    if checked.row.columns.get(STATUS) == text:
        return
    change = Merge(key=checked.row.key, columns={STATUS: text}, etag=checked.row.etag)
    try:
        await ports.rows.commit(names.POLICIES, checked.row.partition, [change])
    except Conflict:
        return
