"""What is being done to environments: begun by a write, one at a time for each, and asked about at two addresses."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING

from localcloud.arm.canonical import short
from localcloud.arm.errors import ArmError, environment_in_progress
from localcloud.arm.models import EnvironmentOperation
from localcloud.arm.signature import signed
from localcloud.arm.views import when

if TYPE_CHECKING:
    from random import Random

    from localcloud.arm.calls import Call
    from localcloud.arm.models import Environment, Json, Store
    from localcloud.arm.operations import Operations
    from localcloud.clock import Clock
    from localcloud.profile import Latency


class EnvironmentOperations:
    """tasks: where they run. signature: how long that of an address is."""

    def __init__(self, store: Store, clock: Clock, tasks: Operations, chance: Random, signature: int) -> None:
        self._store, self._clock, self._tasks = store, clock, tasks
        self._chance, self._signature = chance, signature
        self._known: dict[str, EnvironmentOperation] = {}

    def free(self, environment: Environment) -> None:
        """Raise ArmError 409 while something is done to it."""
        if environment.operation is not None:
            raise environment_in_progress(environment.name)

    def begin(self, call: Call, environment: Environment, latency: Latency) -> EnvironmentOperation:
        """Accept one. A deleted environment takes no app from now on, and is gone at the end."""
        operation = EnvironmentOperation(
            id=str(uuid.UUID(int=self._chance.getrandbits(128), version=4)),
            kind=call.method,
            environment=environment,
            started=self._clock.now(),
        )
        environment.operation = self._known[operation.id] = operation
        environment.provisioned = environment.provisioned and operation.kind != "DELETE"
        self._tasks.spawn(self._run(operation, latency.draw(self._chance) + call.slow))
        return operation

    def find(self, call: Call) -> EnvironmentOperation:
        """The one the path names; raises ArmError 404."""
        operation = self._known.get(call.names["operation"].lower())
        if operation is None:
            raise ArmError(404, "OperationNotFound", f"Operation '{call.names['operation']}' was not found.")
        return operation

    def reset(self) -> None:
        """Their tasks have been ended: what was being done is done, and nothing is deleted."""
        for operation in self._known.values():
            operation.environment.operation, operation.environment.provisioned = None, True
        self._known.clear()

    def statuses(self, call: Call, operation: EnvironmentOperation) -> str:
        """The address that says how far it is."""
        path = f"{_path(operation, 'Statuses')}?api-version={call.version}&azureAsyncOperation=true"
        return f"{call.base}{path}{signed(operation.id, self._signature)}"

    def results(self, call: Call, operation: EnvironmentOperation) -> str:
        """The address that has what came of it."""
        path = f"{_path(operation, 'Results')}?api-version={call.version}"
        return f"{call.base}{path}{signed(operation.id, self._signature)}"

    async def _run(self, operation: EnvironmentOperation, seconds: float) -> None:
        await self._clock.sleep(seconds)
        environment = operation.environment
        if operation.kind == "DELETE":
            self._store.environments.pop(environment.id.lower(), None)
            self._store.children.forget(environment.id)
        else:
            environment.provisioned = True
        environment.operation, operation.over = None, True


def operation_view(operation: EnvironmentOperation) -> Json:
    """Exactly these members (recorded)."""
    return {
        "id": _path(operation, "Statuses"),
        "name": operation.id,
        "status": "Succeeded" if operation.over else "InProgress",
        "startTime": when(operation.started),
    }


def _path(operation: EnvironmentOperation, kind: str) -> str:
    environment = operation.environment
    where = f"/subscriptions/{environment.subscription}/providers/Microsoft.App/locations/{short(environment.location)}"
    return f"{where}/managedEnvironmentOperation{kind}/{operation.id}"
