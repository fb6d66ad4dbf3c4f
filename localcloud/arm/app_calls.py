"""Answers about apps and their operations."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from localcloud.arm import days, parts, schema, urls
from localcloud.arm.calls import Reply
from localcloud.arm.errors import ArmError, not_found
from localcloud.arm.put_answers import as_sent
from localcloud.arm.signature import signed
from localcloud.arm.views import app_view, operation_path, operation_view

if TYPE_CHECKING:
    from localcloud.arm.calls import Call
    from localcloud.arm.models import App, Json, Operation, Store
    from localcloud.arm.urls import Route
    from localcloud.arm.writes import Writes


class AppCalls:
    """PUT, PATCH, GET, DELETE of apps; listSecrets; statuses and results of operations."""

    def __init__(self, store: Store, writes: Writes, signature: int) -> None:
        self._store, self._writes, self._signature = store, writes, signature

    def routes(self) -> tuple[Route, ...]:
        """Its part of the table."""
        return (
            ("GET", urls.STATUSES, self.statuses),
            ("GET", urls.RESULTS, self.results),
            ("GET", urls.APPS_OF_SUBSCRIPTION, self.list),
            ("GET", urls.APPS_OF_GROUP, self.list),
            ("GET", urls.APP, self.get),
            ("PUT", urls.APP, self.put),
            ("PATCH", urls.APP, self.patch),
            ("DELETE", urls.APP, self.delete),
            ("POST", urls.APP + "/listSecrets", self.secrets),
            ("POST", urls.APP + "/{act:start|stop}", self.power),
        )

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
        body = app_view(app, answer_to_put=accepted)
        if call.day >= days.SENT:
            body = as_sent(body, schema.app(cast("Json", call.body)))
        headers = {
            "azure-asyncoperation": self._statuses(call, operation),
            "x-ms-async-operation-timeout": "PT15M",
        }
        return Reply(status=201, body=body, headers=headers)

    async def patch(self, call: Call) -> Reply:
        """202 without a body.

        Clients came to read the statuses address, because the results address does not tell why an operation failed.
        """
        app = self.find(call)
        self._writes.free(app)
        operation = self._writes.patch(call, app)
        headers = {"location": self._results(call, operation)}
        if call.day >= days.BOTH_ADDRESSES:
            headers["azure-asyncoperation"] = self._statuses(call, operation)
        return Reply(status=202, headers=headers)

    async def delete(self, call: Call) -> Reply:
        """202, or 204 when there is none."""
        app = self._store.app(call.names["subscription"], call.names["group"], call.names["app"])
        if app is None:
            return Reply(status=204)
        self._writes.free(app)
        operation = self._writes.delete(call, app)
        return Reply(status=202, headers={"location": self._results(call, operation)})

    async def get(self, call: Call) -> Reply:
        """The app as it is."""
        return Reply(body=app_view(self.find(call)))

    async def power(self, call: Call) -> Reply:
        """`start` and `stop`: 202, and its results end with the app (published; in no recording)."""
        app = self.find(call)
        self._writes.free(app)
        operation = self._writes.power(call, app, stop=call.names["act"].lower() == "stop")
        return Reply(status=202, headers={"location": self._results(call, operation)})

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
        return Reply(body={"value": parts.secrets(self.find(call).secrets.values(), "value")})

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
        return f"{address}&azureAsyncOperation=true{signed(operation.id, self._signature)}"

    def _results(self, call: Call, operation: Operation) -> str:
        address = f"{call.base}{operation_path(operation, 'Results')}?api-version={call.version}"
        return address + signed(operation.id, self._signature)
