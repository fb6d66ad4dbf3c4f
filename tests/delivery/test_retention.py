"""Old history goes: after 90 days, and never the newest 20 rollouts of an app."""

from __future__ import annotations

from datetime import timedelta

from delivery import names, retention
from delivery.ports import Put
from rollouts.model import Phase
from tests.delivery.shop import KEY, Shop

OLD = timedelta(days=91)
YOUNG = timedelta(days=89)


async def written(shop: Shop, *keys: str) -> None:
    """Rows of this moment."""
    for key in keys:
        await shop.rows.commit(names.ROLLOUTS, KEY, [Put(key=key, columns={"because": "x"})])


def left(shop: Shop, prefix: str) -> list[str]:
    return [row.key for row in shop.rows.peek(names.ROLLOUTS) if row.key.startswith(prefix)]


def audit(n: int, seqs: range) -> list[str]:
    return [names.audit_key(n, seq) for seq in seqs]


async def test_the_newest_twenty_stay_and_older_ones_go_with_their_audit() -> None:
    shop = Shop()
    for n in range(1, 31):
        await written(shop, names.rollout_key(n), *audit(n, range(3)))
    shop.clock.advance(OLD)
    for _ in range(30):
        await retention.forget(shop.ports, KEY, 30)

    stay = [n for n in range(1, 31) if names.rollout_key(n) in left(shop, "rollout:")]
    assert stay[-20:] == list(range(11, 31))
    assert len(stay) <= 21
    assert left(shop, "event:") == [key for n in stay for key in audit(n, range(3))]


async def test_nothing_goes_before_ninety_days() -> None:
    shop = Shop()
    for n in range(31):
        await written(shop, names.rollout_key(n + 1), *audit(n, range(3)))
    before = shop.rows.peek(names.ROLLOUTS)
    shop.clock.advance(YOUNG)

    assert await retention.forget(shop.ports, KEY, 31) == 0
    assert shop.rows.peek(names.ROLLOUTS) == before


async def test_what_was_said_of_the_app_itself_goes_when_it_is_old() -> None:
    shop = Shop()
    await written(shop, *audit(0, range(5)))
    shop.clock.advance(OLD)
    await written(shop, *audit(0, range(5, 8)))
    await retention.forget(shop.ports, KEY, 1)

    assert left(shop, "event:") == audit(0, range(5, 8))


async def test_a_rollout_with_much_audit_goes_in_several_runs_and_its_own_row_last() -> None:
    shop = Shop()
    await written(shop, names.rollout_key(1), *audit(1, range(200)))
    shop.clock.advance(OLD)
    runs = [await retention.forget(shop.ports, KEY, 40) for _ in range(3)]

    assert runs == [90, 90, 21]
    assert not shop.rows.peek(names.ROLLOUTS)


async def test_audit_that_came_after_the_end_keeps_its_rollout_until_it_is_old_too() -> None:
    """An order to an ended rollout is refused, and kept under its number: nothing is left that nobody would find."""
    shop = Shop()
    await written(shop, names.rollout_key(1), *audit(1, range(2)))
    shop.clock.advance(OLD)
    await written(shop, *audit(1, range(2, 3)))
    await retention.forget(shop.ports, KEY, 40)
    assert left(shop, "rollout:") == [names.rollout_key(1)]
    assert left(shop, "event:") == audit(1, range(2, 3))
    shop.clock.advance(OLD)
    await retention.forget(shop.ports, KEY, 40)

    assert not shop.rows.peek(names.ROLLOUTS)


async def test_every_rollout_that_ends_makes_room_for_itself() -> None:
    shop = await Shop().open()
    await written(shop, *audit(0, range(100, 103)))
    shop.clock.advance(OLD)
    await shop.push(1)
    await shop.run(timedelta(hours=3))

    assert [done.phase for done in (await shop.state()).done] == [Phase.PROMOTED]
    assert not set(left(shop, "event:")) & set(audit(0, range(100, 103)))
