"""Traffic: how the array is stored, and where requests really go."""

from __future__ import annotations

import itertools
from typing import Any

import pytest

from tests.localcloud.arm.cloud import APP, cloud, image, to, traffic


@pytest.mark.fidelity(24)
async def test_weights_become_numbers_and_false_members_go_and_the_order_stays() -> None:
    async with cloud() as it:
        first = await it.create()
        await it.patch({"template": image("2")})
        second = (await it.properties())["latestRevisionName"]
        await it.until(APP, latestReadyRevisionName=second)
        await it.patch(
            {
                "configuration": traffic(
                    {"weight": "50", "latestRevision": True},
                    to(first, "25", latestRevision=False, label="blue"),
                    to(second, 25, latestRevision=None, label="green"),
                )
            }
        )

        assert (await it.properties())["configuration"]["ingress"]["traffic"] == [
            {"weight": 50, "latestRevision": True},
            {"revisionName": first, "weight": 25, "label": "blue"},
            {"revisionName": second, "weight": 25, "label": "green"},
        ]
        assert (await it.revision(second))["trafficWeight"] == 75
        served = it.plane.served
        assert served["web.wb.localhost"] == ((second, 75), (first, 25))
        assert served["web---blue.wb.localhost"] == ((first, 100),)
        assert served[f"{first}.wb.localhost"] == ((first, 100),)


@pytest.mark.parametrize(
    "entries",
    [
        [{"weight": 90, "latestRevision": True}],
        [{"weight": 100}],
        [{"weight": 100, "revisionName": "beta"}],
        [{"weight": 100, "revisionName": "web--gone"}],
        [{"weight": 100, "revisionName": "web--gone", "latestRevision": True}],
        [{"weight": "many", "latestRevision": True}],
        [{"weight": 110, "latestRevision": True}, {"weight": -10, "latestRevision": True}],
        [{"weight": 50, "latestRevision": True, "label": "a"}, {"weight": 50, "latestRevision": True, "label": "A"}],
    ],
)
@pytest.mark.fidelity(20, 25)
async def test_an_array_that_cannot_be_is_refused_with_400(entries: list[dict[str, Any]]) -> None:
    async with cloud() as it:
        await it.create()
        answer = await it.ask("PATCH", APP, {"properties": {"configuration": traffic(*entries)}})

        assert answer.status == 400
        assert len(it.plane.served) == 2


@pytest.mark.fidelity(26)
async def test_traffic_may_name_the_revision_that_the_same_request_makes() -> None:
    async with cloud() as it:
        await it.create()
        await it.patch({"template": image("2", revisionSuffix="two"), "configuration": traffic(to("web--two", 100))})

        assert it.plane.served["web.wb.localhost"] == (("web--two", 100),)


async def test_a_canary_is_made_without_one_request_for_it() -> None:
    """Template and traffic of one PATCH take effect together: no configuration ever sends users to the canary."""
    async with cloud() as it:
        stable = await it.create()
        it.plane.routes.clear()
        await it.patch({"template": image("2", revisionSuffix="two"), "configuration": traffic(to(stable, 100))})

        assert it.plane.served["web--two.wb.localhost"] == (("web--two", 100),)
        assert {r["web.wb.localhost"] for r in it.plane.routes} == {((stable, 100),)}


@pytest.mark.fidelity(27, 30)
async def test_named_weights_route_whatever_the_health_and_even_to_what_is_inactive() -> None:
    async with cloud() as it:
        stable = await it.create()
        it.plane.ready = False
        await it.patch(
            {
                "template": image("2", revisionSuffix="two"),
                "configuration": traffic(to(stable, 50), to("web--two", 50)),
            }
        )
        assert it.plane.served["web.wb.localhost"] == ((stable, 50), ("web--two", 50))
        await it.ask("POST", f"{APP}/revisions/web--two/deactivate")
        await it.until(f"{APP}/revisions/web--two", active=False)

        assert it.plane.served["web.wb.localhost"] == ((stable, 50), ("web--two", 50))
        assert (await it.revision("web--two"))["trafficWeight"] == 50


async def test_an_operation_ends_only_after_its_routes_are_in_force() -> None:
    async with cloud() as it:
        stable = await it.create()
        await it.patch({"template": image("2", revisionSuffix="two")})
        done = await it.patch({"configuration": traffic(to(stable, 10), to("web--two", 90))})

        assert done.body["status"] == "Succeeded"
        assert it.plane.served["web.wb.localhost"] == ((stable, 10), ("web--two", 90))


async def test_single_mode_has_no_weights() -> None:
    async with cloud() as it:
        first = await it.create("Single")
        await it.patch({"configuration": traffic(to(first, 100))})

        assert (await it.properties())["configuration"]["ingress"]["traffic"] == [
            {"weight": 100, "latestRevision": True}
        ]


@pytest.mark.fidelity(22)
async def test_internal_apps_have_internal_hosts() -> None:
    async with cloud() as it:
        name = await it.create()
        await it.patch({"configuration": {"ingress": {"external": False}}})

        assert set(it.plane.served) == {"web.internal.wb.localhost", f"{name}.internal.wb.localhost"}
        assert (await it.properties())["configuration"]["ingress"]["fqdn"] == "web.internal.wb.localhost"


async def test_the_data_plane_is_told_only_what_changed() -> None:
    async with cloud() as it:
        await it.create()
        for _ in range(3):
            await it.arm.lifecycle.step()

        told = it.plane.routes
        assert all(one != other for one, other in itertools.pairwise(told))
