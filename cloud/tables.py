"""Table Storage as `delivery.ports.Rows`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cloud import entities
from cloud.storage import CONNECT_SECONDS, READ_SECONDS, RETRIES, Absent, asking
from cloud.tokens import Tokens
from delivery.errors import Conflict, Retry
from delivery.ports import Delete, Insert, Merge, Put, Replace, Row

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime
    from typing import Any

    from azure.data.tables import TableEntity
    from azure.data.tables.aio import TableClient, TableServiceClient

    from cloud.identity import Identity
    from delivery.ports import Change
    from delivery.settings import Settings

_PAGE = 1000  # the most rows the service answers at once
_NO_TABLE = "TableNotFound"


class TableRows:
    """The rows of one storage account. A table is made when something is first written to it.

    The SDK repeats a request twice when the service answers 5xx, so a save that had won may answer `Conflict`: read
    the row once to know.
    """

    def __init__(self, settings: Settings, identity: Identity) -> None:
        self._settings = settings
        self._identity = identity
        self._service: TableServiceClient | None = None
        self._clients: dict[str, TableClient] = {}

    async def close(self) -> None:
        """Close the connections; the next call opens new ones."""
        service, self._service = self._service, None
        self._clients.clear()
        if service is not None:
            await service.close()

    async def get(self, table: str, partition: str, key: str) -> Row | None:
        """One row, or None (also when there is no such table)."""
        path = f"table {table}: partition {partition}: row {key}"
        entities.check_table(table)
        entities.check_key(path, partition)
        entities.check_key(path, key)
        try:
            with asking(f"{path}: get"):
                return _row(await self._table(table).get_entity(partition, key))
        except Absent:
            return None

    async def scan(
        self,
        table: str,
        partition: str | None = None,
        *,
        first: str = "",
        last: str = "",
        changed_since: datetime | None = None,
        after: str = "",
        most: int = 0,
    ) -> list[Row]:
        """Rows with first <= key < last, in ordinal order; changed_since is inclusive. No such table: no rows."""
        path = f"table {table}: scan"
        entities.check_table(table)
        if partition is not None:
            entities.check_key(path, partition)
        query = _filter(path, partition, first, last, changed_since, after)
        page = min(most or _PAGE, _PAGE)
        found: list[Row] = []
        try:
            with asking(path):
                client = self._table(table)
                pages = (
                    client.query_entities(query, results_per_page=page)
                    if query
                    else client.list_entities(results_per_page=page)
                )
                async for entity in pages:
                    found.append(_row(entity))
                    if len(found) == most:
                        break
        except Absent:
            return []
        return found

    async def commit(self, table: str, partition: str, changes: Sequence[Change]) -> tuple[str, ...]:
        """All changes or none, as one entity group transaction.

        A deletion without ETag of a row that is gone is dropped and the others are sent again, because the service
        would fail them all.
        """
        left = entities.prepared(table, partition, changes)
        path = f"table {table}: partition {partition}: commit"
        # Each round but the last makes the table or drops at least one deletion.
        for _ in range(len(left) + 2):
            try:
                etags = await self._send(path, table, partition, left)
            except Absent as absent:
                if absent.code == _NO_TABLE:
                    await self._make(table)
                    continue
                gone = await self._gone(table, partition, left)
                if not gone:
                    raise Conflict(f"{path}: expected the row to change, found none") from None
                left = [change for change in left if change.key not in gone]
            else:
                return tuple(etags.get(change.key, "") for change in changes)
        raise Retry(f"{path}: expected table and rows to stay, found them deleted meanwhile; it is tried again")

    async def _send(self, path: str, table: str, partition: str, changes: Sequence[Change]) -> dict[str, str]:
        """ETags by key. One change goes as a plain request, at half the CPU of a batch of one."""
        with asking(path):
            client = self._table(table)
            match changes:
                case []:
                    return {}
                # Not Insert or a conditional Delete: the SDK hides the code of the one's failure and the other's 404.
                case [Put() | Replace() | Merge() | Delete(etag=None) as change]:
                    kind, entity, options = _operation(partition, change)
                    answers = [await getattr(client, f"{kind}_entity")(entity, **options)]
                case _:
                    answers = await client.submit_transaction(_operation(partition, change) for change in changes)
        return {
            change.key: str(answer.get("etag") or "") if answer else ""
            for change, answer in zip(changes, answers, strict=True)
        }

    async def _gone(self, table: str, partition: str, changes: Sequence[Change]) -> set[str]:
        """Keys of the unconditional deletions whose row is not there."""
        keys = [change.key for change in changes if isinstance(change, Delete) and change.etag is None]
        return {key for key in keys if await self.get(table, partition, key) is None}

    async def _make(self, table: str) -> None:
        with asking(f"table {table}: create"):
            self._table(table)
            if self._service is not None:
                await self._service.create_table_if_not_exists(table)

    def _table(self, name: str) -> TableClient:
        if self._service is None:
            self._service = _open(self._settings, self._identity)
        if name not in self._clients:
            self._clients[name] = self._service.get_table_client(name)
        return self._clients[name]


def _open(settings: Settings, identity: Identity) -> TableServiceClient:
    from azure.data.tables.aio import TableServiceClient  # noqa: PLC0415 - a cold start pays for it at first use only

    patience: dict[str, Any] = {
        "retry_total": RETRIES,
        "retry_backoff_factor": 0.2,
        "retry_backoff_max": 2,
        "connection_timeout": CONNECT_SECONDS,
        "read_timeout": READ_SECONDS,
    }
    if settings.storage:
        return TableServiceClient.from_connection_string(settings.storage, **patience)
    address = settings.storage_tables or f"https://{settings.storage_account}.table.core.windows.net"
    return TableServiceClient(address, credential=Tokens(identity.credential()), **patience)


def _operation(partition: str, change: Change) -> tuple[str, dict[str, Any], dict[str, Any]]:
    """The SDK's word, entity and options for one change."""
    match change:
        case Insert(key=key, columns=columns):
            return "create", entities.entity(partition, key, columns), {}
        case Put(key=key, columns=columns):
            return "upsert", entities.entity(partition, key, columns), {"mode": "replace"}
        case Replace(key=key, columns=columns, etag=etag):
            return "update", entities.entity(partition, key, columns), {"mode": "replace", **_if(etag)}
        case Merge(key=key, columns=columns, etag=etag):
            return "update", entities.entity(partition, key, columns), {"mode": "merge", **_if(etag)}
        case Delete(key=key, etag=etag):
            return "delete", entities.entity(partition, key, {}), _if(etag)


