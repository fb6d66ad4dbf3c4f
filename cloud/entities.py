"""What Table Storage can hold: names, keys, columns, sizes, and the form of a column on the wire.

The limits are those of "Understanding the Table service data model", "Performing entity group transactions" and
"Scalability targets for Table storage" in the REST reference. They are checked before a request leaves, because
Azure's refusal names no column, and Azurite lets several pass or answers 500.
"""

from __future__ import annotations

import json
import re
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from delivery.errors import Refused
from delivery.ports import Delete

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from delivery.ports import Change

KEY_CHARS = 512
TEXT_CHARS = 32 * 1024
BINARY_BYTES = 64 * 1024
NAME_CHARS = 255
COLUMNS = 252
ENTITY_BYTES = 1024 * 1024
CHANGES = 100
BATCH_BYTES = 4 * 1024 * 1024

_TABLE = re.compile(r"[A-Za-z][A-Za-z0-9]{2,62}")
_KEY = re.compile(r"[^/\\#?\x00-\x1f\x7f-\x9f]+")
_NAME = re.compile(r"[^\W\d]\w*")
_RESERVED = frozenset({"PartitionKey", "RowKey", "Timestamp"})
_INT32 = range(-(2**31), 2**31)
_INT64 = range(-(2**63), 2**63)
_OLDEST = datetime(1601, 1, 1, tzinfo=UTC)
_CHANGE_OVERHEAD = 1024  # headers and boundary of one change inside a batch, generously

Value = str | bool | int | float | bytes | datetime


def _refuse(path: str, expected: str, found: str, status: int = 400) -> Refused:
    return Refused(f"{path}: expected {expected}, found {found}", status=status)


def ordinal(text: str) -> bytes:
    """Sorts as the service does: by UTF-16 code unit."""
    return text.encode("utf-16-be", "surrogatepass")


def _utf16(path: str, text: str) -> int:
    """Length in UTF-16 code units; half a surrogate pair is not text."""
    try:
        return len(text.encode("utf-16-le")) // 2
    except UnicodeEncodeError:
        raise _refuse(path, "text", "half of a surrogate pair") from None


def check_table(table: str) -> None:
    """Refuse a name no table can have."""
    if not _TABLE.fullmatch(table):
        raise _refuse(f"table {table}", "a name of 3 to 63 letters and digits that starts with a letter", repr(table))


def check_key(path: str, key: str) -> None:
    r"""Refuse a partition or row key that the service refuses (`/ \ # ?`, control characters), and an empty one."""
    if not _KEY.fullmatch(key):
        raise _refuse(path, r"a key without / \ # ? and control characters, not empty", repr(key))
    if (length := _utf16(path, key)) > KEY_CHARS:
        raise _refuse(path, f"a key of at most {KEY_CHARS} UTF-16 units", f"{length}")


def check_moment(path: str, value: datetime) -> datetime:
    """In UTC; refuse one without a zone, or older than the service can store."""
    if value.tzinfo is None:
        raise _refuse(path, "a time with its zone", "one without")
    if value < _OLDEST:
        raise _refuse(path, "a time since 1601", value.isoformat())
    return value.astimezone(UTC)


def _value(path: str, value: object) -> Value:
    """As it will be read back: a plain str, bool, int, float, bytes or UTC datetime."""
    match value:
        case str():
            if (length := _utf16(path, value)) > TEXT_CHARS:
                raise _refuse(path, f"at most {TEXT_CHARS} UTF-16 units of text", f"{length}", 413)
            return str(value)
        case bool() | float():
            return value
        case int():
            if value not in _INT64:
                raise _refuse(path, "an integer of at most 64 bits", f"one of {value.bit_length()}")
            return int(value)
        case bytes():
            if len(value) > BINARY_BYTES:
                raise _refuse(path, f"at most {BINARY_BYTES} bytes", f"{len(value)}", 413)
            return value
        case datetime():
            return check_moment(path, value)
        case _:
            raise _refuse(path, "str, bool, int, float, bytes or datetime", type(value).__name__)


