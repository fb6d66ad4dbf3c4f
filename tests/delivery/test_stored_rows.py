"""What one version stored another reads, or leaves as it is and says so: nothing of a newer one is written over."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest

from delivery import codec, defender, heard, index, intake, names, observe, outbox, parking, policy_watch, reads, switch
from delivery import versions as stored
from delivery.errors import Retry
from delivery.tick import Wake, read, tick
from policies import evidence, pushes
from rollouts.model import Phase
from rollouts.seen import Verb
from tests.delivery.shop import KEY, REGISTRY, ROW, Shop, digest
from tests.delivery.stored_kinds import ANN, EDIT, GOLDEN, golden, planted, row_of, written
from tests.policies.rows import scan

IMAGE = evidence.evidence_partition(REGISTRY, digest(1))
HOUR = timedelta(hours=1)


def upgraded(monkeypatch: pytest.MonkeyPatch) -> None:
    """From now on the newer version runs, which reads what it wrote."""
    monkeypatch.setattr(codec, "SCHEMA", 2)
    monkeypatch.setitem(stored._KNOWN, "schema", 2)
    monkeypatch.setitem(stored._KNOWN, "v", 2)


# ---- of this version and of those before


async def test_every_kind_that_is_stored_has_a_golden_file_with_its_columns() -> None:
    """A column more is a file more; a column that means something else is a version more."""
    now = await written()
    assert {kind: sorted(columns) for kind, columns in now.items()} == {kind: sorted(golden(kind)) for kind in now}
    kinds = {path.stem.rpartition("-v")[0].partition("-v")[0] for path in GOLDEN.glob("*.json")}
    assert kinds == set(now)


async def test_a_message_an_order_and_the_watch_are_read_back() -> None:
    wake = read(golden("message-ticks"))
    assert (wake.app, wake.seq, [offer.image.tag for offer in wake.offers]) == (KEY, None, ["1.1.0"])
    assert outbox.read(golden("message-outbox")).app == KEY
    order = observe.read_order(row_of(golden("order"), "order:1"))
    assert order is not None
    assert (order.verb, order.actor, order.n, order.digest) == (Verb.ABORT, ANN, 1, digest(1))


async def test_a_message_without_a_number_is_of_before_there_were_any() -> None:
    body = {name: value for name, value in golden("message-ticks").items() if name != "schema"}
    assert read(body) == read(golden("message-ticks"))


async def test_evidence_is_read_back() -> None:
    push = pushes.push_from_columns("row", golden("push"))
    assert (push.tag, push.digest, list(push.places)) == ("1.1.0", digest(1), [""])
    assert evidence.scan_from_columns("row", golden("scan")).scanner == "trivy"


async def test_history_is_read_back() -> None:
    shop = await Shop().open()
    await planted(shop, names.ROLLOUTS, KEY, "rollout:00000099", golden("rollout"))
    await planted(shop, names.ROLLOUTS, KEY, names.audit_key(99, 7), golden("event"))
    found = await reads.rollout(shop.ports, KEY, 99)
    assert found is not None
    assert isinstance(found["audit"], list)
    [audit] = found["audit"]
    assert audit["because"] == "scan: no scan has come"
    assert [said["said"] for said in audit["said"]] == ["RolloutWaiting"]


async def test_a_message_that_waits_is_delivered() -> None:
    shop = await Shop().open()
    await planted(shop, names.ROLLOUTS, KEY, "outbox:1", golden("outbox"))
    assert (await outbox.deliver(shop.ports, outbox.Letter(app=KEY, key="outbox:1"))).became == "delivered"
    assert shop.channel.types() == ["RolloutWaiting"]


async def test_what_counts_by_being_there_counts() -> None:
    shop = await Shop().open()
    await planted(shop, names.NAMES, "switch", "stop", golden("switch"))
    await planted(shop, names.NAMES, "heard", f"{REGISTRY}|westeurope", golden("heard"))
    await planted(shop, names.NAMES, "parked", "1", golden("parked"))
    await planted(shop, names.ROLLOUTS, KEY, names.quarantine_key(digest(1)), golden("quarantine"))
    assert await switch.stopped(shop.rows) == "everything is stopped by Ann: going"
    assert await heard.regions(shop.rows, REGISTRY) == {"westeurope"}
    assert len(await parking.parked(shop.ports)) == 1
    await switch.go(shop.ports)
    await shop.push(1)
    await shop.run(HOUR)
    assert "in quarantine: abort by Ann" in str(await reads.rollouts(shop.ports, KEY))
    assert not shop.app.writes


async def test_what_is_found_out_again_need_not_be() -> None:
    shop = await Shop(row={**ROW, "Scan": "critical 0, by defender"}).open()
    await planted(shop, names.ROLLOUTS, EDIT, "seen:production", golden("seen"))
    await planted(shop, names.ACTIVE, names.shard(KEY), KEY, golden("active"))
    await planted(shop, names.EVIDENCE, IMAGE, "defender:shop|web", golden("defender"))
    assert await policy_watch.watch(shop.ports) == 0
    shop.clock.advance(HOUR)
    assert await index.overdue(shop.rows, shop.clock.now(), 9) == [KEY]
    remembered = defender._memory(await shop.rows.get(names.EVIDENCE, IMAGE, "defender:shop|web"))
    assert remembered is not None
    assert remembered.tries == 1


# ---- of a newer version


async def newer_app() -> Shop:
    """A rollout in mid-bake, whose row a newer version wrote before it was taken back."""
    shop = await Shop().open()
    hook = {"kind": "webhook", "url": "https://hook.test/"}
    await planted(shop, names.NAMES, "channel", "default", hook)
    await shop.push(1)
    await shop.run_until(Phase.BAKING, 1)
    row = await shop.rows.get(names.ROLLOUTS, KEY, "app")
    assert row is not None
    await planted(shop, names.ROLLOUTS, KEY, "app", {**row.columns, "schema": 2})
    return shop


async def run_with_parking(shop: Shop, limit: timedelta) -> None:
    """Run as a host that drains its poison queue, too."""
    end = shop.clock.now() + limit
    while shop.clock.now() < end and await shop.step():
        while shop.poison:
            message = shop.poison.pop()
            park = parking.park_tick if message.queue == names.TICKS else parking.park_letter
            await park(shop.ports, message.body, str(message.body))


async def test_an_app_of_a_newer_version_is_parked_told_and_released_by_the_upgrade(monkeypatch) -> None:
    shop = await newer_app()
    row, writes = await shop.rows.get(names.ROLLOUTS, KEY, "app"), len(shop.app.writes)
    await run_with_parking(shop, timedelta(minutes=50))

    assert await shop.rows.get(names.ROLLOUTS, KEY, "app") == row
    assert len(shop.app.writes) == writes
    assert shop.channel.types().count("AppParked") == 1
    told = next(event for event in shop.channel.got if event["type"] == "Weighbridge.AppParked")
    assert "schema: expected at most 1, found 2; a newer version of Weighbridge wrote it" in str(told["data"])
    assert "expected at most 1, found 2" in str(await reads.apps(shop.ports))

    upgraded(monkeypatch)
    await run_with_parking(shop, timedelta(hours=2))
    assert [done.phase for done in (await shop.state()).done] == [Phase.PROMOTED]


@pytest.mark.parametrize("kind", ["push", "scan"])
async def test_an_event_about_evidence_of_a_newer_version_comes_again_until_it_can_be_joined(kind, monkeypatch) -> None:
    """Event Grid and the queue repeat what raised; written over, what the newer version knew would be gone."""
    shop = await Shop().open()
    await shop.push(1)
    key, columns = ("scan:trivy", golden("scan")) if kind == "scan" else ("push:shop|web:1.1.0", None)
    if columns is None:
        [pushed] = await shop.rows.scan(names.EVIDENCE, IMAGE, first="push:", last="push:~")
        key, columns = pushed.key, dict(pushed.columns)
    await planted(shop, names.EVIDENCE, IMAGE, key, {**columns, "v": 2, "invented": "x"})
    before = await shop.rows.get(names.EVIDENCE, IMAGE, key)

    async def tell() -> None:
        if kind == "scan":
            word = scan(registry=REGISTRY, digest=digest(1), completed_at=shop.clock.now())
            await intake.scan_completed(shop.ports, word)
        else:
            await intake.image_pushed(shop.ports, shop.event(1))

    shop.clock.advance(HOUR)
    with pytest.raises(Retry, match=r"evidence/.*: v: expected at most 1, found 2; a newer version"):
        await tell()
    assert await shop.rows.get(names.EVIDENCE, IMAGE, key) == before

    monkeypatch.setitem(stored._KNOWN, "v", 2)
    monkeypatch.setattr(evidence, "ROW_VERSION", 2)
    monkeypatch.setattr(pushes, "ROW_VERSION", 2)
    await tell()


async def test_an_order_of_a_newer_version_is_left_for_a_person_to_see(monkeypatch) -> None:
    shop = await Shop().open()
    await shop.push(1)
    await shop.run_until(Phase.BAKING)
    key = json.loads(golden("order")["order"])["id"]
    await planted(shop, names.ROLLOUTS, KEY, key, {**golden("order"), "schema": 2})
    before = await shop.rows.get(names.ROLLOUTS, KEY, key)
    await tick(shop.ports, Wake(app=KEY))
    assert await shop.rows.get(names.ROLLOUTS, KEY, key) == before
    live = (await shop.state()).live
    assert live is not None
    assert live.phase is Phase.BAKING

    monkeypatch.setitem(stored._KNOWN, "schema", 2)
    await tick(shop.ports, Wake(app=KEY))
    assert await shop.rows.get(names.ROLLOUTS, KEY, key) is None


async def test_a_message_of_a_newer_version_goes_round_until_it_can_be_delivered(monkeypatch) -> None:
    shop = await Shop().open()
    await planted(shop, names.ROLLOUTS, KEY, "outbox:1", {**golden("outbox"), "schema": 2})
    before = await shop.rows.get(names.ROLLOUTS, KEY, "outbox:1")
    await outbox.wake(shop.ports, KEY, ["outbox:1"])
    await shop.run(HOUR)
    assert await shop.rows.get(names.ROLLOUTS, KEY, "outbox:1") == before
    assert outbox.late(await outbox.pending(shop.ports, KEY), shop.clock.now()) == []
    assert len(shop.queue.waiting(names.OUTBOX)) == 1

    monkeypatch.setitem(stored._KNOWN, "schema", 2)
    await shop.run(HOUR)
    assert shop.channel.types() == ["RolloutWaiting"]


@pytest.mark.parametrize("queue", [names.TICKS, names.OUTBOX])
async def test_a_queued_message_of_a_newer_version_is_kept_and_comes_again_as_it_is(queue, monkeypatch) -> None:
    shop = await Shop().open()
    body = {**golden(f"message-{queue}"), "schema": 2, "invented": 1}
    shop.registry.push("shop/web", "1.1.0", digest(1))
    await planted(shop, names.ROLLOUTS, KEY, str(body.get("key", "outbox:1")), golden("outbox"))
    await shop.queue.put(queue, body, timedelta())
    await run_with_parking(shop, HOUR)
    [parked] = await parking.parked(shop.ports)
    assert f"queue {queue}: schema: expected at most 1, found 2; a newer version" in str(parked.columns["because"])
    assert not shop.app.writes
    assert not shop.channel.got

    upgraded(monkeypatch)
    await run_with_parking(shop, timedelta(minutes=10))
    assert shop.app.writes if queue == names.TICKS else shop.channel.got


async def test_history_of_a_newer_version_is_told_as_such_and_left() -> None:
    shop = await Shop().open()
    await planted(shop, names.ROLLOUTS, KEY, "rollout:00000099", {**golden("rollout"), "schema": 2})
    before = shop.rows.peek(names.ROLLOUTS)
    [found] = await reads.rollouts(shop.ports, KEY)
    assert "expected at most 1, found 2" in str(found["problem"])
    assert shop.rows.peek(names.ROLLOUTS) == before


def test_no_other_number_is_newer() -> None:
    for columns in ({}, {"schema": 1}, {"v": 1}, {"schema": "2"}, {"schema": None}):
        assert not stored.newer("row", columns)
