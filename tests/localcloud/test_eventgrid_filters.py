"""A subscription gets the events its filters name, as many times and for as long as its policy says."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from localcloud.eventgrid.filters import Filter
from localcloud.eventgrid.model import Schema, Subscription
from localcloud.eventgrid.schedule import RetryPolicy
from tests.localcloud.test_eventgrid import local_grid, pushed

EVENT = pushed("1") | {"data": {"n": 5, "on": True, "text": "Hello", "none": None, "many": [1, 9], "in": {"deep": "x"}}}


def one(operator: str, key: str, given: object = None, **more: object) -> Filter:
    name = "values" if isinstance(given, list) else "value"
    condition = {"operatorType": operator, "key": key} | ({} if given is None else {name: given})
    return msgspec.convert({"advancedFilters": [condition], **more}, Filter)


@pytest.mark.parametrize(
    ("operator", "key", "yes", "no"),
    [
        ("NumberIn", "data.n", [4, 5], [4]),
        ("NumberNotIn", "data.n", [4], [4, 5]),
        ("NumberLessThan", "data.n", 6, 5),
        ("NumberGreaterThan", "data.n", 4, 5),
        ("NumberLessThanOrEquals", "data.n", 5, 4.9),
        ("NumberGreaterThanOrEquals", "data.n", 5, 5.1),
        ("NumberInRange", "data.n", [[0, 1], [5, 6]], [[0, 1], [6, 7]]),
        ("NumberNotInRange", "data.n", [[0, 1], [6, 7]], [[0, 1], [5, 6]]),
        ("BoolEquals", "data.on", True, False),
        ("StringContains", "data.text", ["x", "ELL"], ["x"]),
        ("StringNotContains", "data.text", ["x"], ["x", "ELL"]),
        ("StringBeginsWith", "data.text", ["x", "he"], ["ello"]),
        ("StringNotBeginsWith", "data.text", ["ello"], ["x", "he"]),
        ("StringEndsWith", "Subject", ["x", ":1.0.0"], ["shop"]),
        ("StringNotEndsWith", "Subject", ["shop"], ["x", ":1.0.0"]),
        ("StringIn", "data.in.deep", ["y", "X"], ["y"]),
        ("StringNotIn", "data.in.deep", ["y"], ["y", "X"]),
    ],
)
def test_each_operator_passes_what_it_names_and_nothing_else(operator: str, key: str, yes: Any, no: Any) -> None:
    assert one(operator, key, yes).wants(EVENT)
    assert not one(operator, key, no).wants(EVENT)


@pytest.mark.parametrize(("key", "null"), [("data.none", True), ("data.gone", True), ("data.n", False)])
def test_a_field_that_is_null_is_as_one_that_is_not_there(key: str, *, null: bool) -> None:
    assert one("IsNullOrUndefined", key).wants(EVENT) is null
    assert one("IsNotNull", key).wants(EVENT) is not null


@pytest.mark.parametrize(
    ("operator", "given", "passes"),
    [
        ("NumberGreaterThan", 1, False),
        ("NumberGreaterThanOrEquals", 1, False),
        ("NumberLessThan", 1, False),
        ("NumberLessThanOrEquals", 1, False),
        ("NumberIn", [1], False),
        ("NumberInRange", [[1, 2]], False),
        ("BoolEquals", True, False),
        ("StringContains", ["x"], False),
        ("StringNotContains", ["x"], False),
        ("StringBeginsWith", ["x"], False),
        ("StringNotBeginsWith", ["x"], False),
        ("StringEndsWith", ["x"], False),
        ("StringNotEndsWith", ["x"], False),
        ("StringIn", ["x"], False),
        ("NumberNotIn", [1], True),
        ("NumberNotInRange", [[1, 2]], True),
        ("StringNotIn", ["x"], True),
    ],
)
@pytest.mark.parametrize("key", ["data.gone", "data.none", "gone.deeper", "data.n.deeper"])
def test_an_event_without_the_field_passes_what_the_page_says_it_does(
    operator: str, key: str, given: Any, *, passes: bool
) -> None:
    assert one(operator, key, given).wants(EVENT) is passes


@pytest.mark.parametrize(
    ("operator", "yes", "no"),
    [
        ("NumberIn", [9, 7], [7]),
        ("NumberNotIn", [7], [9, 7]),
        ("NumberLessThan", 2, 1),
        ("NumberGreaterThan", 8, 9),
        ("NumberLessThanOrEquals", 1, 0.5),
        ("NumberGreaterThanOrEquals", 9, 9.5),
        ("NumberInRange", [[8, 10]], [[2, 8]]),
        ("NumberNotInRange", [[2, 8]], [[8, 10]]),
        ("BoolEquals", True, False),
        ("StringContains", ["ABL"], ["x"]),
        ("StringNotContains", ["x"], ["abl"]),
        ("StringBeginsWith", ["Ta"], ["le"]),
        ("StringNotBeginsWith", ["le"], ["ta"]),
        ("StringEndsWith", ["LE"], ["ta"]),
        ("StringNotEndsWith", ["ta"], ["le"]),
        ("StringIn", ["x", "Table"], ["tab"]),
        ("StringNotIn", ["tab"], ["x", "table"]),
    ],
)
def test_one_of_an_arrays_values_is_enough_and_those_of_another_kind_are_ignored(
    operator: str, yes: Any, no: Any
) -> None:
    event = EVENT | {"data": {"all": [1, 9, True, "table", None, {"n": 3}]}}
    assert one(operator, "data.all", yes, enableAdvancedFilteringOnArrays=True).wants(event)
    assert not one(operator, "data.all", no, enableAdvancedFilteringOnArrays=True).wants(event)
    assert not one(operator, "data.all", yes).wants(event)


def test_an_array_is_looked_into_only_where_that_is_on() -> None:
    assert not one("NumberIn", "data.many", [9]).wants(EVENT)
    assert one("NumberIn", "data.many", [9], enableAdvancedFilteringOnArrays=True).wants(EVENT)


def test_a_value_of_another_kind_is_no_match() -> None:
    assert not one("NumberIn", "data.on", [1]).wants(EVENT)
    assert not one("StringIn", "data.n", ["5"]).wants(EVENT)


def test_a_cloud_event_is_found_by_the_names_of_the_page() -> None:
    event = {"specversion": "1.0", "id": "7", "type": "scan", "source": "/here"}
    assert one("StringIn", "eventtype", ["scan"]).wants(event)
    assert one("StringIn", "eventid", ["7"]).wants(event)


def test_an_attribute_of_ones_own_is_a_field_of_a_cloud_event() -> None:
    event = {"specversion": "1.0", "id": "7", "type": "scan", "source": "/here", "comexampleextension1": "value"}
    assert one("StringBeginsWith", "comexampleextension1", ["val"]).wants(event)


@pytest.mark.parametrize("types", [(), ("All",), ("other", pushed("1")["eventType"])])
def test_a_subscription_to_all_types_says_none_or_all(types: tuple[str, ...]) -> None:
    def wants(types: tuple[str, ...]) -> bool:
        kind = str(EVENT["eventType"])
        subscription = Subscription(name="s", topic="t", endpoint="", types=types, schema=Schema.EVENT_GRID)
        return subscription.wants(kind, EVENT)

    assert wants(types)
    assert not wants(("other",))


@pytest.mark.parametrize(
    ("given", "wanted"),
    [
        ({"subjectBeginsWith": "SHOP/"}, True),
        ({"subjectEndsWith": ":1.0.0"}, True),
        ({"subjectBeginsWith": "SHOP/", "isSubjectCaseSensitive": True}, False),
        ({"subjectBeginsWith": "shop/", "subjectEndsWith": ":2"}, False),
    ],
)
def test_a_subject_is_compared_without_case_unless_told(given: dict[str, object], *, wanted: bool) -> None:
    assert msgspec.convert(given, Filter).wants(EVENT) is wanted


NULL = {"operatorType": "IsNotNull", "key": "data.n"}


@pytest.mark.parametrize(
    ("filters", "says"),
    [
        ([NULL] * 26, "expected 25 at most, found 26"),
        ([{"operatorType": "NumberIn", "key": "data.n", "values": list(range(13))}] * 2, "25 values at most"),
        ([{"operatorType": "StringIn", "key": "data.n", "values": ["x" * 513]}], "expected 512 characters"),
        ([{"operatorType": "NumberInRange", "key": "data.n", "values": [[1]]}], "a value of its kind, found list"),
        ([{"operatorType": "BoolEquals", "key": "data.n"}], "expected a value to compare with"),
        ([{"operatorType": "Like", "key": "data.n"}], "found 'Like'"),
    ],
)
def test_a_filter_beyond_the_documented_limits_is_refused(filters: list[object], says: str) -> None:
    with pytest.raises(msgspec.ValidationError, match=says):
        msgspec.convert({"advancedFilters": filters}, Filter)


@pytest.mark.parametrize("name", ["maxDeliveryAttempts", "eventTimeToLiveInMinutes"])
@pytest.mark.parametrize("given", [0, 1441])
def test_a_policy_beyond_the_documented_limits_is_refused(name: str, given: int) -> None:
    with pytest.raises(msgspec.ValidationError, match=name):
        msgspec.convert({name: given}, RetryPolicy)


async def test_only_what_passes_is_delivered_and_only_as_often_as_the_policy_allows() -> None:
    async with local_grid() as local:
        local.hook.answers = [500]
        where, retry = one("NumberIn", "data.n", [5]), RetryPolicy(max_delivery_attempts=2)
        local.grid.subscribe("some", "weighbridge", endpoint=local.hook.url, where=where, retry=retry)
        await local.grid.publish("weighbridge", pushed("other"))
        await local.grid.publish("weighbridge", EVENT)
        await local.grid.settle(10)
        assert [(one.event_id, one.attempt) for one in local.grid.deliveries] == [("1", 1), ("1", 2)]
        assert local.grid.dead_letters[0].reason == "MaxDeliveryAttemptsExceeded"
