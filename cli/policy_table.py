"""The `policies` table, as the person who is signed in; or by a connection string, as the local cloud has one."""

from __future__ import annotations

import os
import re
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from azure.core import MatchConditions
from azure.core.exceptions import (
    AzureError,
    ClientAuthenticationError,
    HttpResponseError,
    ResourceExistsError,
    ResourceModifiedError,
    ResourceNotFoundError,
)
from azure.data.tables import TableServiceClient, UpdateMode

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

TABLES = "WEIGHBRIDGE_TABLES"
CONNECTION = "AzureWebJobsStorage"
POLICIES = "policies"
_EXPECTED = "expected the table endpoint as in https://contoso.table.core.windows.net"
EXPECTED = f"{TABLES}: {_EXPECTED}, found none"
# Of Azure's clouds, and of accounts with a DNS zone of their own (storage-account-overview, "Standard endpoints").
_AZURE = re.compile(
    r"https://[a-z0-9-]{3,40}(?:\.z[0-9]{1,3})?\.table\."
    r"(?:core\.windows\.net|storage\.azure\.net|core\.usgovcloudapi\.net|core\.chinacloudapi\.cn)",
    re.ASCII,
)
_PATIENCE: Mapping[str, Any] = {"connection_timeout": 10, "read_timeout": 30, "retry_total": 3}
_FORBIDDEN = (401, 403)
_UNCHANGED = MatchConditions.IfNotModified


class TableError(Exception):
    """Why the table did not take or give a row, for the person who asked."""


class Edited(TableError):
    """A row is not as it was read: somebody else wrote, or took it away, meanwhile."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Stored:
    """A row as the table has it. columns: all of them, in the types they have there."""

    partition: str
    key: str
    columns: Mapping[str, object]
    etag: str


class PolicyTable:
    """The rows. Every write says in which state it expects the row to be. All raise `TableError`."""

    def __init__(self, service: TableServiceClient) -> None:
        self._service = service
        self._client = service.get_table_client(POLICIES)

    def all(self) -> list[Stored]:
        """Every row: 1 call a thousand. A table that is not there yet has none."""
        try:
            with _asking("read"):
                return [_stored(entity) for entity in self._client.list_entities()]
        except _Absent:
            return []

    def get(self, partition: str, key: str) -> Stored | None:
        """One row."""
        try:
            with _asking(f"{partition}/{key}"):
                return _stored(self._client.get_entity(partition, key))
        except _Absent:
            return None

    def insert(self, partition: str, key: str, columns: Mapping[str, str]) -> None:
        """Write a row that must not be there yet, into a table that may not be either; raises `Edited`."""
        entity = {"PartitionKey": partition, "RowKey": key, **columns}
        with _asking(f"{partition}/{key}"):
            try:
                self._client.create_entity(entity)
            except ResourceNotFoundError:
                self._service.create_table_if_not_exists(POLICIES)
                self._client.create_entity(entity)

    def replace(self, row: Stored, columns: Mapping[str, object]) -> None:
        """Write these columns in place of all of the row's; raises `Edited`."""
        entity = {"PartitionKey": row.partition, "RowKey": row.key, **columns}
        with _asking(f"{row.partition}/{row.key}"):
            self._client.update_entity(entity, mode=UpdateMode.REPLACE, etag=row.etag, match_condition=_UNCHANGED)

    def delete(self, row: Stored) -> None:
        """Take the row away; raises `Edited`."""
        with _asking(f"{row.partition}/{row.key}"):
            self._client.delete_entity(row.partition, row.key, etag=row.etag, match_condition=_UNCHANGED)


@contextmanager
def opened(endpoint: str = "") -> Iterator[PolicyTable]:
    """The table of an endpoint, else of the environment's. Raises `TableError`."""
    with _service(endpoint) as service:
        yield PolicyTable(service)


def insert(partition: str, key: str, columns: Mapping[str, str]) -> None:
    """Write a row that must not be there yet. Raises `TableError`."""
    with opened() as table:
        table.insert(partition, key, columns)


class _Absent(Edited):
    """There is no such row, or no such table."""


