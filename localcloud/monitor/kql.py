"""KQL over the kept rows: translated by duckdb-kql, run by DuckDB, answered as the query API of Log Analytics answers.

duckdb-kql refuses what it does not know rather than guess; what it would take and Azure would not (names in the wrong
case) is refused here. One query runs at a time, in a thread of its own.
"""

from __future__ import annotations

import json
import math
import re
import threading
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from localcloud.monitor import tables
from localcloud.monitor.log_errors import semantic, syntax, unsupported

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from localcloud.arm.models import Json
    from localcloud.monitor.log_errors import LogsError

_NAME = re.compile(r'(AS )?"((?:[^"]|"")+)"')
_MISSING_COLUMN = re.compile(r'Referenced column "([^"]+)"')
_MISSING_TABLE = re.compile(r"Table with name ([\w.]+) does not exist")
_TOKEN = re.compile(r"(?:input|at) '([^']*)'")
_TYPES = {
    "VARCHAR": "string",
    "DOUBLE": "real",
    "FLOAT": "real",
    "BIGINT": "long",
    "HUGEINT": "long",
    "INTEGER": "int",
    "BOOLEAN": "bool",
    "TIMESTAMP": "datetime",
    "TIMESTAMP WITH TIME ZONE": "datetime",
    "INTERVAL": "timespan",
    "JSON": "dynamic",
    "UUID": "guid",
}
# duckdb-kql has no weighted percentile: each value counts as often as its weight says, by nearest rank as `percentile`.
_WEIGHTED = (
    "list_aggregate(flatten(list(list_resize([{0}], CAST({1} AS BIGINT), {0}))"
    " FILTER (WHERE {0} IS NOT NULL AND {1} > 0)), 'quantile_disc', {2} / 100.0)"
)


class Engine:
    """Rows in memory, and queries over them."""

    def __init__(self) -> None:
        import duckdb_kql  # noqa: PLC0415 - half a second that only a query needs
        from duckdb_kql.translate.functions import AGGREGATE_FUNCTIONS, AggregateSpec  # noqa: PLC0415 - same

        AGGREGATE_FUNCTIONS.setdefault("percentilew", AggregateSpec("percentilew", _WEIGHTED, (3,)))
        self._kql = duckdb_kql
        self._con = duckdb_kql.connect()
        self._lock = threading.Lock()
        self._con.execute("SET enable_external_access = false")
        self._con.execute("CREATE SCHEMA kept")
        for name in tables.KEPT:
            self._con.execute(f'CREATE TABLE kept."{name}" ({tables.structure(name)})')

    def keep(self, table: str, rows: Sequence[Mapping[str, object]]) -> None:
        """Add rows. A `TimeGenerated` is in UTC."""
        whole = [tables.whole(table, {**row, "TimeGenerated": _naive(row["TimeGenerated"])}) for row in rows]
        insert = f'INSERT INTO kept."{table}" SELECT unnest(?::STRUCT({tables.structure(table)})[], recursive := true)'
        with self._lock:
            self._con.execute(insert, [whole])

    def forget(self, before: datetime) -> None:
        """Drop rows of before."""
        with self._lock:
            for name in tables.KEPT:
                old = f'DELETE FROM kept."{name}" WHERE "TimeGenerated" < ?'  # noqa: S608 - a name of ours
                self._con.execute(old, [_naive(before)])

    def query(
        self, kql: str, since: datetime | None, until: datetime | None, now: datetime, *, component: bool
    ) -> Json:
        """One table of an answer, over the rows of [since, until); None: without an end.

        Raises:
            LogsError: 400.
        """
        known = {table.name: list(table.columns) for table in tables.TABLES if table.component is component}
        with self._lock:
            self._see(since, until, component=component)
            try:
                sql = self._kql.to_sql(kql, schema=known, allow_write=False, query_now=now)
                _check_case(sql, known)
                found = self._con.execute(str(sql), dict(sql.parameters) or None)
                columns = [(str(column[0]), _type(str(column[1]))) for column in found.description or ()]
                rows = found.fetchall()
            except self._errors() as error:
                raise self._refusal(kql, error) from error
        return {
            "name": "PrimaryResult",
            "columns": [{"name": name, "type": kind} for name, kind in columns],
            "rows": [[_cell(cell) for cell in row] for row in rows],
        }

    def _see(self, since: datetime | None, until: datetime | None, *, component: bool) -> None:
        """Let the tables of one scope be there, with the rows of a time."""
        ends = [f"\"TimeGenerated\" {op} TIMESTAMP '{_naive(at)}'" for op, at in ((">=", since), ("<", until)) if at]
        for table in tables.TABLES:
            shown = table.component is component
            self._con.execute(
                table.view(" AND ".join(ends) or "TRUE") if shown else f'DROP VIEW IF EXISTS "{table.name}"'
            )

    def _errors(self) -> tuple[type[Exception], ...]:
        import duckdb  # noqa: PLC0415 - with duckdb_kql

        return (self._kql.KqlError, duckdb.Error)

    def _refusal(self, kql: str, error: Exception) -> LogsError:
        if isinstance(error, self._kql.KqlSyntaxError):
            first = error.diagnostics[0] if error.diagnostics else None
            token = _TOKEN.search(str(error))
            line, column = (first.span.line, first.span.column) if first else (1, 0)
            return syntax(token[1] if token else "", line, column)
        if isinstance(error, self._kql.KqlUnsupportedError):
            return unsupported(error.construct)
        for pattern, what in ((_MISSING_TABLE, "table or column"), (_MISSING_COLUMN, "scalar")):
            missing = pattern.search(str(error))
            if missing is not None:
                return _unresolved(kql, what, missing[1])
        return semantic(str(error).splitlines()[0])


