"""A delivery has Event Grid's headers, and those its subscriber asked for."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from localcloud.control.bodies import Subscribe
from localcloud.eventgrid.attributes import Attribute
from localcloud.eventgrid.batches import Batching
from tests.localcloud.test_eventgrid import CLOUD, Local, local_grid, pushed


def attributes(**given: str | tuple[str]) -> tuple[Attribute, ...]:
    """Name -> a fixed text, or a tuple of a path in the event."""
    return tuple(
        Attribute(name=name.replace("_", "-"), value=value)
        if isinstance(value, str)
        else Attribute(name=name.replace("_", "-"), source=value[0])
        for name, value in given.items()
    )


async def deliver(local: Local, *events: dict[str, object], **more: Any) -> None:
    local.grid.subscribe("pushes", "weighbridge", endpoint=local.hook.url, **more)
    for event in events:
        await local.grid.publish("weighbridge", event)
    await local.grid.settle(10)


def ours(local: Local, place: int = 0) -> dict[str, str]:
    headers = local.hook.received[place].headers
    return {name.lower(): value for name, value in headers.items() if name.lower().startswith("aeg-")}


async def test_an_event_has_the_headers_of_the_page_and_an_id_that_stays_through_every_attempt() -> None:
    async with local_grid() as local:
        local.hook.answers = [500, 202]
        await deliver(local, pushed("1"))
        first, second = ours(local), ours(local, 1)
        own = first.pop("aeg-output-event-id")
        assert first == {
            "aeg-event-type": "Notification",
            "aeg-subscription-name": "PUSHES",
            "aeg-delivery-count": "0",
            "aeg-data-version": "2.0",
            "aeg-metadata-version": "1",
        }
        assert own != "1"
        assert second == {**first, "aeg-delivery-count": "1", "aeg-output-event-id": own}


async def test_a_cloud_event_has_the_version_of_its_specification_and_names_its_origin() -> None:
    async with local_grid() as local:
        await deliver(local, pushed("1"), schema=CLOUD)
        found = ours(local)
        assert found["aeg-metadata-version"] == "1.0"
        assert "aeg-data-version" not in found
        assert local.hook.received[0].headers["Origin"] == "eventgrid.azure.net"


async def test_headers_of_ones_own_are_fixed_or_taken_from_the_event_as_it_was_published() -> None:
    event = pushed("1") | {"data": {"text": "x y", "n": 5, "on": True, "none": None, "in": {"deep": 1.5}}}
    given = attributes(
        X_Fixed="one",
        X_Text=("data.text",),
        X_Number=("data.n",),
        X_Bool=("$.data.on",),
        X_Deep=("data.in.deep",),
        X_Version=("DataVersion",),
        X_None=("data.none",),
        X_Gone=("data.gone",),
        X_Object=("data.in",),
    )
    async with local_grid() as local:
        await deliver(local, event, schema=CLOUD, attributes=given)
        found = local.hook.received[0].headers
        assert {name.lower(): value for name, value in found.items() if name.lower().startswith("x-")} == {
            "x-fixed": "one",
            "x-text": "x y",
            "x-number": "5",
            "x-bool": "true",
            "x-deep": "1.5",
            "x-version": "2.0",
        }


@pytest.mark.parametrize("value", ["x" * 4097, "a\r\nb: c"])
async def test_a_value_from_an_event_that_no_header_can_be_is_left_out(value: str) -> None:
    async with local_grid() as local:
        await deliver(local, pushed("1") | {"data": value}, attributes=attributes(X_Data=("data",)))
        assert "X-Data" not in local.hook.received[0].headers


@pytest.mark.parametrize("name", ["Content-Type", "content-type"])
async def test_what_event_grid_itself_says_cannot_be_overwritten(name: str) -> None:
    async with local_grid() as local:
        await deliver(local, pushed("1"), attributes=attributes(**{name: "text/plain"}))
        assert local.hook.received[0].headers.getall("Content-Type") == ["application/json; charset=utf-8"]


@pytest.mark.parametrize("schema", ["EventGridSchema", CLOUD])
async def test_the_handshake_has_the_fixed_ones_too(schema: str) -> None:
    async with local_grid() as local:
        await deliver(local, schema=schema, attributes=attributes(Authorization="Bearer x", X_Id=("id",)))
        (asked,) = local.hook.asked
        assert asked["Authorization"] == "Bearer x"
        assert "X-Id" not in asked


async def test_a_batch_has_the_headers_that_its_events_agree_on() -> None:
    async with local_grid() as local:
        given = attributes(X_Subject=("subject",), X_Id=("id",))
        await deliver(local, pushed("1"), pushed("2"), attributes=given, batching=Batching(max_events_per_batch=2))
        headers, found = local.hook.received[0].headers, ours(local)
        assert headers["X-Subject"] == pushed("1")["subject"]
        assert "X-Id" not in headers
        assert found["aeg-data-version"] == "2.0"
        assert "aeg-output-event-id" not in found


@pytest.mark.parametrize(
    ("raw", "says"),
    [
        ([{"name": "x", "value": "1"}] * 11, "length <= 10"),
        ([{"name": "AEG-x", "value": "1"}], "matching regex"),
        ([{"name": "x y", "source": "id"}], "matching regex"),
        ([{"name": "x", "value": "é" * 2049}], "4096 bytes at most"),
        ([{"name": "x", "value": "a\tb"}], "a printable text"),
        ([{"name": "x", "type": "Static"}], "`type`"),
    ],
)
def test_headers_beyond_what_the_page_allows_are_refused(raw: list[object], says: str) -> None:
    with pytest.raises(msgspec.ValidationError, match=says):
        msgspec.convert({"topic": "t", "endpoint": "e", "attributes": raw}, Subscribe)