def _if(etag: str | None) -> dict[str, object]:
    from azure.core import MatchConditions  # noqa: PLC0415 - as in `_open`

    return {} if etag is None else {"etag": etag, "match_condition": MatchConditions.IfNotModified}


def _filter(path: str, partition: str | None, first: str, last: str, changed_since: datetime | None, after: str) -> str:
    wanted = (("PartitionKey eq", partition), ("PartitionKey gt", after), ("RowKey ge", first), ("RowKey lt", last))
    parts = [f"{test} {_quoted(value)}" for test, value in wanted if value]
    if changed_since is not None:
        moment = entities.check_moment(path, changed_since)
        parts.append(f"Timestamp ge datetime'{moment:%Y-%m-%dT%H:%M:%S.%fZ}'")
    return " and ".join(parts)


def _quoted(value: str) -> str:
    """An OData string; a quote inside it is doubled."""
    return "'" + value.replace("'", "''") + "'"


def _row(entity: TableEntity) -> Row:
    timestamp = entity.metadata["timestamp"]
    etag = entity.metadata["etag"]
    if timestamp is None or etag is None:
        raise TypeError("azure.data.tables answered an entity without Timestamp or ETag")
    return Row(
        partition=str(entity["PartitionKey"]),
        key=str(entity["RowKey"]),
        columns=entities.columns_of(entity),
        etag=etag,
        timestamp=entities.plain_moment(timestamp),
    )
