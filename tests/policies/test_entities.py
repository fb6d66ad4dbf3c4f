"""Rows as tools export them: wrapped and annotated values are what the table holds, and keys are no cells."""

from __future__ import annotations

import pytest

from policies.entities import NotRows, read_entities

KEYS = {"PartitionKey": "contoso.azurecr.io|shop|web", "RowKey": "production"}


@pytest.mark.parametrize(
    ("exported", "cell"),
    [
        ({"Keep": "1h"}, "1h"),
        ({"Keep": {"value": "5", "edm_type": "Edm.Int64"}}, 5),
        ({"Keep": {"value": "2.5", "type": "edm.double"}}, 2.5),
        ({"Keep": {"value": "5"}}, "5"),
        ({"Keep": {"other": "5"}}, {"other": "5"}),
        ({"Keep": "5", "Keep@odata.type": "Edm.Int32"}, 5),
        ({"Keep": "5", "Keep@type": "Edm.Int32"}, 5),
        ({"Keep": "TRUE", "Keep@type": "Edm.Boolean"}, True),
        ({"Keep": "false", "Keep@type": "Edm.Boolean"}, False),
        ({"Keep": "maybe", "Keep@type": "Edm.Boolean"}, "maybe"),
        ({"Keep": "five", "Keep@type": "Edm.Int32"}, "five"),
        ({"Keep": "1" * 401, "Keep@type": "Edm.Int64"}, "1" * 401),
    ],
    ids=str,
)
def test_a_cell_is_what_the_table_holds(exported, cell):
    [found] = read_entities([{**KEYS, **exported}])
    assert dict(found.columns) == {"Keep": cell}
    assert type(found.columns["Keep"]) is type(cell)


def test_keys_and_what_the_service_adds_are_no_cells():
    added = {"Timestamp": "t", "etag": "e", "odata.etag": "o", "OData.Metadata": "m", "App@odata.type": "Edm.String"}
    [found] = read_entities({"value": [{**KEYS, **added, "App": "rg/a"}]})
    assert dict(found.columns) == {"App": "rg/a"}


@pytest.mark.parametrize(
    ("written", "partition", "slashed"),
    [
        ("contoso.azurecr.io/shop/web", "contoso.azurecr.io|shop|web", True),
        ("contoso.azurecr.io|shop|web", "contoso.azurecr.io|shop|web", False),
        ("https://contoso.azurecr.io/shop", "https://contoso.azurecr.io/shop", False),
    ],
)
def test_a_slash_in_a_partition_is_read_as_a_bar_and_remembered(written, partition, slashed):
    [found] = read_entities([{**KEYS, "PartitionKey": written}])
    assert (found.partition, found.slashed) == (partition, slashed)


def test_what_are_no_rows_is_named_by_its_place():
    with pytest.raises(NotRows) as caught:
        read_entities([{"App": "a", "RowKey": "x"}, "text", {}])
    assert caught.value.problems == (
        'entity 1: expected a PartitionKey, found "App, RowKey"',
        "entity 2: expected columns with their cells, found str",
        "entity 3: expected a PartitionKey, found no columns",
        "entity 3: expected a RowKey, found no columns",
    )
