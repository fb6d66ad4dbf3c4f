"""Every member that a request may have is kept, and answered to the api-versions that know it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.localcloud.arm.cloud import APP, Cloud, app_body, cloud
from tests.localcloud.arm.sdk_bodies import full
from tests.localcloud.arm.swagger import DEFINITIONS

NEWEST = "2026-07-01"
PICKS = range(5)  # the largest enum of an app has so many values
# What does not come back as it was sent, and why.
OTHERWISE = {
    "properties.configuration.secrets.value": "never told",
    "properties.configuration.ingress.transport": "spelled otherwise: recorded, ingress_e2e",
    "identity.type": "spelled otherwise: recorded, identity_e2e",
}
# What of an app's template its revision does not have.
NOT_OF_REVISION = {
    "scale.cooldownPeriod": "a revision does not tell how fast it scales: seen in 2026",
    "scale.pollingInterval": "the same",
    "customMetricsSettings": "the same",
    "scale.rules.http.metadata.metadata": "recorded: scale_revision_copy has only what the scaler reads",
    "scale.rules.http.auth": "the same",
    "scale.rules.http.identity": "the same",
}


def lost(sent: object, got: object, path: str = "") -> Iterator[str]:
    """Paths of members that are not answered, or answered otherwise."""
    if isinstance(sent, dict) and isinstance(got, dict):
        for name, value in sent.items():
            yield from lost(value, got.get(name, "absent"), f"{path}.{name}".lstrip("."))
    elif isinstance(sent, list) and isinstance(got, list) and len(sent) == len(got):
        for one, other in zip(sent, got, strict=True):
            yield from lost(one, other, path)
    elif sent != got:
        yield path


def leaves(body: object, path: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    if isinstance(body, dict):
        yield from (leaf for name, value in body.items() for leaf in leaves(value, (*path, name)))
    elif isinstance(body, list):
        yield from (leaf for one in body for leaf in leaves(one, path))
    else:
        yield path


async def put(it: Cloud, body: object, version: str, app: str = APP) -> dict[str, Any]:
    accepted = await it.ask("PUT", app, body, version)
    assert accepted.status == 201, accepted.body
    assert (await it.end(accepted)).body["status"] == "Succeeded"
    found: dict[str, Any] = (await it.ask("GET", app, version=version)).body
    return found


@pytest.mark.fidelity(46)
@pytest.mark.parametrize("pick", PICKS)
async def test_every_member_of_the_newest_version_is_kept(pick: int) -> None:
    async with cloud() as it:
        sent = full("ContainerApp", pick)
        got = await put(it, sent, NEWEST)
        (revision,) = (await it.ask("GET", f"{APP}/revisions")).body["value"]

        assert set(lost(sent, got)) <= OTHERWISE.keys()
        template = revision["properties"]["template"]
        assert set(lost(sent["properties"]["template"], template)) <= NOT_OF_REVISION.keys()


@pytest.mark.fidelity(46)
@pytest.mark.parametrize("version", DEFINITIONS)
async def test_what_a_version_does_not_know_is_dropped_and_not_told(version: str) -> None:
    def known(path: tuple[str, ...]) -> bool:
        return path[0] in {"tags", "location"} or DEFINITIONS[version].knows("ContainerApp", *path)

    async with cloud() as it:
        sent = full("ContainerApp", 0)
        strange = {path for path in leaves(sent) if not known(path)}
        assert strange
        to_it = await put(it, sent, version)
        await put(it, sent, NEWEST, f"{APP}2")
        read_by_it = (await it.ask("GET", f"{APP}2", version=version)).body
        _, listed = (await it.ask("GET", APP.removesuffix("/web"), version=version)).body["value"]

        for got in (to_it, read_by_it, listed):
            assert strange & {*leaves(got)} == set()
            assert {path for path in lost(sent, got) if known(tuple(path.split(".")))} <= OTHERWISE.keys()


@pytest.mark.fidelity(46)
async def test_a_patch_of_an_old_version_leaves_what_it_does_not_know() -> None:
    async with cloud() as it:
        await put(it, full("ContainerApp", 0), NEWEST)
        patched = await it.ask(
            "PATCH", APP, {"properties": {"networking": {"outboundVnetSubnetId": "b"}}}, "2024-03-01"
        )
        await it.end(patched)

        assert (await it.properties())["networking"] == {"outboundVnetSubnetId": "outboundVnetSubnetId"}


@pytest.mark.fidelity(46)
async def test_members_nobody_knows_are_dropped_at_every_depth() -> None:
    def with_strange(value: object) -> object:
        if isinstance(value, dict):
            return {name: with_strange(one) for name, one in value.items()} | {"strange": "x"}
        return [with_strange(one) for one in value] if isinstance(value, list) else value

    sent = full("ContainerApp", 0)
    strange: Any = with_strange(sent)
    strange["tags"] = sent["tags"]
    strange["identity"]["userAssignedIdentities"] = {}
    async with cloud() as it:
        got = await put(it, strange, NEWEST)

        assert {path for path in leaves(got) if "strange" in path} == {
            # names in these are anyone's own
            ("properties", "template", "scale", "rules", kind, "metadata", "strange")
            for kind in ("custom", "http", "tcp")
        }


async def test_names_are_read_in_any_case_and_answered_in_azures() -> None:
    body = app_body()
    body["properties"]["Template"] = {
        "CONTAINERS": [{"Name": "web", "Image": "x", "env": [{"NAME": "A", "value": "1"}]}]
    }
    del body["properties"]["template"]
    async with cloud() as it:
        (shown,) = (await put(it, body, NEWEST))["properties"]["template"]["containers"]

        assert (shown["name"], shown["env"]) == ("web", [{"name": "A", "value": "1"}])
