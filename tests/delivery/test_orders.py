"""A person's order survives the death of the process that took it, also on an app nothing else would wake."""

from __future__ import annotations

import contextlib
import json
from datetime import timedelta
from typing import Any

import pytest

from delivery import approvals, codec, names, orders
from delivery.errors import Malformed
from delivery.ports import Put
from rollouts.model import Actor, ActorKind, Phase
from rollouts.seen import Verb
from tests.delivery.shop import KEY, Crash, Shop, digest

ADA = Actor(kind=ActorKind.PERSON, id="42", name="Ada")


def crash_after(name: str, count: int) -> Any:
    left = [count]

    async def hook(called: str, _arguments: tuple[object, ...]) -> None:
        if called == name:
            left[0] -= 1
            if left[0] < 0:
                raise Crash

    return hook


@pytest.mark.parametrize(("commits", "obeyed"), [(0, False), (1, False), (2, True), (3, True)])
async def test_an_order_to_an_idle_app_whose_process_dies_is_obeyed_once_its_row_is_written(commits, obeyed):
    shop = await Shop().open()
    shop.rows.before = crash_after("commit", commits)
    with contextlib.suppress(Crash):
        await orders.give(shop.ports, KEY, orders.Asked(verb=Verb.HOLD), ADA)
    shop.rows.before = None
    await shop.run()
    assert ((await shop.state()).hold is not None) == obeyed
    assert await shop.rows.scan(names.ACTIVE, names.shard(KEY)) == []


async def test_an_order_given_twice_is_obeyed_once():
    shop = await Shop().open()
    await shop.push(1)
    await shop.run_until(Phase.BAKING, 0)
    answers = [await orders.give(shop.ports, KEY, orders.Asked(verb=Verb.ABORT), ADA) for _ in range(2)]
    assert [a.answer for a in answers] == ["done", "refused: it is rolling back already"]
    await shop.run()
    assert [done.phase for done in (await shop.state()).done] == [Phase.ABORTED]


async def test_a_digest_in_quarantine_ships_once_a_person_releases_it():
    shop = await Shop().open()
    await shop.push(1)
    await shop.run_until(Phase.BAKING, 0)
    await orders.give(shop.ports, KEY, orders.Asked(verb=Verb.ABORT), ADA)
    await shop.run()
    digest = (await shop.state()).done[0].digest
    await orders.give(shop.ports, KEY, orders.Asked(verb=Verb.RELEASE, digest=digest), ADA)
    await shop.push(1)
    await shop.run()
    assert [done.phase for done in (await shop.state()).done] == [Phase.ABORTED, Phase.PROMOTED]


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ({"until": "2026-11-25T12:00:00"}, "order: Expected `datetime` with a timezone"),
        ({"until": "9999-12-31T23:59:59-12:00"}, "order: until: expected a time of this era"),
        ({"digest": "shop/web"}, "order: digest: expected sha256: and 64 hex digits, found 'shop/web'"),
        ({"digest": "x" * 600}, "order: digest: expected sha256:"),
        ({"digest": f"{digest(1)}\n"}, "order: digest: expected sha256:"),
        ({"n": 10**10}, "order: Expected `int` <= 1000000000"),
        ({"n": -1}, "order: Expected `int` >= 0"),
        ({"step": 10**30}, "order: Expected `int` <= 1000000000"),
    ],
)
def test_an_order_that_no_tick_could_obey_or_keep_is_refused_before_it_has_a_row(body, message):
    with pytest.raises(Malformed) as raised:
        orders.read(body, "release")
    assert str(raised.value).startswith(message)
    assert len(str(raised.value)) < 200


async def test_a_comment_of_any_characters_is_kept_as_one_line_that_fits():
    shop = await Shop().open()
    asked = orders.read({"comment": "\ud800\x00\n" + "x" * 5000}, "hold")
    answered = await orders.give(shop.ports, KEY, asked, ADA)
    assert answered.answer == "done"
    hold = (await shop.state()).hold
    assert hold is not None
    assert hold.because.isprintable()
    assert len(hold.because) < 2 * codec.LONGEST_TEXT
    assert shop.failures == []


async def asking_shop(steps: str) -> Shop:
    """A shop whose rollouts wait for Ada."""
    shop = await Shop(row={"App": "rg-shop/ca-web", "Steps": steps, "Approvers": "1 of leads"}).open()
    await shop.rows.commit(names.NAMES, approvals.GROUP, [Put(key="leads", columns={"members": "ada"})])
    return shop


@pytest.mark.parametrize("left_out", ["n", "digest", "step"])
@pytest.mark.parametrize("verb", [Verb.APPROVE, Verb.PROMOTE, Verb.RESUME])
async def test_an_order_that_raises_a_canary_names_rollout_digest_and_step_or_is_told_them(verb, left_out):
    shop = await asking_shop("5% until approved, 100% for 1m")
    await shop.push(1)
    await shop.run_until(Phase.BAKING, 0)
    if verb is Verb.RESUME:
        await orders.give(shop.ports, KEY, orders.Asked(verb=Verb.PAUSE), ADA)
    whole = {"n": 1, "digest": digest(1), "step": 0}
    asked = orders.read({name: value for name, value in whole.items() if name != left_out}, verb)
    with pytest.raises(Malformed) as raised:
        await orders.give(shop.ports, KEY, asked, ADA)
    told = json.loads(str(raised.value).partition("now they are ")[2])
    assert told == whole
    answered = await orders.give(shop.ports, KEY, orders.read(told, verb), ADA)
    assert answered.answer == "done"


async def test_a_click_on_the_message_of_an_earlier_step_approves_nothing():
    shop = await asking_shop("5% until approved, 50% until approved, 100% for 1m")
    await shop.push(1)
    await shop.run_until(Phase.BAKING, 0)
    link = orders.Asked(verb=Verb.APPROVE, n=1, digest=digest(1), step=0)
    assert (await orders.give(shop.ports, KEY, link, ADA)).answer == "done"
    await shop.run_until(Phase.BAKING, 1)
    assert (await orders.give(shop.ports, KEY, link, ADA)).answer == "refused: rollout 1 has moved on to step 2"
    await shop.run(timedelta(minutes=10))
    live = (await shop.state()).live
    assert live is not None
    assert live.step == 1