def stored(path: str, columns: Mapping[str, object]) -> dict[str, Value]:
    """Columns as they will be read back: those that are None are not written."""
    kept: dict[str, Value] = {}
    for name, value in columns.items():
        if not _NAME.fullmatch(name) or len(name) > NAME_CHARS or name in _RESERVED:
            raise _refuse(f"{path}: column {name[:NAME_CHARS]}", "a name of letters, digits and _ that is free", "this")
        if value is not None:
            kept[name] = _value(f"{path}: column {name}", value)
    return kept


def _bytes(value: Value) -> int:
    match value:
        case str():
            return 4 + 2 * _utf16("", value)
        case bytes():
            return 4 + len(value)
        case bool():
            return 1
        case int():
            return 4 if value in _INT32 else 8
        case float() | datetime():
            return 8


def check_entity(path: str, partition: str, key: str, columns: Mapping[str, Value]) -> None:
    """Refuse a whole row that is too wide or too big, by the service's own arithmetic."""
    if len(columns) > COLUMNS:
        raise _refuse(path, f"at most {COLUMNS} columns", f"{len(columns)}")
    size = 4 + 2 * (len(partition) + len(key))
    size += sum(8 + 2 * len(name) + _bytes(value) for name, value in columns.items())
    if size > ENTITY_BYTES:
        raise _refuse(path, f"a row of at most {ENTITY_BYTES} bytes", f"{size}", 413)


def _payload(columns: Mapping[str, Value]) -> int:
    """Bytes of a change inside a batch: JSON in ASCII, binary in base64."""
    texts = (
        value if isinstance(value, str) else "x" * (len(value) * 4 // 3)
        for value in columns.values()
        if isinstance(value, str | bytes)
    )
    return _CHANGE_OVERHEAD + 64 * len(columns) + sum(len(json.dumps(text)) for text in texts)


def prepared(table: str, partition: str, changes: Sequence[Change]) -> list[Change]:
    """The changes with their columns as stored; refuse what the service would, naming row and column."""
    path = f"table {table}: partition {partition}"
    check_table(table)
    check_key(path, partition)
    if len(changes) > CHANGES:
        raise _refuse(path, f"at most {CHANGES} changes at once", f"{len(changes)}")
    ready: list[Change] = []
    seen: set[str] = set()
    payload = 0
    for change in changes:
        row = f"{path}: row {change.key}"
        check_key(row, change.key)
        if change.key in seen:
            raise _refuse(row, "each row once in a commit", "it twice")
        seen.add(change.key)
        if isinstance(change, Delete):
            ready.append(change)
            continue
        columns = stored(row, change.columns)
        check_entity(row, partition, change.key, columns)
        payload += _payload(columns)
        ready.append(replace(change, columns=columns))
    if len(changes) > 1 and payload > BATCH_BYTES:
        raise _refuse(path, f"changes of at most {BATCH_BYTES} bytes together", f"about {payload}", 413)
    return ready


def entity(partition: str, key: str, columns: Mapping[str, object]) -> dict[str, object]:
    """What the SDK sends. It takes a plain int for 32 bits and refuses a larger one, so that one carries its type."""
    return {
        "PartitionKey": partition,
        "RowKey": key,
        **{
            name: (value, "Edm.Int64") if type(value) is int and value not in _INT32 else value
            for name, value in columns.items()
        },
    }


def columns_of(read: Mapping[str, object]) -> dict[str, object]:
    """The columns of an entity the SDK read, in plain types; a GUID (only people write those) is its text."""
    return {name: _plain(value) for name, value in read.items() if name not in _RESERVED}


def _plain(value: object) -> object:
    match value:
        case (number, _):  # the SDK's EntityProperty, for Int64
            return number
        case datetime():
            return plain_moment(value)
        case str() | bool() | int() | float() | bytes():
            return value
        case _:
            return str(value)


def plain_moment(value: datetime) -> datetime:
    """A datetime without the SDK's subclass, which compares and pickles but is not what was written."""
    return datetime.combine(value.date(), value.time(), value.tzinfo).astimezone(UTC)
