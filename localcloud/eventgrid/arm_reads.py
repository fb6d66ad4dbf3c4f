"""Event Grid as Azure Resource Manager shows it to who only looks: topics, their subscriptions, and two counts.

The registry's pushes come of a system topic, everything else of a custom topic (REST API 2025-02-15). A subscription
whose endpoint is the Functions host is shown as Azure shows one of a function: by the function's resource id.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit

from localcloud.arm.calls import Reply
from localcloud.arm.errors import not_found

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from localcloud.arm.calls import Call
    from localcloud.eventgrid.model import Subscription
    from localcloud.eventgrid.service import EventGrid

SITE = "fn-local"
_OF = "/subscriptions/{subscription}"
_GROUP = _OF + "/resourceGroups/{group}/providers/Microsoft.EventGrid"
_COUNTS = ("DeadLetteredCount", "DroppedEventCount")
_HOOK = "/runtime/webhooks/EventGrid"


class ArmReads:
    """registry: the topic of its pushes is named after it. registry_id: what that system topic is of."""

    def __init__(self, grid: EventGrid, registry: str, registry_id: str) -> None:
        self._grid = grid
        self._registry = registry
        self._registry_id = registry_id
        self._group = registry_id.partition("/providers/")[0]

    def routes(self) -> tuple[tuple[str, str, Callable[[Call], Awaitable[Reply]]], ...]:
        """Routes as `localcloud.arm.urls` has them."""
        kind = "/{kind:systemTopics|topics}"
        return (
            ("GET", f"{_OF}/providers/Microsoft.EventGrid{kind}", self.topics),
            ("GET", f"{_GROUP}{kind}/{{topic}}/eventSubscriptions", self.subscriptions),
            ("GET", f"{_GROUP}{kind}/{{topic}}/providers/Microsoft.Insights/metrics", self.metrics),
        )

    async def topics(self, call: Call) -> Reply:
        """Every topic of a kind."""
        if call.names["kind"].lower() == "systemtopics":
            of = {"source": self._registry_id, "topicType": "Microsoft.ContainerRegistry.Registries"}
            return Reply(body={"value": [self._topic("systemTopics", self._registry, of)]})
        custom = sorted(self._grid.topics - {self._registry})
        return Reply(body={"value": [self._topic("topics", name, {}) for name in custom]})

    def _topic(self, kind: str, name: str, of: dict[str, str]) -> dict[str, Any]:
        return {
            "id": f"{self._group}/providers/Microsoft.EventGrid/{kind}/{name}",
            "name": name,
            "type": f"Microsoft.EventGrid/{kind}",
            "location": "eastus",
            "properties": {"provisioningState": "Succeeded", **of},
        }

    async def subscriptions(self, call: Call) -> Reply:
        """Those of one topic."""
        topic = self._known(call)
        found = [one for one in self._grid.subscriptions.values() if one.topic == topic]
        return Reply(body={"value": [self._subscription(f"{call.path}/{one.name}", one) for one in found]})

    def _subscription(self, identifier: str, one: Subscription) -> dict[str, Any]:
        return {
            "id": identifier,
            "name": one.name,
            "type": "Microsoft.EventGrid/eventSubscriptions",
            "properties": {
                "provisioningState": str(one.state),
                "destination": self._destination(one.endpoint),
                "filter": {"includedEventTypes": list(one.types) or None},
                "eventDeliverySchema": str(one.schema),
                "deadLetterDestination": {
                    "endpointType": "StorageBlob",
                    "properties": {"blobContainerName": "dead-letter"},
                },
            },
        }

    def _destination(self, endpoint: str) -> dict[str, Any]:
        parts = urlsplit(endpoint)
        function = parse_qs(parts.query).get("functionName", [""])[0]
        if parts.path == _HOOK and function:
            site = f"{self._group}/providers/Microsoft.Web/sites/{SITE}"
            return {"endpointType": "AzureFunction", "properties": {"resourceId": f"{site}/functions/{function}"}}
        base = f"{parts.scheme}://{parts.netloc}{parts.path}"
        return {"endpointType": "WebHook", "properties": {"endpointBaseUrl": base}}

    async def metrics(self, call: Call) -> Reply:
        """How many events of the topic were given up, in one bucket; none is ever dropped here."""
        topic = self._known(call)
        ours = {one.name for one in self._grid.subscriptions.values() if one.topic == topic}
        buried = sum(one.subscription in ours for one in self._grid.dead_letters)
        counts = {_COUNTS[0]: buried, _COUNTS[1]: 0}
        values = [{"name": {"value": name}, "timeseries": [{"data": [{"total": n}]}]} for name, n in counts.items()]
        return Reply(body={"value": values})

    def _known(self, call: Call) -> str:
        name, system = call.names["topic"], call.names["kind"].lower() == "systemtopics"
        if name not in self._grid.topics or system != (name == self._registry):
            raise not_found(f"Microsoft.EventGrid/{call.names['kind']}", name, call.names["group"])
        return name
