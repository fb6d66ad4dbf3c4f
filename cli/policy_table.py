"""The `policies` table, as the person who is signed in; or by a connection string, as the local cloud has one."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from azure.core.exceptions import AzureError, ResourceExistsError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from azure.data.tables import TableServiceClient

TABLES = "WEIGHBRIDGE_TABLES"
CONNECTION = "AzureWebJobsStorage"
POLICIES = "policies"
EXPECTED = f"{TABLES}: expected the table endpoint as in https://contoso.table.core.windows.net, found none"


class TableError(Exception):
    """Why the table did not take a row, for the person who wrote it."""


def insert(partition: str, key: str, columns: Mapping[str, str]) -> None:
    """Write a row that must not be there yet. Raises `TableError`."""
    entity = {"PartitionKey": partition, "RowKey": key, **columns}
    try:
        with _service() as service:
            service.create_table_if_not_exists(POLICIES).create_entity(entity)
    except ResourceExistsError as error:
        raise TableError(f"{partition}/{key}: there is such a row already; edit that one") from error
    except AzureError as error:
        raise TableError(f"{partition}/{key}: the table did not take it ({type(error).__name__})") from error


def _service() -> TableServiceClient:
    from azure.data.tables import TableServiceClient  # noqa: PLC0415 - only for who writes

    connection, endpoint = os.environ.get(CONNECTION, ""), os.environ.get(TABLES, "")
    if endpoint:
        from azure.identity import DefaultAzureCredential  # noqa: PLC0415 - slow, and only for who signs in

        return TableServiceClient(endpoint=endpoint, credential=DefaultAzureCredential())
    if connection:
        return TableServiceClient.from_connection_string(connection)
    raise TableError(EXPECTED)


def as_az(partition: str, key: str, columns: Mapping[str, str]) -> str:
    """The `az` command that writes the row, every pair quoted: a shell takes `|` and `>` for its own."""
    pairs = {"PartitionKey": partition, "RowKey": key, **columns}
    quoted = " ".join("'" + f"{name}={value}".replace("'", "'\\''") + "'" for name, value in pairs.items())
    return f"az storage entity insert --auth-mode login --account-name ACCOUNT -t {POLICIES} --entity {quoted}"
