"""Messages wait in the app's own partition, written with the decision they tell of, and are delivered by a queue.

A slow or broken receiver holds nothing else up. What is not delivered after the last try is parked: it stays, marked
with the reason, and is listed by the HTTP API.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import msgspec

from delivery import codec, messages, names, telemetry
from delivery.errors import Conflict, Refused, Retry
from delivery.ports import ChannelRow, Delete, Merge, Put
from delivery.retries import wait_after
from delivery.settings import SECRETS
from delivery.versions import SCHEMA, newer
from rollouts.decided import Announce, Decision
from rollouts.seen import AppSeen, Observation

if TYPE_CHECKING:
    from collections.abc import Mapping

    from delivery.ports import Change, Ports, Row
    from rollouts.model import App, Rollout

LATE = timedelta(seconds=60)
NEWER = timedelta(minutes=5)  # until a message of a newer version is looked at again
MOST = 70  # messages of one tick: five channels, and a start that ends ten others; a transaction has 100 changes


@dataclass(frozen=True, slots=True, kw_only=True)
class Letter:
    """The queue message that asks for one delivery."""

    app: str
    key: str

    def message(self) -> Mapping[str, object]:
        """As JSON types."""
        return {"schema": SCHEMA, "app": self.app, "key": self.key}


def read(body: Mapping[str, object]) -> Letter:
    """The request in a queue message. Raises `Malformed`, and `Retry` for one of a newer version."""
    codec.of_this_version("queue outbox", body)
    return codec.convert(body, Letter, "queue outbox")


def compose(ports: Ports, before: App, seen: Observation, decision: Decision) -> list[Put]:
    """The outbox rows of a decision: one for each announcement and channel that wants it."""
    now = ports.clock.now()
    arm = seen.app if isinstance(seen.app, AppSeen) else None
    rows: list[Put] = []
    for place, said in enumerate(e for e in decision.effects if isinstance(e, Announce)):
        rollout = _rollout(decision, said)
        event = messages.event(
            said,
            before=before,
            after=decision.next,
            rollout=rollout,
            app_id=names.resource_id(decision.next.key),
            seen=arm,
            sequence=_sequence(rollout, said, decision, place),
            now=now,
            page=ports.settings.page,
        )
        for channel in messages.wanted(said.said, _notify(rollout, decision)):
            sent = messages.with_channel(event, channel)
            columns = {"schema": SCHEMA, "channel": channel, "event": codec.text(sent), "due_at": now, "tries": 0}
            columns |= {} if said.n is None else {"n": said.n}
            rows.append(Put(key=names.outbox_key(str(sent["id"])), columns=columns))
    return list({row.key: row for row in rows}.values())[:MOST]


def _rollout(decision: Decision, said: Announce) -> Rollout | None:
    app = decision.next
    present = (*decision.finished, *decision.reported, *app.waiting, *((app.live,) if app.live else ()))
    return next((r for r in present if r.n == said.n), None)


def _sequence(rollout: Rollout | None, said: Announce, decision: Decision, place: int) -> int:
    """From 1 within a rollout, in the order things were said; for the app itself, by its saves."""
    if rollout is None or said.transition not in rollout.announced:
        return decision.next.seq + place
    return rollout.announced.index(said.transition) + 1


def _notify(rollout: Rollout | None, decision: Decision) -> tuple[str, ...]:
    rollout = rollout or decision.next.live
    if rollout is None:
        return (names.DEFAULT_CHANNEL,)
    return rollout.plan.notify if rollout.plan else rollout.notify


async def pending(ports: Ports, app: str) -> list[Row]:
    """Messages of an app that are neither delivered nor parked."""
    rows = await ports.rows.scan(names.ROLLOUTS, app, first="outbox:", last="outbox:" + names.LAST)
    return [row for row in rows if not row.columns.get("parked")]


def late(rows: list[Row], now: datetime) -> list[str]:
    """Keys of messages whose own wake-up must have been lost. One of a newer version has a wake-up that goes round."""
    ours = (row for row in rows if not newer(row.key, row.columns))
    return [row.key for row in ours if not isinstance(due := row.columns.get("due_at"), datetime) or due + LATE < now]


async def wake(ports: Ports, app: str, keys: list[str]) -> None:
    """Ask the outbox queue to deliver these."""
    for key in keys:
        await ports.queue.put(names.OUTBOX, Letter(app=app, key=key).message(), timedelta())


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivered:
    """What became of a message. rollout: the number of the one it is about, None: it is about the app, or not there."""

    became: str
    rollout: int | None = None


async def deliver(ports: Ports, letter: Letter) -> Delivered:
    """Deliver one message, or say when it is tried again, or park it."""
    row = await ports.rows.get(names.ROLLOUTS, letter.app, letter.key)
    if row is None or row.columns.get("parked"):
        return Delivered(became="gone")
    number = row.columns.get("n")
    return Delivered(became=await _deliver(ports, letter, row), rollout=number if isinstance(number, int) else None)


async def _deliver(ports: Ports, letter: Letter, row: Row) -> str:
    if newer(letter.key, row.columns):
        await ports.queue.put(names.OUTBOX, letter.message(), NEWER)
        return "newer"
    now = ports.clock.now()
    due = row.columns.get("due_at")
    if isinstance(due, datetime) and due > now:
        await ports.queue.put(names.OUTBOX, letter.message(), due - now)
        return "early"
    tries = int(str(row.columns.get("tries") or 0)) + 1
    try:
        await _send(ports, row, tries)
    except Retry as retry:
        _failed(row, again=True)
        return await _again(ports, letter, row, tries, retry)
    except Refused as refused:
        _failed(row, again=False)
        return await _park(ports, letter, row, tries, str(refused))
    return await _change(ports, letter, Delete(key=letter.key, etag=row.etag), "delivered")


def _failed(row: Row, *, again: bool) -> None:
    told = {"channel": str(row.columns.get("channel")), "again": str(again).lower()}
    telemetry.record([telemetry.Number(name="weighbridge.notification.failures", value=1, attributes={**told})])


async def _send(ports: Ports, row: Row, tries: int) -> None:
    name = str(row.columns.get("channel"))
    found = await ports.rows.get(names.NAMES, "channel", name)
    if found is None:
        if name == names.DEFAULT_CHANNEL:
            return  # nobody set up a place for messages, and no row asked for one by name
        raise Refused(f"Notify: expected a row channel/{name} in the table `names`, found none")
    kind = str(found.columns.get("kind") or "webhook").strip()
    channel = ports.channels.get(kind)
    if channel is None:
        raise Refused(
            f"names/channel/{name}: kind: expected one of {', '.join(sorted(ports.channels))}, found {kind!r}"
        )
    secret = _secret(ports, name, str(found.columns.get("secret") or "").strip())
    url = str(found.columns.get("url") or "")
    event = msgspec.json.decode(str(row.columns.get("event")), type=dict[str, object])
    await channel.send(ChannelRow(name=name, kind=kind, url=url, secret=secret), event, tries)


def _secret(ports: Ports, channel: str, setting: str) -> str:
    """The value of the app setting a channel names, "" when it names none.

    Only of a setting that is there for channels: who may edit rows may not have every setting of the process sent away.
    """
    if not setting:
        return ""
    if not setting.startswith(SECRETS):
        raise Refused(  # without what was found: it may be the secret itself
            f"names/channel/{channel}: secret: expected the name of an app setting that begins with {SECRETS}, "
            "found something else"
        )
    secret = ports.secrets.get(setting, "")
    if not secret:
        raise Refused(f"names/channel/{channel}: secret: expected a value in the app setting {setting}, found none")
    return secret


async def _again(ports: Ports, letter: Letter, row: Row, tries: int, retry: Retry) -> str:
    wait = wait_after(tries, retry.after)
    if wait is None:
        return await _park(ports, letter, row, tries, f"not delivered in {tries} tries; the last: {retry}")
    columns = {"tries": tries, "due_at": ports.clock.now() + wait, "because": str(retry)[: codec.LONGEST_TEXT]}
    await ports.queue.put(names.OUTBOX, letter.message(), wait)
    return await _change(ports, letter, Merge(key=letter.key, columns=columns, etag=row.etag), "again")


async def _park(ports: Ports, letter: Letter, row: Row, tries: int, because: str) -> str:
    columns = {"tries": tries, "parked": True, "because": because[: codec.LONGEST_TEXT]}
    return await _change(ports, letter, Merge(key=letter.key, columns=columns, etag=row.etag), "parked")


async def _change(ports: Ports, letter: Letter, change: Change, done: str) -> str:
    """Note what became of a message; another delivery of the same one may have noted it first."""
    try:
        await ports.rows.commit(names.ROLLOUTS, letter.app, [change])
    except Conflict:
        return "raced"
    return done
