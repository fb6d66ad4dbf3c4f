"""What an installation says of itself: each thing that can be wrong is named, with who must do what."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any, cast

import pytest

from delivery import doctor, doctor_app, doctor_call, names, parking, policy_watch, switch
from delivery.diagnosis import CHECKS
from delivery.errors import Refused, Retry
from delivery.ports import Delete, Insert, Put
from rollouts.model import Actor, ActorKind
from rollouts.seen import ProbeSeen
from tests.delivery.shop import KEY, PARTITION, REGISTRY, REPOSITORY, RESOURCE, Shop

if TYPE_CHECKING:
    from rollouts.checks import ProbeSpec

NOBODY = names.app_key(RESOURCE.replace("ca-web", "ca-nobody"))
DENIED = Refused("expected success, found 403 AuthorizationFailed", status=403)
Told = list[dict[str, Any]]


async def well() -> Shop:
    """Heard of, watched, and with an image in its registry."""
    shop = await Shop().open()
    await shop.push(1)
    await shop.run()
    await policy_watch.watch(shop.ports)
    shop.queue.messages.clear()
    return shop


async def told(shop: Shop) -> Told:
    found = (await doctor.examine(shop.ports))["diagnoses"]
    assert isinstance(found, list)
    return found


async def of_one(shop: Shop) -> Told:
    found = (await doctor.one_app(shop.ports, KEY))["diagnoses"]
    assert isinstance(found, list)
    return found


async def wrong(shop: Shop) -> dict[str, dict[str, Any]]:
    return {one["check"]: one for one in await told(shop) if one["state"] != "ok"}


async def test_an_installation_that_is_well_has_nothing_wrong_and_every_check_was_made() -> None:
    shop = await well()
    found = await told(shop)
    assert [one for one in found if one["state"] != "ok"] == []
    assert {one["check"] for one in found} == set(CHECKS)
    assert {one["subject"] for one in found if one["check"] == "table"} == set(names.TABLES)


async def test_nothing_is_left_but_the_open_call_and_the_messages_that_carry_it() -> None:
    shop = await well()
    before = {table: shop.rows.peek(table) for table in names.TABLES}
    answer = await doctor.examine(shop.ports)
    call = str(answer["call"])
    assert {m.queue for m in shop.queue.messages} == set(names.QUEUES)
    await doctor_call.end_call(shop.ports, call)
    assert {table: shop.rows.peek(table) for table in names.TABLES} == before


async def test_a_call_is_heard_by_each_way_and_one_that_nobody_opened_leaves_nothing() -> None:
    shop = Shop()
    call = await doctor_call.open_call(shop.ports)
    assert await doctor_call.hear(shop.ports, call, "ticks")
    assert not await doctor_call.hear(shop.ports, call, "opened")
    assert not await doctor_call.hear(shop.ports, "f" * 32, "ticks")
    assert not await doctor_call.hear(shop.ports, "../x", "ticks")
    assert await doctor_call.ways(shop.ports, call) == {
        "call": call,
        "ways": {"ticks": shop.clock.now().isoformat()},
    }
    await doctor_call.end_call(shop.ports, call)
    assert not await doctor_call.hear(shop.ports, call, "ticks")
    assert await doctor_call.ways(shop.ports, call) is None
    assert shop.rows.peek(names.NAMES) == []


async def test_a_store_that_is_away_costs_a_call_its_answer_and_is_never_repeated() -> None:
    shop = Shop()
    call = await doctor_call.open_call(shop.ports)

    async def away(*_: object) -> None:
        raise Retry("table names: 503")

    shop.rows.before = away
    assert not await doctor_call.hear(shop.ports, call, "ticks")


async def test_a_call_that_nobody_ended_goes_with_the_first_one_after_an_hour() -> None:
    shop = Shop()
    old = await doctor_call.open_call(shop.ports)
    shop.clock.advance(timedelta(minutes=59))
    young = await doctor_call.open_call(shop.ports)
    assert await doctor_call.ways(shop.ports, old)
    shop.clock.advance(timedelta(minutes=2))
    await doctor_call.open_call(shop.ports)
    assert await doctor_call.ways(shop.ports, old) is None
    assert await doctor_call.ways(shop.ports, young)


async def test_a_table_and_a_queue_that_may_not_be_written_are_named_with_the_role() -> None:
    shop = await well()

    async def refuse(name: str, arguments: tuple[object, ...]) -> None:
        if (name, arguments[0]) in (("commit", names.EVIDENCE), ("put", names.OUTBOX)):
            raise DENIED

    shop.rows.before = shop.queue.before = refuse
    found = await wrong(shop)
    assert (found["table"]["subject"], found["queue"]["subject"]) == (names.EVIDENCE, names.OUTBOX)
    assert '--role "Storage Table Data Contributor"' in found["table"]["do"]
    assert '--role "Storage Queue Data Contributor"' in found["queue"]["do"]


async def test_the_policies_take_no_row_of_doctors_that_the_watch_could_announce() -> None:
    shop = await well()
    written: list[object] = []

    async def note(name: str, arguments: tuple[object, ...]) -> None:
        if name == "commit" and arguments[0] == names.POLICIES:
            written.extend(arguments[2])  # type: ignore[arg-type]  # the changes

    shop.rows.before = note
    await doctor.examine(shop.ports)
    assert written
    assert not [change for change in written if isinstance(change, Insert | Put)]


async def test_timers_that_stand_still() -> None:
    shop = await well()
    shop.clock.advance(timedelta(minutes=7))
    assert (await wrong(shop))["timers"]["found"] == "the last run 7 minutes ago"


async def test_a_late_tick_and_something_parked_and_a_thrown_switch() -> None:
    shop = await well()
    late = {"due_at": shop.clock.now() - timedelta(minutes=3)}
    await shop.rows.commit(names.ACTIVE, names.shard(KEY), [Put(key=KEY, columns=late)])
    await parking.park(shop.ports, "event image_pushed", "{}", "event: data: expected an object, found none")
    await switch.stop(shop.ports, Actor(kind=ActorKind.PERSON, id="ada", name="ada"), "the shop is on fire")
    found = await wrong(shop)
    assert found["late"]["found"] == "1 apps: ca-web"
    assert found["parked"]["found"] == "1: event image_pushed: event: data: expected an object, found none"
    assert found["switch"]["found"] == "everything is stopped by ada: the shop is on fire"
    assert found["switch"]["do"].startswith("weighbridge switch go")


async def test_a_broken_row_and_none_at_all() -> None:
    shop = await well()
    bad = {"App": "rg-shop/ca-web", "Steps": "10% for ever"}
    await shop.rows.commit(names.POLICIES, PARTITION, [Put(key="canary", columns=bad)])
    found = (await wrong(shop))["rows"]
    assert found["subject"] == f"{PARTITION}/canary"
    assert 'found "ever"' in found["found"]
    assert f"weighbridge policy get {REGISTRY}/{REPOSITORY}/canary" in found["do"]
    await shop.rows.commit(names.POLICIES, PARTITION, [Delete(key="canary"), Delete(key="production")])
    assert (await wrong(shop))["rows"]["found"] == "no policy row"


async def test_a_registry_that_refuses_or_is_away_or_was_never_heard_from() -> None:
    shop = await well()
    shop.registry.refused[REPOSITORY] = DENIED
    await shop.rows.commit(names.NAMES, "heard", [Delete(key=REGISTRY)])
    found = await wrong(shop)
    assert found["registry"]["do"] == (
        'az role assignment create --assignee "$WEIGHBRIDGE_IDENTITY" --role AcrPull '
        '--scope "$(az acr show -n contoso --query id -o tsv)"'
    )
    assert found["heard"]["state"] == "warning"
    shop.registry.refused.clear()
    shop.registry.away = True
    assert (await wrong(shop))["registry"]["found"] == "contoso.azurecr.io 503"


async def test_an_app_without_a_right_is_named_with_the_command_that_gives_it() -> None:
    shop = await well()
    shop.azure.missing = {"Microsoft.App/containerApps/write"}
    found = (await wrong(shop))["rights"]
    assert found["found"] == "the identity lacks Microsoft.App/containerApps/write"
    assert found["do"] == (
        'az role assignment create --assignee "$WEIGHBRIDGE_IDENTITY" --role "$WEIGHBRIDGE_OPERATOR_ROLE" '
        f"--scope {names.resource_id(KEY)}"
    )


async def test_rights_that_may_not_be_asked_for_are_one_that_is_lacking(monkeypatch: pytest.MonkeyPatch) -> None:
    shop = await well()

    async def refuse(*_: object) -> tuple[str, ...]:
        raise DENIED

    monkeypatch.setattr(shop.azure, "lacking", refuse)
    assert (await wrong(shop))["rights"]["found"] == "the identity lacks Microsoft.Authorization/permissions/read"


async def test_an_app_that_is_not_there_or_may_not_be_read(monkeypatch: pytest.MonkeyPatch) -> None:
    shop = await well()
    (gone,) = await doctor_app.of_app(shop.ports, NOBODY)
    assert (gone.check, gone.who, gone.do) == ("app", "the policy's author", "correct App in the policy row")

    async def refuse(_: str) -> object:
        raise DENIED

    monkeypatch.setattr(shop.azure, "look", refuse)
    assert "az role assignment create" in (await wrong(shop))["app"]["do"]


async def test_an_app_in_single_mode_is_to_be_adopted() -> None:
    shop = await well()
    shop.app.multiple = False
    found = (await wrong(shop))["app"]
    assert (found["state"], found["do"]) == ("warning", "weighbridge adopt rg-shop/ca-web")


async def test_a_probe_without_an_answer_and_metrics_that_are_away(monkeypatch: pytest.MonkeyPatch) -> None:
    shop = await well()
    shop.metrics.away = True

    async def silent(fqdn: str, spec: ProbeSpec) -> ProbeSeen:
        del fqdn
        return ProbeSeen(
            at=shop.clock.now(), path=spec.path, status=None, took=timedelta(), because="its name is not known"
        )

    monkeypatch.setattr(shop.azure, "probe", silent)
    found = await wrong(shop)
    assert found["probe"]["found"].endswith(": its name is not known")
    assert found["probe"]["who"] == "who owns the network"
    assert found["metrics"]["found"] == "Azure Monitor 503"


async def test_many_apps_are_looked_at_in_part_and_it_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    shop = await well()
    monkeypatch.setattr(doctor, "MOST_APPS", 1)
    more = {"App": "rg-shop/ca-other", "Tags": "semver"}
    await shop.rows.commit(names.POLICIES, f"{REGISTRY}|shop|other", [Put(key="production", columns=more)])
    assert (await wrong(shop))["app"]["found"] == "1 of 2 were looked at"
    monkeypatch.setattr(doctor, "MOST_REGISTRIES", 0)
    assert (await wrong(shop))["registry"]["found"] == "0 of 1 were looked at"


async def test_settings_that_let_nothing_begin_are_the_only_thing_told() -> None:
    answer = doctor.settings(["WEIGHBRIDGE_SUBSCRIPTION: expected the subscription id of the apps, found none"])
    assert answer["call"] == ""
    (found,) = cast("Told", answer["diagnoses"])
    assert (found["subject"], found["expected"], found["found"]) == (
        "WEIGHBRIDGE_SUBSCRIPTION",
        "the subscription id of the apps",
        "none",
    )


async def test_one_app_is_told_of_with_the_registry_its_image_comes_from() -> None:
    shop = await Shop().open()
    shop.registry.push(REPOSITORY, "1.0.0", "sha256:0")
    found = await of_one(shop)
    assert {one["check"] for one in found} == {"app", "rights", "metrics", "probe", "registry"}
    assert {one["state"] for one in found} == {"ok"}
    shop.registry.refused[REPOSITORY] = DENIED
    found = await of_one(shop)
    assert [one["check"] for one in found if one["state"] == "broken"] == ["registry"]


async def test_a_store_that_is_away_is_an_error_of_the_whole_question() -> None:
    shop = await well()

    async def away(*_: object) -> None:
        raise Retry("table names: 503")

    shop.rows.before = away
    with pytest.raises(Retry):
        await doctor.examine(shop.ports)
