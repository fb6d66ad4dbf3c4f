"""The tables of the workspace and of the Application Insights component: their columns, and where a row of one is kept.

Columns: learn.microsoft.com/azure/azure-monitor/reference/tables/{containerappconsolelogs,containerappsystemlogs,
apprequests}; those of `…_CL` are the names in Microsoft's own sample queries; those of `requests`:
learn.microsoft.com/azure/azure-monitor/app/data-model-complete. Here a workspace has both forms of each log, on Azure
the one its environment's log destination makes.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

CONSOLE, SYSTEM, REQUESTS = "ContainerAppConsoleLogs", "ContainerAppSystemLogs", "AppRequests"
_COMMON = {"TimeGenerated": "datetime", "Type": "string", "TenantId": "string", "_ResourceId": "string"}
_DUCKDB = {
    "string": "VARCHAR",
    "datetime": "TIMESTAMP",
    "real": "DOUBLE",
    "int": "INTEGER",
    "bool": "BOOLEAN",
    "dynamic": "JSON",
}


def _strings(names: str) -> dict[str, str]:
    return dict.fromkeys(names.split(), "string")


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """A table as queries see it.

    kept: the table its rows are kept in. columns: name -> type, in KQL's words. made: name -> SQL over the kept row,
    where that is not the column of the same name. component: it is in the component's scope, not in the workspace's.
    """

    name: str
    kept: str
    columns: Mapping[str, str]
    made: Mapping[str, str] = field(default_factory=dict)
    component: bool = False

    def view(self, where: str) -> str:
        """SQL of a view of its rows. where: a condition on `TimeGenerated`."""
        columns = ", ".join(f'{self.made.get(name, _quoted(name))} AS "{name}"' for name in self.columns)
        return f'CREATE OR REPLACE VIEW "{self.name}" AS SELECT {columns} FROM kept."{self.kept}" WHERE {where}'  # noqa: S608 - names of ours


KEPT: Mapping[str, Mapping[str, str]] = {
    CONSOLE: {
        **_COMMON,
        **_strings("ContainerAppName ContainerGroupId ContainerGroupName ContainerId ContainerImage ContainerName"),
        **_strings("EnvironmentName JobName Location Log OperationName RevisionName SourceSystem Stream"),
    },
    SYSTEM: {
        **_COMMON,
        "Count": "int",
        **_strings("ComponentName ComponentType ContainerAppName ContainerName EnvironmentName EventSource JobName"),
        **_strings("Location Log OperationName Reason ReplicaName RevisionName SourceSystem"),
    },
    REQUESTS: {
        **_COMMON,
        "DurationMs": "real",
        "ItemCount": "int",
        "Success": "bool",
        "Properties": "dynamic",
        "Measurements": "dynamic",
        **_strings("AppRoleInstance AppRoleName AppVersion ClientIP Id IKey Name OperationId OperationName ParentId"),
        **_strings("ResultCode SDKVersion Source SourceSystem SyntheticSource Url"),
    },
}


def _quoted(name: str) -> str:
    return f'"{name}"'


def _custom(name: str, kept: str) -> Table:
    """The older form of a log: columns with their type behind the name, and `Type` for the table's own name."""
    renamed = {f"{column}_s": column for column, kind in KEPT[kept].items() if kind == "string"}
    for column in ("TenantId", "_ResourceId", "SourceSystem", "Type"):
        renamed.pop(f"{column}_s")
    made = {new: _quoted(old) for new, old in renamed.items()}
    columns = {**_COMMON, "SourceSystem": "string", **dict.fromkeys(renamed, "string")}
    if kept == SYSTEM:
        columns |= {"Type_s": "string", "Count_d": "real", "TimeStamp_s": "string"}
        made |= {
            "Type_s": '"Type"',
            "Count_d": 'CAST("Count" AS DOUBLE)',
            "TimeStamp_s": 'CAST("TimeGenerated" AS VARCHAR)',
        }
    return Table(name=name, kept=kept, columns=columns, made={**made, "Type": f"'{name}'"})


_CLASSIC = {
    "timestamp": ("datetime", "TimeGenerated"),
    "id": ("string", "Id"),
    "source": ("string", "Source"),
    "name": ("string", "Name"),
    "url": ("string", "Url"),
    "success": ("string", ""),
    "resultCode": ("string", "ResultCode"),
    "duration": ("real", "DurationMs"),
    "itemType": ("string", ""),
    "customDimensions": ("dynamic", "Properties"),
    "customMeasurements": ("dynamic", "Measurements"),
    "operation_Name": ("string", "OperationName"),
    "operation_Id": ("string", "OperationId"),
    "operation_ParentId": ("string", "ParentId"),
    "operation_SyntheticSource": ("string", "SyntheticSource"),
    "client_IP": ("string", "ClientIP"),
    "cloud_RoleName": ("string", "AppRoleName"),
    "cloud_RoleInstance": ("string", "AppRoleInstance"),
    "application_Version": ("string", "AppVersion"),
    "iKey": ("string", "IKey"),
    "sdkVersion": ("string", "SDKVersion"),
    "itemCount": ("int", "ItemCount"),
    "_ResourceId": ("string", "_ResourceId"),
}
_CLASSIC_SQL = {
    **{name: _quoted(kept) for name, (_, kept) in _CLASSIC.items() if kept},
    "success": "CASE WHEN \"Success\" THEN 'True' ELSE 'False' END",
    "itemType": "'request'",
}
TABLES = (
    *(Table(name=name, kept=name, columns=columns) for name, columns in KEPT.items()),
    _custom("ContainerAppConsoleLogs_CL", CONSOLE),
    _custom("ContainerAppSystemLogs_CL", SYSTEM),
    Table(
        name="requests",
        kept=REQUESTS,
        columns={name: kind for name, (kind, _) in _CLASSIC.items()},
        made=_CLASSIC_SQL,
        component=True,
    ),
)


def structure(kept: str) -> str:
    """The columns of a kept table in DuckDB's words: `"TimeGenerated" TIMESTAMP, …`."""
    return ", ".join(f'"{name}" {_DUCKDB[kind]}' for name, kind in KEPT[kept].items())


def whole(kept: str, row: Mapping[str, object]) -> dict[str, object]:
    """A row with every column: a text that is not there is empty, as in Kusto, anything else is null."""
    return {name: row.get(name, "" if kind == "string" else None) for name, kind in KEPT[kept].items()}