@contextmanager
def _asking(what: str) -> Iterator[None]:
    """The SDK's errors as ours; its texts hold response bodies, and stay behind."""
    where = f"table {POLICIES}: {what}"
    try:
        yield
    except ResourceExistsError:
        raise Edited(f"{where}: there is such a row already; edit that one") from None
    except ResourceNotFoundError:
        raise _Absent(f"{where}: it is not there any more") from None
    except ResourceModifiedError:
        raise Edited(f"{where}: it was edited meanwhile") from None
    except ClientAuthenticationError as error:
        status = f"{error.status_code}: " if error.status_code else ""
        raise TableError(f"{where}: {status}nobody is signed in who may ask; sign in with az login") from None
    except HttpResponseError as error:
        role = "; grant yourself Storage Table Data Contributor on the account" if _forbids(error) else ""
        raise TableError(f"{where}: expected success, found {error.status_code}{role}") from None
    except AzureError as error:
        raise TableError(f"{where}: expected an answer, found {type(error).__name__}") from None


def _forbids(error: HttpResponseError) -> bool:
    return error.status_code in _FORBIDDEN


def _service(endpoint: str) -> TableServiceClient:
    connection, address = os.environ.get(CONNECTION, ""), endpoint or os.environ.get(TABLES, "")
    try:
        if address:
            if _AZURE.fullmatch(address.rstrip("/")) is None:
                raise TableError(f"{TABLES}: {_EXPECTED}, found another; a sign-in is shown to no other host")
            from azure.identity import DefaultAzureCredential  # noqa: PLC0415 - slow, and only for who signs in

            return TableServiceClient(endpoint=address, credential=DefaultAzureCredential(), **_PATIENCE)
        if connection:
            return TableServiceClient.from_connection_string(connection, **_PATIENCE)
    except ValueError:
        raise TableError(f"{TABLES if address else CONNECTION}: expected an account's tables, found another") from None
    raise TableError(EXPECTED)


def _stored(entity: Mapping[str, Any]) -> Stored:
    metadata = getattr(entity, "metadata", {})
    return Stored(
        partition=str(entity["PartitionKey"]),
        key=str(entity["RowKey"]),
        columns={name: _plain(value) for name, value in entity.items() if name not in ("PartitionKey", "RowKey")},
        etag=str(metadata.get("etag") or ""),
    )


def _plain(value: object) -> object:
    """A value of the SDK's: what is wider than 32 bits carries its type beside it."""
    return value[0] if isinstance(value, tuple) else value


def as_az(partition: str, key: str, columns: Mapping[str, str]) -> str:
    """The `az` command that writes a row which is not there yet."""
    return f"{_AZ} insert --if-exists fail {_WHERE} --entity {_pairs(partition, key, columns)}"


def replace_as_az(row: Stored, columns: Mapping[str, object]) -> str:
    """The `az` command that writes the row in place of what it was, if it still is that."""
    pairs = _pairs(row.partition, row.key, {name: str(value) for name, value in columns.items()})
    return f"{_AZ} replace --if-match {_quoted(row.etag)} {_WHERE} --entity {pairs}"


def delete_as_az(row: Stored) -> str:
    """The `az` command that takes the row away, if it still is as it was."""
    keys = f"--partition-key {_quoted(row.partition)} --row-key {_quoted(row.key)}"
    return f"{_AZ} delete --if-match {_quoted(row.etag)} {_WHERE} {keys}"


_AZ, _WHERE = "az storage entity", f"--auth-mode login --account-name ACCOUNT -t {POLICIES}"


def _pairs(partition: str, key: str, columns: Mapping[str, str]) -> str:
    """Every pair quoted, for a shell takes `|` and `>` for its own; az would make a number of what looks like one."""
    types = {f"{name}@odata.type": "Edm.String" for name, value in columns.items() if _is_number(value)}
    pairs = {"PartitionKey": partition, "RowKey": key, **columns, **types}
    return " ".join(_quoted(f"{name}={value}") for name, value in pairs.items())


def _is_number(value: str) -> bool:
    try:
        float(value)
    except ValueError:
        return False
    return True


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "'\\''") + "'"