def _unresolved(kql: str, what: str, name: str) -> LogsError:
    """The text names the operator: for a table the first of the query, for a column the first that uses it."""
    steps = kql.split("|")[1:] or [kql]
    using = next((step for step in steps if what == "scalar" and re.search(rf"\b{re.escape(name)}\b", step)), steps[0])
    operator = re.match(r"\s*([\w-]+)", using)
    said = f"'{operator[1]}' operator: " if operator else ""
    return semantic(f"{said}Failed to resolve {what} expression named '{name}'")


def _check_case(sql: str, known: Mapping[str, Iterable[str]]) -> None:
    """KQL tells names apart by case, DuckDB does not."""
    exact = {*known, *(column for columns in known.values() for column in columns)}
    folded = {name.lower() for name in exact}
    made = {name for alias, name in _NAME.findall(sql) if alias}
    for alias, name in _NAME.findall(sql):
        if not alias and name.lower() in folded and name not in exact and name not in made:
            raise semantic(f"Failed to resolve scalar expression named '{name}'")


def _naive(at: object) -> datetime:
    if not isinstance(at, datetime):
        raise TypeError(f"TimeGenerated: expected a time, found {type(at).__name__}")
    return at.astimezone(UTC).replace(tzinfo=None)


def _type(name: str) -> str:
    return "decimal" if name.startswith("DECIMAL") else _TYPES.get(name, "dynamic")


def _cell(cell: Any) -> Any:  # noqa: ANN401 - a cell of any type
    """As the API writes it: what JSON cannot say is a text."""
    match cell:
        case float() if not math.isfinite(cell):
            return "NaN" if math.isnan(cell) else ("Infinity" if cell > 0 else "-Infinity")
        case datetime():
            return f"{cell:%Y-%m-%dT%H:%M:%S.%f}Z"
        case timedelta():
            return _timespan(cell)
        case Decimal():
            return str(cell)
        case list() | dict():
            return json.dumps(cell, default=str)
        case None | bool() | int() | float() | str():
            return cell
        case _:
            return str(cell)


def _timespan(length: timedelta) -> str:
    """`[-][d.]hh:mm:ss[.ffffff]`."""
    sign, length = ("-", -length) if length < timedelta() else ("", length)
    minutes, seconds = divmod(length.seconds, 60)
    days = f"{length.days}." if length.days else ""
    fraction = f".{length.microseconds:06d}" if length.microseconds else ""
    return f"{sign}{days}{minutes // 60:02d}:{minutes % 60:02d}:{seconds:02d}{fraction}"
