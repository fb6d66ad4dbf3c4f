"""Where events and dead letters may go: which resources of Azure this cloud has, by their ids."""

from __future__ import annotations

from typing import TYPE_CHECKING

from localcloud.arm.errors import bad_request
from localcloud.eventgrid.model import FUNCTION

if TYPE_CHECKING:
    from localcloud.arm.errors import ArmError
    from localcloud.eventgrid.service import EventGrid

SITE = "fn-local"


class Places:
    """group: the id of the resource group that the function app and the storage account are in."""

    def __init__(self, grid: EventGrid, group: str) -> None:
        self._grid = grid
        self._site = f"{group}/providers/Microsoft.Web/sites/{SITE}/functions/"
        self._account = grid.account.name if grid.account else ""
        self.account = f"{group}/providers/Microsoft.Storage/storageAccounts/{self._account}"

    def function(self, identifier: str) -> str:
        """The endpoint of a function by its resource id; raises ArmError 400 for one that is not here."""
        ours = identifier.lower().startswith(self._site.lower())
        name = identifier[len(self._site) :] if ours else ""
        if not name or self._grid.function(name) is None:
            raise _missing(identifier, f"{self._site}<name> of a function that runs")
        return f"{FUNCTION}{name}"

    def function_id(self, endpoint: str) -> str:
        """The resource id of such an endpoint."""
        return f"{self._site}{endpoint.removeprefix(FUNCTION)}"

    def check_account(self, identifier: str) -> None:
        """Raise ArmError 400 for a storage account that is not this cloud's."""
        if not self._account or identifier.lower() != self.account.lower():
            raise _missing(identifier, self.account if self._account else "none: there is no storage")


def _missing(identifier: str, expected: str) -> ArmError:
    """Azure has this code (Azure/bicep#11656), in an operation that failed."""
    return bad_request(
        "Endpoint validation", f"Destination endpoint not found: expected {expected}, found {identifier}"
    )
