"""PUT, PATCH and DELETE of an app: what is refused at once, what is accepted, and what comes of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from localcloud.arm import canonical, days, labels, schema
from localcloud.arm.answered import has, of_version
from localcloud.arm.app_secrets import check_references, read_secrets
from localcloud.arm.errors import (
    OperationFailed,
    bad_request,
    environment_not_found,
    environment_not_provisioned,
    in_progress,
    invalid_content,
    invalid_field,
    locked,
)
from localcloud.arm.lifecycle import NO_IMAGE
from localcloud.arm.merge import merge_patch
from localcloud.arm.models import App, Revision
from localcloud.arm.naming import next_name
from localcloud.arm.traffic import check_revision_name, check_sum
from localcloud.dataplane.model import PullError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from random import Random

    from localcloud.arm.calls import Call
    from localcloud.arm.lifecycle import Lifecycle
    from localcloud.arm.models import Json, Operation, Plane, Store
    from localcloud.arm.operations import Operations
    from localcloud.clock import Clock
    from localcloud.profile import Latency, Profile

# An app that was made with an earlier api-version, or before it had one, keeps its inactive revisions without a limit
# (recorded: null).
_LIMITED, _INACTIVE = ("2024-02", "2023-05"), 100


class Writes:
    """Every write is judged against the app as it is, then done by an operation that no other write overlaps."""

    def __init__(
        self,
        *,
        store: Store,
        clock: Clock,
        plane: Plane,
        profile: Profile,
        operations: Operations,
        lifecycle: Lifecycle,
        chance: Random,
    ) -> None:
        self._store, self._clock, self._plane, self._profile = store, clock, plane, profile
        self._operations, self._lifecycle, self._chance = operations, lifecycle, chance

    def put(self, call: Call, app: App | None) -> tuple[App, Operation, Json]:
        """Create or replace. Answers the app, its operation and the resource as accepted."""
        name = app.name if app else call.names["app"]
        body = self._body(call, whole=True)
        secrets = read_secrets(_secrets(body) or [])
        wanted = canonical.resource(name, body, self._principal(app, name))
        if app is None:
            configuration = wanted["properties"]["configuration"]
            if has(call.version, _LIMITED) and call.day >= days.LIMIT:
                configuration["maxInactiveRevisions"] = configuration["maxInactiveRevisions"] or _INACTIVE
            app = self._new(call, wanted)
        self._check(app, wanted, secrets)
        self._store.keep(app)
        return app, self._begin(call, app, self._profile.put, lambda: self._apply(call, app, wanted, secrets)), wanted

    def patch(self, call: Call, app: App) -> Operation:
        """Merge, by RFC 7396. Secrets that are not in the body stay."""
        body = self._body(call, whole=False)
        given = _secrets(body)
        secrets = app.secrets if given is None else read_secrets(given)
        merged = schema.app(cast("Json", merge_patch(app.resource, body)))
        wanted = canonical.resource(app.name, merged, self._principal(app, app.name))
        self._check(app, wanted, secrets)
        return self._begin(call, app, self._profile.patch, lambda: self._apply(call, app, wanted, secrets))

    def delete(self, call: Call, app: App) -> Operation:
        """End its revisions and forget it."""
        return self._begin(call, app, self._profile.delete, lambda: self._remove(app))

    def free(self, app: App) -> None:
        """Raise ArmError 409 while an operation of this app runs."""
        if app.operation is not None:
            by_lock = self._store.knobs.overlap == "lock"
            raise locked(app.name) if by_lock else in_progress(app.name, app.operation.id)

    def power(self, call: Call, app: App, *, stop: bool) -> Operation:
        """Stop or start the whole app; its revisions stay as they are. What is so already changes nothing."""

        async def work() -> None:
            if app.stopped is stop:
                return
            app.stopped = stop
            await (self._lifecycle.stop(app) if stop else self._lifecycle.resume(app))

        return self._begin(call, app, self._profile.patch, work)

    @staticmethod
    def _body(call: Call, *, whole: bool) -> Json:
        """What its version knows of a request's body."""
        body = cast("Json", of_version(schema.app(_object(call.body), whole=whole), call.version))
        labels.check_mode(body, call.version)
        return body

    def _new(self, call: Call, wanted: Json) -> App:
        identifier = wanted["properties"]["environmentId"]
        environment = self._store.environments.get(identifier.lower())
        if environment is None:
            raise environment_not_found(identifier.rpartition("/")[2])
        if not environment.provisioned:
            raise environment_not_provisioned(environment.id)
        now = self._clock.now()
        return App(
            subscription=call.names["subscription"],
            group=call.names["group"],
            name=call.names["app"],
            environment=environment,
            knobs=self._store.knobs,
            resource=wanted,
            created=now,
            modified=now,
        )

    def _begin(self, call: Call, app: App, latency: Latency, work: Callable[[], Awaitable[None]]) -> Operation:
        async def fail() -> None:
            raise OperationFailed(app.name, call.fails)

        if app.revisions:
            app.modified = self._clock.now()
        seconds = latency.draw(self._chance) + call.slow
        return self._operations.begin(app, call.method, seconds, fail if call.fails else work)

    async def _apply(self, call: Call, app: App, wanted: Json, secrets: dict[str, Json]) -> None:
        """All of it, or nothing: a revision that cannot be made leaves template and traffic as they were."""
        fresh = self._fresh(call, app, wanted["properties"]["template"])
        was, app.resource = app.resource, wanted
        kept, app.secrets = app.secrets, secrets
        try:
            if fresh is not None:
                await self._launch(app, fresh)
        except OperationFailed:
            app.resource, app.secrets = was, kept
            raise
        if fresh is not None:
            app.revisions.append(fresh)
            app.latest = fresh.name
        labels.settle(app, fresh.name if fresh else "")
        self._lifecycle.follow(app)
        had, has = (r["properties"]["configuration"]["ingress"] is not None for r in (was, wanted))
        for revision in app.revisions if had != has else ():
            if revision is not fresh:
                self._lifecycle.restart(app, revision)  # a process learns at its start whether it has a port
        await self._lifecycle.route()

    def _fresh(self, call: Call, app: App, template: Json) -> Revision | None:
        """The revision that this template makes; None when it changes nothing."""
        last = app.revision(app.latest)
        suffix = template["revisionSuffix"]
        if suffix:
            taken = app.revision(f"{app.name}--{suffix}")
            if taken is not None and canonical.same(taken.template, template):
                return None
            if taken is not None:
                raise invalid_field(
                    app.name,
                    "template.revisionsuffix",
                    f'Invalid value: "{suffix}": revision with suffix {suffix} already exists.',
                )
        elif last is not None and canonical.same(last.template, template):
            return None
        now = self._clock.now()
        return Revision(
            name=next_name(app, suffix, self._chance, counted=self._counted(call)),
            template=template,
            created=now,
            since=now,
        )

    def _counted(self, call: Call) -> bool:
        knob = self._store.knobs.names
        return knob == "counted" or (knob == "dated" and call.day >= days.COUNTED)

    def _principal(self, app: App | None, name: str) -> str:
        """The one that the app has, or a new one: it is another each time it gets one (recorded in identity_system)."""
        had: str = app.resource["identity"].get("principalId", "") if app else ""
        return had or canonical.guid(f"{name} {self._clock.now().isoformat()}")

    async def _launch(self, app: App, revision: Revision) -> None:
        for container in revision.template["containers"]:
            try:
                await self._plane.resolve(container["image"])
                if container is revision.template["containers"][0]:
                    await self._lifecycle.begin(app, revision)
            except PullError as error:
                if self._store.knobs.late_pull == "on":
                    revision.failed = NO_IMAGE
                    return
                field = f"template.containers.{container['name']}.image"
                raise invalid_field(app.name, field, f'Invalid value: "{container["image"]}": {error}') from error

    async def _remove(self, app: App) -> None:
        app.deleted = True
        await self._lifecycle.stop(app)
        self._store.forget(app)

    def _check(self, app: App, wanted: Json, secrets: dict[str, Json]) -> None:
        """Raise ArmError 400 for what Azure refuses before it accepts."""
        check_template(app, wanted, secrets)
        configuration = wanted["properties"]["configuration"]
        ingress = configuration["ingress"] or {}
        labels.check(configuration)
        if ingress.get("traffic"):
            check_sum(ingress["traffic"], self._store.knobs.sum_code)
            self._check_named(app, wanted, ingress["traffic"])
        affinity = (ingress.get("stickySessions") or {}).get("affinity")
        if (
            self._store.knobs.sticky == "refused"
            and affinity == "sticky"
            and configuration["activeRevisionsMode"] != "Single"
        ):
            raise bad_request("ContainerAppInvalidStickySessions", "Sticky sessions need a single active revision.")

    def _check_named(self, app: App, wanted: Json, entries: list[Json]) -> None:
        """Traffic may name a revision that is there, active or not, or the one that the same request makes."""
        coming = f"{app.name}--{wanted['properties']['template']['revisionSuffix']}".lower()
        for entry in entries:
            named = entry.get("revisionName", "")
            found = app.revision(named) if named else None
            if named and named.lower() != coming and found is None:
                raise bad_request(
                    "ContainerAppTrafficRevisionNotFound", f"Revision '{named}' in traffic was not found."
                )
            if found and entry["weight"] and not found.active and self._store.knobs.dead_weight == "refused":
                raise bad_request(
                    "ContainerAppTrafficRevisionInactive", f"Revision '{named}' in traffic is not active."
                )


def _object(body: object) -> Json:
    if not isinstance(body, dict):
        raise invalid_content()
    return body


def _secrets(body: Json) -> list[Json] | None:
    """Secrets the body gives; None when it says nothing of them."""
    configuration = (body.get("properties") or {}).get("configuration") or {}
    return (configuration["secrets"] or []) if "secrets" in configuration else None


def check_template(app: App, wanted: Json, secrets: dict[str, Json]) -> None:
    """Raise ArmError 400 for a template without containers, a bad suffix, or references to secrets there are not."""
    template = wanted["properties"]["template"]
    if not template["containers"]:
        raise bad_request("ContainerAppContainersRequired", "At least one container must be given in the template.")
    if template["revisionSuffix"]:
        check_revision_name(app.name, f"{app.name}--{template['revisionSuffix']}")
    check_references(wanted, secrets)
