"""Every operation of the SDK either works, or is refused in Azure's envelope with words that say what was asked."""

from __future__ import annotations

import asyncio
import inspect
import json
import re
import typing
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

from azure.core.async_paging import AsyncItemPaged
from azure.core.exceptions import HttpResponseError
from azure.core.pipeline import PipelineRequest, PipelineResponse
from azure.core.pipeline.policies import AsyncHTTPPolicy, SansIOHTTPPolicy
from azure.core.polling import AsyncLROPoller
from azure.mgmt.appcontainers import models
from azure.mgmt.appcontainers.aio import ContainerAppsAPIClient
from yarl import URL

from tests.localcloud.arm import judge
from tests.localcloud.arm.cloud import APP, SUBSCRIPTION, VERSION, app_body, cloud
from tests.localcloud.arm.sdk_bodies import full
from tests.localcloud.credential import Credential

# What must work, by group of operations; the rest may.
WORKS = {
    "container_apps": (
        *("begin_create_or_update", "begin_delete", "begin_start", "begin_stop", "begin_update"),
        *("get", "get_auth_token", "list_by_resource_group", "list_by_subscription", "list_secrets"),
    ),
    "container_apps_revisions": (
        *("activate_revision", "deactivate_revision", "restart_revision", "get_revision", "list_revisions"),
    ),
    "container_apps_revision_replicas": ("get_replica", "list_replicas"),
    "container_apps_auth_configs": ("create_or_update", "get", "list_by_container_app", "delete"),
    "container_apps_label_history": ("list_label_history", "delete_label_history"),
    "managed_environments": (
        *("begin_create_or_update", "begin_delete", "get", "get_auth_token", "list_workload_profile_states"),
        *("list_by_resource_group", "list_by_subscription"),
    ),
    "managed_environment_usages": ("list",),
    "managed_environments_storages": ("list", "delete"),
    "dapr_components": ("create_or_update", "get", "list", "list_secrets", "delete"),
    "http_route_config": ("list",),
    "maintenance_configurations": ("list", "delete"),
    "available_workload_profiles": ("get",),
    "client": ("get_custom_domain_verification_id",),
}
REFUSED = {HTTPStatus.BAD_REQUEST, HTTPStatus.NOT_FOUND, HTTPStatus.CONFLICT, HTTPStatus.NOT_IMPLEMENTED}


@dataclass(frozen=True)
class Heard:
    verb: str
    path: str
    status: int
    body: Any

    def named(self) -> bool:
        """Whether a refusal says what was asked: the verb, and the type with no names in it."""
        words = self.path.partition("/providers/Microsoft.App/")[2].strip("/").split("/")
        kind = "/".join(["Microsoft.App", *words[::2]])
        return re.match(rf"localcloud: {self.verb} {kind}(:| with )", self.body["error"]["message"]) is not None


class Ear(AsyncHTTPPolicy[Any, Any]):
    """Hears the client's last answer."""

    last: Heard

    async def send(self, request: PipelineRequest[Any]) -> PipelineResponse[Any, Any]:
        response = await self.next.send(request)
        got = response.http_response
        empty = got.status_code == HTTPStatus.NO_CONTENT or got.headers.get("Content-Length") == "0"
        raw = b"" if empty else await got.read()  # the client could not read nothing a second time
        path = URL(got.request.url, encoded=True).path
        self.last = Heard(got.request.method, path, got.status_code, json.loads(raw) if raw else None)
        return response


@dataclass
class Operation:
    """One method of the client. model: of its answer, "" for none. listed: it answers a list of such."""

    name: str
    call: Callable[..., Any]
    model: str
    listed: bool

    async def run(self, names: dict[str, str]) -> None:
        """Call it to the end of what it begins, or to its refusal."""
        with suppress(HttpResponseError):
            async with asyncio.timeout(5):
                got = self.call(**dict(self._arguments(names)))
                if isinstance(got, AsyncItemPaged):
                    async for _ in got:
                        pass
                elif isinstance(begun := await got, AsyncLROPoller):
                    await begun.result()

    def wrong(self, heard: Heard) -> set[str]:
        """What is not as it must be with the last answer."""
        if heard.status >= HTTPStatus.BAD_REQUEST:
            found = judge.refusal(heard.body) if heard.status in REFUSED else {str(heard.status)}
            if heard.status == HTTPStatus.NOT_IMPLEMENTED and not heard.named():
                found.add(f"names neither verb nor resource: {heard.body}")
        else:
            bodies = heard.body["value"] if self.listed else [heard.body]
            judged = [one for one in bodies if self.model and one is not None]
            found = {problem for one in judged for problem in judge.problems(self.model, one, VERSION)}
        return {f"{self.name}: {one}" for one in found}

    def _arguments(self, names: dict[str, str]) -> Iterator[tuple[str, Any]]:
        for name, parameter in inspect.signature(self.call).parameters.items():
            bodies = [m for m in typing.get_args(parameter.annotation) if hasattr(m, "_is_model")]
            if name == "container_app_envelope":
                yield name, app_body()
            elif name == "environment_envelope":
                profiles = [{"name": "Consumption", "workloadProfileType": "Consumption"}]
                yield name, {"location": "eastus", "properties": {"workloadProfiles": profiles}}
            elif bodies:
                yield name, full(bodies[0].__name__, 0)
            elif parameter.default is parameter.empty and name != "kwargs":
                yield name, names.get(name, "one")


def operations(client: ContainerAppsAPIClient) -> list[Operation]:
    """What makes comes after what asks, what deletes last."""
    groups = [(name, group) for name, group in vars(client).items() if type(group).__name__.endswith("Operations")]
    found = [
        _operation(f"{name}.{method}", call)
        for name, group in [*groups, ("client", client)]
        for method, call in inspect.getmembers(group, inspect.ismethod)
        if not method.startswith("_") and method not in {"close", "send_request"}
    ]
    return sorted(found, key=lambda one: ("delete" in one.name, "begin_" in one.name))


def _operation(name: str, call: Callable[..., Any]) -> Operation:
    """Its annotation is `Model`, `AsyncLROPoller[Model]` or `AsyncItemPaged["_models.Model"]`."""
    answer = inspect.signature(call).return_annotation
    inside = typing.get_args(answer) or (answer,)
    model = getattr(inside[0], "__forward_arg__", "") or getattr(inside[0], "__name__", "")
    model = model.rpartition(".")[2]
    return Operation(name, call, model if hasattr(models, model) else "", typing.get_origin(answer) is AsyncItemPaged)


async def test_every_operation_works_or_says_why_not() -> None:
    ear, wrong, worked = Ear(), set[str](), set[str]()
    async with cloud() as it:
        revision = await it.create()
        (replica,) = (await it.ask("GET", f"{APP}/revisions/{revision}/replicas")).body["value"]
        names = {
            "resource_group_name": "rg-local",
            "container_app_name": "web",
            "environment_name": "env-local",
            "revision_name": revision,
            "replica_name": replica["name"],
        }
        more: dict[str, Any] = {"authentication_policy": SansIOHTTPPolicy(), "per_retry_policies": [ear]}
        client = ContainerAppsAPIClient(
            Credential(), SUBSCRIPTION, base_url=it.base, polling_interval=0, retry_total=0, **more
        )
        async with client:
            for one in operations(client):
                await one.run(names)
                wrong |= one.wrong(ear.last)
                worked |= {one.name} if ear.last.status < HTTPStatus.BAD_REQUEST else set()
            assert len(operations(client)) > 150

    assert wrong == set()
    assert {f"{group}.{name}" for group, all_of in WORKS.items() for name in all_of} <= worked
