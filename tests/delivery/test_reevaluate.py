"""A row is held against what its registry has: when it changed, and once an hour, so that no push need be heard of."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from delivery import intake, names, policy_watch, reevaluate, tick
from delivery.errors import Refused
from delivery.ports import Delete, Insert, Put
from policies.evidence import evidence_partition
from policies.pushes import push_from_columns
from rollouts.model import Phase
from tests.delivery.shop import KEY, PARTITION, REGISTRY, REPOSITORY, ROW, Shop, digest

MINUTE = timedelta(minutes=1)
PATTERNS = f"{REGISTRY}|*"


@pytest.fixture
async def shop() -> Shop:
    return await Shop(row={**ROW, "Tags": "semver: <2"}).open()


def held(shop: Shop, *versions: str, repository: str = REPOSITORY) -> None:
    """Images that are in the registry, and that no event told of; the first is the oldest."""
    for place, version in enumerate(versions):
        at = shop.clock.now() - timedelta(days=10) + timedelta(hours=place)
        shop.registry.push(repository, version, digest(int(version.replace(".", ""))), at=at)


async def edit(shop: Shop, **cells: str) -> None:
    shop.clock.advance(MINUTE)
    await shop.rows.commit(names.POLICIES, PARTITION, [Put(key="production", columns={**shop.row, **cells})])


async def watched(shop: Shop) -> None:
    """One run of the watch, and whatever comes of it."""
    await policy_watch.watch(shop.ports)
    await settled(shop)


async def settled(shop: Shop) -> None:
    """Until no message is left; time passes no further than that takes."""
    while shop.queue.messages:
        await shop.step()


async def ended(shop: Shop) -> list[tuple[str, Phase]]:
    return [(done.tag, done.phase) for done in (await shop.state()).done]


async def status(shop: Shop, key: str = "production", partition: str = PARTITION) -> str:
    row = await shop.rows.get(names.POLICIES, partition, key)
    assert row is not None
    return str(row.columns.get("Status"))


async def test_a_new_row_ships_what_its_registry_holds_to_an_app_never_heard_of(shop):
    held(shop, "1.1.0", "1.10.0", "1.9.0", "2.0.0")
    await watched(shop)
    assert await ended(shop) == [("1.10.0", Phase.PROMOTED)]


async def test_a_widened_rule_needs_no_new_push(shop):
    held(shop, "1.1.0", "2.0.0")
    await watched(shop)
    await edit(shop, Tags="semver: <3")
    await watched(shop)
    assert await ended(shop) == [("1.1.0", Phase.PROMOTED), ("2.0.0", Phase.PROMOTED)]


async def test_a_lost_event_heals_within_an_hour(shop):
    held(shop, "1.1.0")
    await watched(shop)
    held(shop, "1.1.0", "1.2.0")
    for _ in range(61):
        shop.clock.advance(MINUTE)
        await watched(shop)
    assert await ended(shop) == [("1.1.0", Phase.PROMOTED), ("1.2.0", Phase.PROMOTED)]


async def test_an_hour_in_which_nothing_is_new_wakes_nobody_and_lists_each_repository_once(shop):
    held(shop, "1.1.0")
    await watched(shop)
    shop.registry.listed.clear()
    before = (await shop.state()).seq
    for _ in range(60):
        shop.clock.advance(MINUTE)
        await watched(shop)
    assert shop.registry.listed == [REPOSITORY]
    assert (await shop.state()).seq == before


async def test_the_push_is_known_from_the_registry_and_what_an_event_told_stays(shop):
    held(shop, "1.1.0")
    at = shop.registry.times[REPOSITORY, "1.1.0"]
    await watched(shop)
    place = (evidence_partition(REGISTRY, digest(110)), "push:shop|web:1.1.0")
    row = await shop.rows.get(names.EVIDENCE, *place)
    assert row is not None
    push = push_from_columns("here", row.columns)
    assert (push.pushed_at, push.listed) == (at, True)
    await shop.push(7)
    place = (evidence_partition(REGISTRY, digest(7)), "push:shop|web:1.7.0")
    heard = await shop.rows.get(names.EVIDENCE, *place)
    await edit(shop, Tags="semver: <3")
    await watched(shop)
    again = await shop.rows.get(names.EVIDENCE, *place)
    assert heard
    assert again
    assert (again.columns["listed"], again.etag) == (False, heard.etag)


@pytest.mark.parametrize("row", [{}, {"Scan": "critical 0, within 1m else reject"}], ids=["open", "gated"])
async def test_an_image_that_runs_by_its_tag_already_is_nothing_to_do_and_nothing_to_say(row):
    """An app that is taken into care runs the greatest tag as a rule, and names it without a digest."""
    shop = await Shop(row={**ROW, **row}).open()
    held(shop, "1.0.0")
    for _ in range(3):
        await watched(shop)
        shop.clock.advance(timedelta(hours=1))
    state = await shop.state()
    assert (state.waiting, state.live, state.done, shop.app.writes, shop.channel.got) == ((), None, (), [], [])
    assert len(shop.ticked) == 1


async def test_a_row_that_is_new_ships_no_downgrade_to_an_app_that_was_pinned_to_a_digest():
    shop = await Shop(row={**ROW, "Tags": "semver: <2"}).open()
    shop.app.revisions["ca-web--first"].images["web"] = f"{REGISTRY}/{REPOSITORY}@{digest(200)}"
    held(shop, "1.1.0", "2.0.0")
    await watched(shop)
    assert await ended(shop) == [("1.1.0", Phase.REJECTED)]
    assert "a downgrade: 2.0.0 is running and newer than 1.1.0" in str(shop.channel.got[-1]["data"])


async def test_a_digest_the_registry_will_not_name_is_no_reason_against_an_image(shop):
    shop.app.revisions["ca-web--first"].images["web"] = f"{REGISTRY}/{REPOSITORY}@{digest(200)}"
    shop.registry.refused[REPOSITORY] = Refused("x", status=403)
    await shop.push(1)
    await settled(shop)
    assert await ended(shop) == [("1.1.0", Phase.PROMOTED)]


async def test_a_tag_that_moved_after_the_app_took_it_ships(shop):
    shop.registry.push(REPOSITORY, "1.0.0", digest(9), at=shop.clock.now() + MINUTE)
    shop.clock.advance(timedelta(hours=1))
    await watched(shop)
    assert await ended(shop) == [("1.0.0", Phase.PROMOTED)]


# ---- what an edit tries again, and what it does not


async def test_an_image_a_gate_refused_is_tried_again_when_its_row_changed_and_not_before(shop):
    shop.row = {**shop.row, "Scan": "critical 0, within 1m else reject"}
    await edit(shop)
    await shop.push(1)
    await settled(shop)
    assert await ended(shop) == [("1.1.0", Phase.REJECTED)]
    for _ in range(3):
        shop.clock.advance(timedelta(hours=1))
        await watched(shop)
    assert len(await ended(shop)) == 1
    await edit(shop, Scan="none")
    await watched(shop)
    done = (await shop.state()).done
    assert [(one.phase, one.attempt) for one in done] == [(Phase.REJECTED, 1), (Phase.PROMOTED, 2)]


@pytest.mark.parametrize("cell", ["Note", "Runbook", "Notify"])
async def test_a_cell_that_changes_nothing_that_ships_starts_nothing_again(shop, cell):
    shop.row = {**shop.row, "Scan": "critical 0, within 1m else reject"}
    await edit(shop)
    await shop.push(1)
    await settled(shop)
    await edit(shop, **{cell: {"Runbook": "https://wiki.contoso.com/x"}.get(cell, "other")})
    await watched(shop)
    assert await ended(shop) == [("1.1.0", Phase.REJECTED)]


async def test_an_edit_of_a_note_offers_nothing_again(shop):
    held(shop, "1.1.0")
    await watched(shop)
    await edit(shop, Note="only this")
    await policy_watch.watch(shop.ports)
    assert [message.body["offers"] for message in shop.queue.messages] == [[]]
    await settled(shop)
    await policy_watch.watch(shop.ports)
    assert shop.queue.messages == []


async def test_an_image_that_was_rolled_back_or_promoted_is_not_tried_again_by_an_edit(shop):
    await shop.push(1)
    await settled(shop)
    shop.metrics.error_rates = {"wb2": 0.9}
    await shop.push(2)
    await settled(shop)
    assert await ended(shop) == [("1.1.0", Phase.PROMOTED), ("1.2.0", Phase.ROLLED_BACK)]
    for tags in ("semver: <3", "semver: 1.1"):
        await edit(shop, Tags=tags)
        await watched(shop)
    assert len(await ended(shop)) == 2


async def test_a_digest_in_quarantine_is_not_offered(shop):
    held(shop, "1.1.0")
    row = Insert(key=names.quarantine_key(digest(110)), columns={"because": "bad"})
    await shop.rows.commit(names.ROLLOUTS, KEY, [row])
    await watched(shop)
    assert shop.ticked == []


async def test_a_row_that_was_deleted_and_comes_back_as_it_was_tries_its_image_again(shop):
    shop.row = {**shop.row, "Scan": "critical 0, within 1h else hold"}
    await edit(shop)
    await shop.push(1)
    await shop.run(MINUTE)
    await shop.rows.commit(names.POLICIES, PARTITION, [Delete(key="production")])
    await shop.run(timedelta(minutes=10))
    assert await ended(shop) == [("1.1.0", Phase.REJECTED)]
    await edit(shop)
    await policy_watch.watch(shop.ports)
    await shop.run(MINUTE)
    assert [one.image.tag for one in (await shop.state()).waiting] == ["1.1.0"]


async def test_an_image_that_waits_and_is_not_selected_any_more_is_closed_and_told_why(shop):
    shop.row = {**shop.row, "Scan": "critical 0, within 1h else hold", "Notify": "hook all"}
    await edit(shop)
    await shop.push(1)
    await shop.run(MINUTE)
    await edit(shop, Tags="semver: <1")
    await policy_watch.watch(shop.ports)
    await shop.run(MINUTE)
    assert await ended(shop) == [("1.1.0", Phase.REJECTED)]
    assert "1.1.0 is not selected by semver: <1" in str(shop.channel.got[-1]["data"])


async def test_a_row_edited_while_it_rolls_says_that_the_change_is_for_the_next_image(shop):
    await shop.push(1)
    await shop.run_until(Phase.BAKING, 1)
    await edit(shop, Steps="100% for 1h")
    await policy_watch.watch(shop.ports)
    assert (await status(shop)).startswith("rolling 1.1.0 at 25 %: ")
    assert (await status(shop)).endswith("; change applies to the next image")
    live = (await shop.state()).live
    assert live
    assert live.plan
    assert [step.weight for step in live.plan.steps] == [5, 25, 100]
    await edit(shop, Note="only this")
    await policy_watch.watch(shop.ports)
    assert "next image" not in await status(shop)


# ---- defaults


async def quiet(shop: Shop) -> None:
    """Minutes after which no row is one that was changed lately."""
    for _ in range(7):
        await watched(shop)
        shop.clock.advance(MINUTE)


async def test_an_edit_of_the_defaults_and_its_deletion_count_for_every_row_within_a_minute(shop):
    held(shop, "1.1.0", "2.0.0")
    shop.row = {key: value for key, value in shop.row.items() if key != "Tags"}
    shared = {"Tags": "semver: <1"}
    await shop.rows.commit(names.POLICIES, PATTERNS, [Put(key="defaults", columns=shared)])
    await edit(shop)
    await watched(shop)
    assert await ended(shop) == []
    await quiet(shop)
    await shop.rows.commit(names.POLICIES, PATTERNS, [Put(key="defaults", columns={"Tags": "semver: <2"})])
    await watched(shop)
    assert await ended(shop) == [("1.1.0", Phase.PROMOTED)]
    await quiet(shop)
    await shop.rows.commit(names.POLICIES, PATTERNS, [Delete(key="defaults")])
    await watched(shop)
    assert await ended(shop) == [("1.1.0", Phase.PROMOTED), ("2.0.0", Phase.PROMOTED)]


# ---- patterns


async def test_a_pattern_row_offers_the_best_image_of_each_repository_that_matches(shop):
    held(shop, "1.1.0", "1.2.0", repository="team/api")
    held(shop, "3.0.0", repository="team/mail")
    held(shop, "9.0.0", repository="other/x")
    cells = {"App": "rg-{name}/ca-{name}", "Repository": "team/*"}
    await shop.rows.commit(names.POLICIES, PATTERNS, [Put(key="fleet", columns=cells)])
    await policy_watch.watch(shop.ports)
    offers = [offer for message in shop.queue.messages for offer in tick.read(message.body).offers]
    assert [(one.image.repository, one.image.tag) for one in offers] == [("team/api", "1.2.0"), ("team/mail", "3.0.0")]
    assert shop.registry.listed == ["", "team/api", "team/mail", REPOSITORY]


async def test_of_more_repositories_than_may_be_listed_the_first_are_and_the_row_says_so(shop, monkeypatch):
    monkeypatch.setattr(reevaluate, "MOST_REPOSITORIES", 2)
    for name in "abc":
        held(shop, "1.0.0", repository=f"team/{name}")
    cells = {"App": "rg-{name}/ca-{name}", "Repository": "team/*"}
    await shop.rows.commit(names.POLICIES, PATTERNS, [Put(key="fleet", columns=cells)])
    await policy_watch.watch(shop.ports)
    assert shop.registry.listed == ["", "team/a", "team/b", REPOSITORY]
    said = "; only the first 2 repositories that match are read again; a push to the others ships; "
    assert said in await status(shop, "fleet", PATTERNS)


# ---- registries that do not answer, or do not tell


async def test_a_registry_that_is_away_stops_no_row_and_is_asked_again_the_next_minute(shop):
    held(shop, "1.1.0")
    shop.registry.away = True
    await policy_watch.watch(shop.ports)
    assert (await status(shop)).startswith("ok: ")
    shop.registry.away = False
    shop.clock.advance(MINUTE)
    await watched(shop)
    assert await ended(shop) == [("1.1.0", Phase.PROMOTED)]


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (Refused("x", status=403), "; may not list contoso.azurecr.io/shop/web (403): only a push that is heard of"),
        (Refused("x", status=401), "; may not list contoso.azurecr.io/shop/web (401): only a push that is heard of"),
        (Refused("too long"), "; cannot list contoso.azurecr.io/shop/web (too long): only a push that is heard of"),
    ],
)
async def test_a_repository_that_may_not_be_listed_is_said_in_the_status_until_it_may(shop, error, said):
    shop.registry.refused[REPOSITORY] = error
    await policy_watch.watch(shop.ports)
    assert said in await status(shop)
    shop.clock.advance(MINUTE)
    await policy_watch.watch(shop.ports)
    assert said in await status(shop)
    shop.registry.refused.clear()
    shop.clock.advance(timedelta(hours=1))
    await policy_watch.watch(shop.ports)
    assert said not in await status(shop)


async def test_a_row_that_selects_none_of_the_tags_says_so(shop):
    held(shop, "2.0.0", "2.1.0")
    await policy_watch.watch(shop.ports)
    assert "; none of the 2 tags of shop/web is selected; " in await status(shop)


async def test_where_the_registry_tells_no_times_the_newest_is_not_guessed_and_a_version_is_not_in_need_of_them(shop):
    for version in ("1.1.0", "1.2.0"):
        shop.registry.push(REPOSITORY, version, digest(int(version.replace(".", ""))))
    await edit(shop, Tags="newest from 1.{}")
    await watched(shop)
    assert await ended(shop) == []
    assert "does not tell when tags were pushed" in await status(shop)
    await edit(shop, Tags="semver")
    await watched(shop)
    assert await ended(shop) == [("1.2.0", Phase.PROMOTED)]


async def test_an_event_of_what_was_offered_already_is_no_second_rollout(shop):
    held(shop, "1.1.0")
    await policy_watch.watch(shop.ports)
    await shop.run(MINUTE)
    event = replace(shop.event(1), digest=digest(110))
    await intake.image_pushed(shop.ports, event)
    await settled(shop)
    assert await ended(shop) == [("1.1.0", Phase.PROMOTED)]


async def test_a_crash_between_the_offer_and_its_note_offers_it_twice_and_starts_it_once(shop):
    held(shop, "1.1.0")

    async def before(name: str, arguments: tuple[object, ...]) -> None:
        if name == "commit" and arguments[1] == f"policies|{PARTITION}" and "Merge" in str(arguments[2]):
            raise RuntimeError

    shop.rows.before = before
    with pytest.raises(RuntimeError):
        await policy_watch.watch(shop.ports)
    shop.rows.before = None
    await watched(shop)
    assert await ended(shop) == [("1.1.0", Phase.PROMOTED)]
