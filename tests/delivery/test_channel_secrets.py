"""Who may edit rows gets no setting of the process sent away but those that are there for channels."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from delivery import names, outbox
from delivery.ports import Put, Row
from tests.delivery.shop import KEY, Shop

if TYPE_CHECKING:
    from collections.abc import Mapping

    from delivery.ports import ChannelRow

SETTINGS = {
    "AzureWebJobsStorage": "AccountKey=t0psecret",
    "WEIGHBRIDGE_SUBSCRIPTION": "s",
    "WEIGHBRIDGE_SECRET_HOOK": "whsec_t0psecret",
    "weighbridge_secret_hook": "t0psecret",
}


class Spy:
    """`delivery.ports.Channel` that keeps the rows it was given."""

    def __init__(self) -> None:
        self.rows: list[ChannelRow] = []

    async def send(self, channel: ChannelRow, event: Mapping[str, object], attempt: int) -> None:
        _ = event, attempt
        self.rows.append(channel)


async def delivered(setting: str) -> tuple[str, list[str], Row | None]:
    """What became of a message to a channel that names this setting: answer, secrets sent, the row that is left."""
    spy, shop = Spy(), await Shop().open()
    ports = replace(shop.ports, secrets=SETTINGS, channels={"eventgrid": spy})
    channel = {"kind": "eventgrid", "url": "https://elsewhere.test/", "secret": setting}
    await shop.rows.commit(names.NAMES, "channel", [Put(key="hook", columns=channel)])
    letter = {"channel": "hook", "event": "{}", "tries": 0}
    await shop.rows.commit(names.ROLLOUTS, KEY, [Put(key="outbox:1", columns=letter)])
    answer = (await outbox.deliver(ports, outbox.Letter(app=KEY, key="outbox:1"))).became
    return answer, [row.secret for row in spy.rows], await shop.rows.get(names.ROLLOUTS, KEY, "outbox:1")


async def test_a_setting_of_the_channels_is_sent() -> None:
    assert await delivered("WEIGHBRIDGE_SECRET_HOOK") == ("delivered", ["whsec_t0psecret"], None)
    assert await delivered("") == ("delivered", [""], None)


@pytest.mark.parametrize("setting", ["AzureWebJobsStorage", "WEIGHBRIDGE_SUBSCRIPTION", "weighbridge_secret_hook"])
async def test_no_other_setting_leaves_and_the_message_says_why(setting: str) -> None:
    answer, sent, left = await delivered(setting)

    assert (answer, sent) == ("parked", [])
    assert left is not None
    assert "an app setting that begins with WEIGHBRIDGE_SECRET_" in str(left.columns["because"])


async def test_a_secret_pasted_in_place_of_its_name_is_not_repeated() -> None:
    _, _, left = await delivered("whsec_pasted")

    assert "whsec_pasted" not in str(left)


async def test_a_setting_that_is_not_set_is_named() -> None:
    answer, _, left = await delivered("WEIGHBRIDGE_SECRET_GONE")

    assert answer == "parked"
    assert "expected a value in the app setting WEIGHBRIDGE_SECRET_GONE, found none" in str(left)
