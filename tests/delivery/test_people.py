"""People's part through the whole product: approvals of a group, the kill switch, and what was promoted elsewhere."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from delivery import approvals, intake, names, orders, state, switch
from delivery.errors import Retry
from delivery.ports import Delete, Put
from delivery.tick import Wake, tick
from rollouts.model import Actor, ActorKind, App, Phase
from rollouts.seen import Verb
from tests.delivery.shop import KEY, PARTITION, RESOURCE, ROW, Shop, digest

ADA = Actor(kind=ActorKind.PERSON, id="ada@contoso.com", name="ada@contoso.com")
EVE = Actor(kind=ActorKind.PERSON, id="eve@contoso.com", name="eve@contoso.com")
STAGING = RESOURCE.replace("ca-web", "ca-web-stg")
STAGING_KEY = names.app_key(STAGING)


async def open_shop(**cells: str) -> Shop:
    return await Shop(row={**ROW, **cells}).open()


async def group(shop: Shop, members: str) -> None:
    await shop.rows.commit(names.NAMES, approvals.GROUP, [Put(key="leads", columns={"members": members})])


async def give(shop: Shop, verb: Verb, who: Actor = ADA, **more: object) -> str:
    app = await shop.state()
    rollout = app.live or (app.waiting[0] if app.waiting else None)
    if rollout is not None and verb is Verb.APPROVE:
        more = {"n": rollout.n, "digest": rollout.image.digest, "step": rollout.step, **more}
    return (await orders.give(shop.ports, KEY, orders.Asked(verb=verb, **more), who)).answer  # type: ignore[arg-type]


def told(shop: Shop) -> list[str]:
    return [str(event["type"]).removeprefix("Weighbridge.") for event in shop.channel.got]


# ---- approvals


async def test_an_image_waits_for_its_approvers_and_ships_when_one_says_yes() -> None:
    shop = await open_shop(Approvers="1 of leads")
    await group(shop, "Ada@contoso.com; bob@contoso.com")
    await shop.push(1)
    await shop.run(timedelta(minutes=10))
    app = await shop.state()
    assert [r.because for r in app.waiting] == ["approvers: needs 1 of leads"]
    assert "RolloutApprovalAsked" in told(shop)

    assert await give(shop, Verb.APPROVE, EVE) == "refused: eve@contoso.com is not in leads"
    assert await give(shop, Verb.APPROVE) == "done"
    await shop.run()
    assert [(d.phase, d.digest) for d in (await shop.state()).done] == [(Phase.PROMOTED, digest(1))]


async def test_nobody_approves_their_own_push() -> None:
    shop = await open_shop(Approvers="1 of leads")
    await group(shop, "ada@contoso.com")
    shop.registry.push("shop/web", "1.1.0", digest(1))
    await intake.image_pushed(shop.ports, replace(shop.event(1), pushed_by="ADA@contoso.com"))
    await shop.run(timedelta(minutes=2))

    assert await give(shop, Verb.APPROVE) == "refused: nobody approves their own push"


async def test_an_approval_that_does_not_come_in_time_expires() -> None:
    shop = await open_shop(Approvers="1 of leads within 1h")
    await group(shop, "ada@contoso.com")
    await shop.push(1)
    await shop.run(timedelta(hours=3))

    assert [d.phase for d in (await shop.state()).done] == [Phase.EXPIRED]


async def test_a_group_that_is_missing_or_empty_names_its_row() -> None:
    shop = await open_shop(Approvers="1 of leads")
    await shop.push(1)
    await shop.run(timedelta(minutes=2))
    missing = "names/group/leads: expected a row with a column Members, found none"
    assert await give(shop, Verb.APPROVE) == f"refused: cannot tell: {missing}"

    await group(shop, " , ;")
    empty = "names/group/leads: Members: expected people separated by commas, found nobody"
    assert await give(shop, Verb.APPROVE) == f"refused: cannot tell: {empty}"


async def test_a_step_asks_the_rows_approvers() -> None:
    steps = "5% for 1m, 25% until approved within 2h, 100% for 1m"
    shop = await open_shop(Steps=steps, Approvers="2 of leads")
    await group(shop, "ada@contoso.com, eve@contoso.com")
    await shop.push(1)
    await shop.run_until(Phase.BAKING, 1)
    assert await give(shop, Verb.APPROVE) == "done"
    await shop.run(timedelta(minutes=10))
    app = await shop.state()
    assert app.live is not None
    assert app.live.because == "waiting for approval by 1 of leads"

    assert await give(shop, Verb.APPROVE, EVE) == "done"
    await shop.run()
    assert [d.phase for d in (await shop.state()).done] == [Phase.PROMOTED]


# ---- the kill switch


async def test_the_switch_stops_what_would_start_and_what_would_rise() -> None:
    shop = await open_shop()
    await switch.stop(shop.ports, ADA, "incident 4711")
    await shop.push(1)
    await shop.run(timedelta(minutes=5))
    app = await shop.state()
    assert [r.because for r in app.waiting] == ["switch: everything is stopped by ada@contoso.com: incident 4711"]
    assert shop.app.history == []

    await switch.go(shop.ports)
    await shop.run_until(Phase.BAKING, 1)
    await switch.stop(shop.ports, ADA, "again")
    await shop.run(timedelta(minutes=30))
    assert shop.weights() == {"ca-web--first": 75, "ca-web--wb1-000001": 25}
    assert told(shop).count("RolloutGateClosed") == 1

    await switch.go(shop.ports)
    await shop.run()
    assert [d.phase for d in (await shop.state()).done] == [Phase.PROMOTED]


async def test_the_switch_never_stops_a_rollback() -> None:
    shop = await open_shop()
    await shop.push(1)
    await shop.run_until(Phase.BAKING, 1)
    await switch.stop(shop.ports, ADA, "")
    await give(shop, Verb.ROLLBACK)
    await shop.run(timedelta(minutes=5))

    assert shop.weights() == {"ca-web--first": 100}
    assert [d.phase for d in (await shop.state()).done] == [Phase.ROLLED_BACK]


async def test_a_switch_that_cannot_be_read_stops_as_one_that_is_thrown() -> None:
    shop = await open_shop()
    await shop.push(1)

    async def away(call: str, arguments: tuple[object, ...]) -> None:
        if (call, *arguments) == ("get", names.NAMES, switch.SWITCH, switch.STOP):
            raise Retry("tables: 503")

    shop.rows.before = away
    await shop.run(timedelta(minutes=5))

    assert [r.because for r in (await shop.state()).waiting] == ["switch: cannot tell: tables: 503"]


# ---- promoted elsewhere


async def with_staging(after: str) -> Shop:
    shop = await open_shop(After=after)
    shop.azure.create(STAGING, "contoso.azurecr.io/shop/web:1.0.0")
    row = {**ROW, "App": "rg-shop/ca-web-stg", "Notify": "none"}
    await shop.rows.commit(names.POLICIES, PARTITION, [Put(key="staging", columns=row)])
    return shop


async def staging(shop: Shop) -> App:
    return (await state.load(shop.rows, STAGING_KEY)).app


async def test_production_follows_staging_once_it_has_soaked_there() -> None:
    shop = await with_staging("staging for 2h")
    await shop.push(1)
    while not (await staging(shop)).done:
        await shop.step()
    promoted_at = (await staging(shop)).done[0].at
    while (await shop.state()).live is None:
        assert await shop.step()

    started = (await shop.state()).live
    assert started is not None
    assert started.started_at is not None
    assert timedelta(hours=2) <= started.started_at - promoted_at < timedelta(hours=2, seconds=30)


async def test_a_promotion_wakes_who_comes_after_it_at_once() -> None:
    shop = await with_staging("staging")
    await shop.push(1)
    while not (await staging(shop)).done:
        await shop.step()
    promoted_at = (await staging(shop)).done[0].at
    while (await shop.state()).live is None:
        assert await shop.step()

    assert shop.clock.now() - promoted_at < timedelta(seconds=10)


async def test_an_undo_there_takes_the_right_to_ship_here_away() -> None:
    shop = await with_staging("staging for 30m")
    await shop.push(1)
    while not (await staging(shop)).done:
        await shop.step()
    asked = orders.Asked(verb=Verb.UNDO, digest=digest(1))
    assert (await orders.give(shop.ports, STAGING_KEY, asked, ADA)).answer == "done"
    await shop.run(timedelta(hours=2))

    (waiting,) = (await shop.state()).waiting
    assert waiting.because.startswith("after: staging took it back: in quarantine there: undo by ada@contoso.com")
    assert (await shop.state()).done == ()


async def test_what_staging_takes_back_later_rises_no_further_here() -> None:
    shop = await with_staging("staging")
    await shop.push(1)
    await shop.run_until(Phase.BAKING, 0)
    asked = orders.Asked(verb=Verb.UNDO, digest=digest(1))
    assert (await orders.give(shop.ports, STAGING_KEY, asked, ADA)).answer == "done"
    await shop.run(timedelta(minutes=30))

    assert shop.weights()["ca-web--wb1-000001"] == 5
    assert "RolloutGateClosed" in told(shop)


async def test_after_a_policy_that_is_gone_the_row_is_broken_and_what_waits_says_so() -> None:
    shop = await with_staging("staging")
    await shop.push(1)
    await tick(shop.ports, Wake(app=KEY))
    await shop.rows.commit(names.POLICIES, PARTITION, [Delete(key="staging")])
    await shop.run(timedelta(minutes=2))

    (waiting,) = (await shop.state()).waiting
    missing = 'After: expected another policy of shop/web, found "staging"'
    assert waiting.because == f"its policy row is broken: {missing}"
    assert await shop.push(2) == ()
