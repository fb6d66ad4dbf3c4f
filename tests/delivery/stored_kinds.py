"""Every kind of row and message that is stored, as this version writes it, and as each version's golden file has it."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from delivery import defender, names, orders, parking, policy_watch, switch
from delivery.ports import Insert, Put, Replace, Row
from delivery.settings import MDVM_KEY, Defender
from rollouts.model import Actor, ActorKind, Phase
from rollouts.seen import Verb
from tests.delivery.shop import KEY, PARTITION, REGISTRY, REPOSITORY, ROW, Shop, digest
from tests.fakes.clock import START
from tests.policies.rows import scan

if TYPE_CHECKING:
    from collections.abc import Mapping

VERSION = 1  # of all of them so far
GOLDEN = Path(__file__).parents[1] / "golden" / "rows"
TIMES = frozenset({"at", "due_at", "next_at", "since", "Since", "offered", "read_at", "began"})
ANN = Actor(kind=ActorKind.PERSON, id="ann@contoso.test", name="Ann")
WORD = {"registry": REGISTRY, "repository": REPOSITORY, "digest": digest(1), "scanner": "defender"}
EDIT = f"policies|{PARTITION}"


def kind_of(table: str, partition: str, key: str) -> str:
    """What a row is called among the golden files."""
    if table == names.NAMES:
        return partition
    if table == names.ACTIVE:
        return "active" if partition.isdigit() else "watch"
    prefix = key.partition(":")[0]
    return "edit" if (prefix, partition) == ("event", EDIT) else prefix


async def written() -> dict[str, Mapping[str, Any]]:
    """The columns of one row of every kind, and one message of every queue: the first that a long story writes."""
    shop = await Shop(row={**ROW, "Scan": "critical 0, by defender"}).open()
    shop.ports = replace(shop.ports, settings=replace(shop.ports.settings, defender=Defender(keys=(MDVM_KEY,))))
    found: dict[str, Mapping[str, Any]] = {}

    async def note(_call: str, told: tuple[Any, ...]) -> None:
        if len(told) == 3 and isinstance(told[2], (list, tuple)):
            table, partition, changes = told
            for change in changes:
                if isinstance(change, Put | Insert | Replace):
                    found.setdefault(kind_of(table, partition, change.key), dict(change.columns))

    async def sent(_call: str, told: tuple[Any, ...]) -> None:
        queue, message, *_ = told
        if queue != names.TICKS or message.get("offers"):
            found.setdefault(f"message-{queue}", dict(message))

    shop.rows.before, shop.queue.before = note, sent
    await _story(shop)
    return found


async def _story(shop: Shop) -> None:
    await policy_watch.watch(shop.ports)
    await shop.push(1)
    await shop.run(timedelta(seconds=10))
    await defender.poll(shop.ports)
    await shop.scanned(scan(**WORD, completed_at=shop.clock.now()))
    await shop.run_until(Phase.BAKING)
    await parking.park(shop.ports, "event image_pushed", "{}", "event: expected an event, found nothing")
    await switch.stop(shop.ports, ANN, "going")
    await switch.go(shop.ports)
    await orders.give(shop.ports, KEY, orders.Asked(verb=Verb.ABORT), ANN)
    await shop.run()


def newest(kind: str) -> Path:
    """The file of what is written now: columns that only came later are in a second file of the same version."""
    return max(GOLDEN.glob(f"{kind}-v{VERSION}*.json"), key=lambda path: len(path.stem))


def golden(kind: str) -> dict[str, Any]:
    """Its columns, or the message."""
    columns: dict[str, Any] = json.loads(newest(kind).read_text())
    whole = kind.startswith("message-") or kind in ("push", "scan")
    times = frozenset() if whole else TIMES
    return {
        name: datetime.fromisoformat(value) if value and name in times else value for name, value in columns.items()
    }


async def planted(shop: Shop, table: str, partition: str, key: str, columns: Mapping[str, object]) -> None:
    """Put a row there, as another version left it."""
    await shop.rows.commit(table, partition, [Put(key=key, columns=columns)])


def row_of(columns: Mapping[str, object], key: str = "app") -> Row:
    return Row(partition=KEY, key=key, columns=columns, etag="1", timestamp=START)


async def write_golden() -> None:
    """Write the files of this version that are not there: `python -m tests.delivery.stored_kinds`."""
    for kind, columns in (await written()).items():
        path = GOLDEN / f"{kind}-v{VERSION}.json"
        if not path.exists():
            path.write_text(json.dumps(dict(columns), indent=1, default=str) + "\n")


if __name__ == "__main__":
    import asyncio

    asyncio.run(write_golden())
