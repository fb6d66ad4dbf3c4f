"""Answers about apps and their operations."""

from __future__ import annotations

import hashlib
from datetime import timedelta
from typing import TYPE_CHECKING

from localcloud.arm.calls import Reply
from localcloud.arm.errors import ArmError, not_found
from localcloud.arm.views import app_view, operation_path, operation_view, when

if TYPE_CHECKING:
    from localcloud.arm.calls import Call
    from localcloud.arm.models import App, Operation, Store
    from localcloud.arm.writes import Writes
    from localcloud.clock import Clock

# Up to this api-version a PATCH was recorded with `location` alone. Later clients read the statuses address beside it,
# because the results address does not tell why an operation failed.
_ONLY_LOCATION = "2024-03-01"
_LEFT = "699"
_DELETES_LEFT = "14999"
_POSTS_LEFT = "199"
_TOKEN_LASTS = timedelta(hours=1)  # recorded


class AppCalls:
    """PUT, PATCH, GET, DELETE of apps; listSecrets; statuses and results of operations."""

    def __init__(self, store: Store, writes: Writes, clock: Clock, signature: int) -> None:
        self._store, self._writes, self._clock, self._signature = store, writes, clock, signature

    def find(self, call: Call) -> App:
        """The app the path names; raises ArmError 404."""
        names = call.names
        app = self._store.app(names["subscription"], names["group"], names["app"])
        if app is None:
            raise not_found("Microsoft.App/containerApps", names["app"], names["group"])
        return app

    async def put(self, call: Call) -> Reply:
        """201, always, with the resource as accepted."""
        app = self._store.app(call.names["subscription"], call.names["group"], call.names["app"])
        if app is not None:
            self._writes.free(app)
        app, operation, accepted = self._writes.put(call, app)
        headers = {
            "azure-asyncoperation": self._statuses(call, operation),
            "x-ms-async-operation-timeout": "PT15M",
            "x-ms-ratelimit-remaining-subscription-resource-requests": _LEFT,
        }
        return Reply(status=201, body=app_view(app, answer_to_put=accepted), headers=headers)

    async def patch(self, call: Call) -> Reply:
        """202 without a body."""
        app = self.find(call)
        self._writes.free(app)
        operation = self._writes.patch(call, app)
        headers = {
            "location": self._results(call, operation),
            "x-ms-ratelimit-remaining-subscription-resource-requests": _LEFT,
        }
        if call.version > _ONLY_LOCATION:
            headers["azure-asyncoperation"] = self._statuses(call, operation)
        return Reply(status=202, headers=headers)

    async def delete(self, call: Call) -> Reply:
        """202, or 204 when there is none."""
        app = self._store.app(call.names["subscription"], call.names["group"], call.names["app"])
        if app is None:
            return Reply(status=204)
        self._writes.free(app)
        operation = self._writes.delete(call, app)
        headers = {
            "location": self._results(call, operation),
            "x-ms-ratelimit-remaining-subscription-deletes": _DELETES_LEFT,
        }
        return Reply(status=202, headers=headers)

    async def get(self, call: Call) -> Reply:
        """The app as it is."""
        return Reply(body=app_view(self.find(call)))

    async def list(self, call: Call) -> Reply:
        """Apps of the subscription, or of the group the path names."""
        group = call.names.get("group", "").lower()
        subscription = call.names["subscription"].lower()
        found = [
            app_view(app)
            for app in self._store.apps()
            if app.subscription.lower() == subscription and group in ("", app.group.lower())
        ]
        return Reply(body={"value": found})

    async def secrets(self, call: Call) -> Reply:
        """With their values: the only answer that has them."""
        values = list(self.find(call).secrets.values())
        return Reply(body={"value": values}, headers={"x-ms-ratelimit-remaining-subscription-writes": _POSTS_LEFT})

    async def token(self, call: Call) -> Reply:
        """A token for the app's streams. This machine has none of those, so it opens nothing."""
        app = self.find(call)
        expires = f"{when(self._clock.now() + _TOKEN_LASTS)}Z"
        body = {
            "location": app.resource["location"],
            "properties": {"token": "localcloud", "expires": expires},
            "id": f"{app.home}/containerapps/{app.name}",
            "name": app.name,
            "type": "Microsoft.App/containerApps/accesstoken",
        }
        return Reply(body=body, headers={"x-ms-ratelimit-remaining-subscription-writes": _POSTS_LEFT})

    async def statuses(self, call: Call) -> Reply:
        """200 with its status."""
        return Reply(body=operation_view(self._operation(call)))

    async def results(self, call: Call) -> Reply:
        """202 while it runs; then 200 with the app, or 204 for a deletion.

        A failed one has no body: it is the statuses address that says why (the CLI was changed for this reason).
        """
        operation = self._operation(call)
        if operation.status == "InProgress":
            return Reply(status=202, headers={"location": self._results(call, operation)})
        if operation.kind == "DELETE" or operation.status == "Failed":
            return Reply(status=204)
        return Reply(body=app_view(operation.app))

    def _operation(self, call: Call) -> Operation:
        operation = self._store.operations.get(call.names["operation"].lower())
        if operation is None:
            raise ArmError(404, "OperationNotFound", f"Operation '{call.names['operation']}' was not found.")
        return operation

    def _statuses(self, call: Call, operation: Operation) -> str:
        address = f"{call.base}{operation_path(operation, 'Statuses')}?api-version={call.version}"
        return f"{address}&azureAsyncOperation=true{self._signed(operation)}"

    def _results(self, call: Call, operation: Operation) -> str:
        address = f"{call.base}{operation_path(operation, 'Results')}?api-version={call.version}"
        return address + self._signed(operation)

    def _signed(self, operation: Operation) -> str:
        """Looks like Azure's signature and is as long, so that cutting or rebuilding an address does not go unseen."""
        if not self._signature:
            return ""
        digest = hashlib.sha256(operation.id.encode()).hexdigest()
        certificate = (digest * (self._signature // len(digest) + 1))[: self._signature]
        return f"&t=639000000000000000&c={certificate}&s={digest}_-&h={digest[:43]}"
