"""What an image did to its users is told again, whole, once Azure's metrics have arrived."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from delivery import codec, names
from delivery.ports import Put
from rollouts.model import Phase
from tests.delivery.shop import KEY, ROW, Shop

if TYPE_CHECKING:
    from collections.abc import Mapping

SETTLE = timedelta(seconds=180)
CHECKED = {**ROW, "Checks": "errors <= stable + 1% min 20", "Steps": "5% for 5m, 25% for 5m, 100% for 5m"}


async def opened(row: Mapping[str, object] = CHECKED, settle: timedelta = SETTLE) -> Shop:
    shop = await Shop(row=row).open()
    shop.ports = replace(shop.ports, settings=replace(shop.ports.settings, settle=settle))
    return shop


async def shipped(shop: Shop) -> list[Mapping[str, Any]]:
    """Push an image, let everything come to rest, and answer what the channel got, in order."""
    await shop.push(1)
    await shop.run()
    assert not shop.poison
    assert not shop.failures
    return sorted(shop.channel.got, key=lambda event: str(event["sequence"]))


def exposure(event: Mapping[str, Any]) -> Mapping[str, Any]:
    found: Mapping[str, Any] = event["data"]["exposure"]
    return found


@pytest.mark.parametrize(("rate", "phase"), [(0.5, Phase.ROLLED_BACK), (0.0, Phase.PROMOTED)])
async def test_the_final_exposure_follows_the_end_of_a_rollout(rate: float, phase: Phase) -> None:
    shop = await opened()
    shop.metrics.error_rates["wb1"] = rate
    events = await shipped(shop)
    end, last = events[-2:]

    assert last["type"] == "Weighbridge.RolloutReported"
    assert last["data"]["rollout"]["outcome"] == end["data"]["rollout"]["outcome"] == phase.value
    assert exposure(end)["complete"] is False
    assert exposure(last)["complete"] is True
    assert exposure(last)["requests"] > exposure(end)["requests"]
    assert exposure(last)["peakWeight"] == exposure(end)["peakWeight"]
    assert (exposure(last)["errors"] > 0) == (rate > 0)
    assert [int(event["sequence"]) for event in events] == list(range(1, len(events) + 1))


async def test_history_keeps_what_was_reported_and_the_app_is_idle_again() -> None:
    shop = await opened()
    events = await shipped(shop)

    row = await shop.rows.get(names.ROLLOUTS, KEY, names.rollout_key(1))
    assert row is not None
    kept = codec.decode_rollout(row)
    assert kept.phase is Phase.PROMOTED
    assert kept.final is not None
    assert kept.final.canary.requests == exposure(events[-1])["requests"]
    assert (await shop.state()).reports == ()
    assert not shop.rows.peek(names.ACTIVE)


async def test_a_monitor_that_never_answers_ends_the_wait_too() -> None:
    shop = await opened()
    shop.metrics.error_rates["wb1"] = 0.5
    await shop.push(1)
    while not (await shop.state()).reports:
        assert await shop.step()
    shop.metrics.away = True
    await shop.run()

    last = max(shop.channel.got, key=lambda event: str(event["sequence"]))
    assert last["type"] == "Weighbridge.RolloutReported"
    assert exposure(last)["complete"] is False
    assert exposure(last)["requests"] is not None
    assert (await shop.state()).reports == ()


async def test_a_history_row_that_cannot_be_read_stops_nothing() -> None:
    shop = await opened()
    await shop.push(1)
    while not (await shop.state()).reports:
        assert await shop.step()
    key = names.rollout_key(1)
    await shop.rows.commit(names.ROLLOUTS, KEY, [Put(key=key, columns={"schema": 99})])
    await shop.run()

    assert (await shop.state()).reports == ()
    assert "RolloutReported" not in shop.channel.types()
    assert not shop.poison


async def test_where_no_check_counts_requests_nothing_is_asked_and_nothing_follows() -> None:
    shop = await opened(row={**CHECKED, "Checks": "restarts == 0"})
    events = await shipped(shop)
    assert events[-1]["type"] == "Weighbridge.RolloutPromoted"
    assert exposure(events[-1])["requests"] is None


async def test_where_counts_come_at_once_the_last_word_is_complete_and_the_last() -> None:
    events = await shipped(await opened(settle=timedelta()))
    assert events[-1]["type"] == "Weighbridge.RolloutPromoted"
    assert exposure(events[-1])["complete"] is True


async def test_only_a_channel_with_all_hears_of_it() -> None:
    events = await shipped(await opened(row={**CHECKED, "Notify": "hook"}))
    assert [event["type"] for event in events] == ["Weighbridge.RolloutPromoted"]


async def test_the_labels_of_an_image_are_told_from_its_first_message_to_its_last() -> None:
    shop = await opened(settle=timedelta())
    pushed = shop.registry.push
    labels = {"org.opencontainers.image.revision": "2d9c0f", "org.opencontainers.image.source": "https://git.test/web"}
    shop.registry.push = lambda *image: pushed(*image, labels=labels)  # type: ignore[method-assign]  # of this object
    events = await shipped(shop)

    told = {(event["data"]["image"]["revisionLabel"], event["data"]["image"]["sourceUrl"]) for event in events}
    assert told == {("2d9c0f", "https://git.test/web")}
