"""Each switch changes what it says, and nothing is switched by a name that there is not."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from localcloud.arm import knobs
from localcloud.arm.knobs import KnobError, Knobs
from tests.localcloud.arm.cloud import APP, QUICK, app_body, cloud, image, to, traffic
from tests.localcloud.arm.fake_plane import FakeDataPlane

if TYPE_CHECKING:
    from tests.localcloud.arm.cloud import Answer, Cloud


def code(answer: Answer) -> tuple[int, Any]:
    body = answer.body or {}
    return answer.status, body.get("error", body).get("code")


async def names(it: Cloud) -> list[str]:
    return [one["name"] for one in (await it.ask("GET", f"{APP}/revisions")).body["value"]]


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ("name=random", "--knob: expected one of day, names, sum_code"),
        ("names=odd", "--knob names: expected dated|counted|random, found 'odd'"),
        ("page=", "--knob page: expected [0-9]+, found ''"),
    ],
)
def test_a_switch_there_is_not_and_a_value_it_does_not_take_are_said(given: str, said: str) -> None:
    with pytest.raises(KnobError, match=re.escape(said)):
        knobs.read([given])


def test_switches_are_read_one_by_one_and_the_others_stay() -> None:
    assert knobs.read(["names=random", "page=7"]) == replace(Knobs(), names="random", page="7")
    assert knobs.read([]) == Knobs()


@pytest.mark.fidelity(7)
@pytest.mark.parametrize(
    ("day", "version", "both"), [("2024-10-14", "2022-10-01", True), ("2024-10-13", "2026-07-01", False)]
)
async def test_a_patch_has_both_addresses_since_a_day_in_2024(day: str, version: str, both: bool) -> None:  # noqa: FBT001
    async with cloud(knobs=Knobs(day=day)) as it:
        await it.create()
        answer = await it.ask("PATCH", APP, {"properties": {"template": image("2")}}, version)
        assert ("azure-asyncoperation" in answer.headers) is both


@pytest.mark.fidelity(21)
async def test_every_automatic_suffix_is_random() -> None:
    async with cloud(knobs=Knobs(names="random")) as it:
        await it.create()
        for tag in ("2", "3"):
            await it.patch({"template": image(tag)})
        assert not any("--0000" in name for name in await names(it))


@pytest.mark.fidelity(21)
@pytest.mark.parametrize(("day", "counted"), [("2025-04-14", False), ("2025-11-04", True)])
async def test_a_suffix_is_random_or_counted_by_the_day(day: str, *, counted: bool) -> None:
    """Recorded in revision_label_e2e and kind_functionapp of 2025."""
    async with cloud(knobs=Knobs(day=day)) as it:
        await it.create()
        await it.patch({"template": image("2")})
        assert any("--0000" in name for name in await names(it)) is counted


@pytest.mark.fidelity(25)
async def test_the_code_of_a_bad_sum_is_chosen() -> None:
    async with cloud(knobs=Knobs(sum_code="TrafficWeightInvalid")) as it:
        first = await it.create()
        answer = await it.ask("PATCH", APP, {"properties": {"configuration": traffic(to(first, 99))}})
        assert code(answer) == (400, "TrafficWeightInvalid")


@pytest.mark.fidelity(27)
async def test_weight_on_what_is_inactive_is_refused_and_what_has_weight_stays_active() -> None:
    async with cloud(knobs=Knobs(dead_weight="refused")) as it:
        first = await it.create(revisionSuffix="one")
        await it.patch({"template": image("2", revisionSuffix="two"), "configuration": traffic(to(first, 100))})
        kept = await it.ask("POST", f"{APP}/revisions/{first}/deactivate")
        assert code(kept) == (400, "ContainerAppRevisionHasTraffic")
        await it.ask("POST", f"{APP}/revisions/web--two/deactivate")
        await it.until(f"{APP}/revisions/web--two", active=False)
        split = {"properties": {"configuration": traffic(to(first, 50), to("web--two", 50))}}
        assert code(await it.ask("PATCH", APP, split)) == (400, "ContainerAppTrafficRevisionInactive")


@pytest.mark.fidelity(35)
async def test_an_image_that_is_not_there_makes_a_revision_that_cannot_pull_it() -> None:
    plane = FakeDataPlane()
    async with cloud(plane=plane, knobs=Knobs(late_pull="on")) as it:
        await it.create()
        plane.missing["weighbridge.azurecr.io/shop/web:2"] = "MANIFEST_UNKNOWN"
        assert (await it.patch({"template": image("2", revisionSuffix="two")})).status == 200
        found = await it.revision("web--two")
        assert (found["provisioningState"], found["runningState"]) == ("Failed", "Failed")
        assert found["provisioningError"] == "Pending:ImagePullBackOff on legion"


@pytest.mark.fidelity(39)
async def test_revisions_come_in_pages() -> None:
    async with cloud(knobs=Knobs(page="2")) as it:
        await it.create()
        for tag in ("2", "3"):
            await it.patch({"template": image(tag)})
        first = await it.ask("GET", f"{APP}/revisions")
        second = await it.ask("GET", first.body["nextLink"])
        assert [len(page.body["value"]) for page in (first, second)] == [2, 1]
        assert "nextLink" not in second.body


@pytest.mark.fidelity(41)
async def test_an_overlapping_write_meets_the_lock() -> None:
    async with cloud(knobs=Knobs(overlap="lock")) as it:
        await it.create()
        await it.slow("PATCH", {"properties": {"template": image("2")}})
        assert code(await it.ask("PUT", APP, app_body())) == (409, "ContainerAppLockConflict")


@pytest.mark.fidelity(44)
async def test_after_eight_hundred_writes_at_once_one_waits_for_the_next_token(monkeypatch: pytest.MonkeyPatch) -> None:
    async with cloud(knobs=Knobs(writes="limited")) as it:
        await it.create()
        still = it.clock.now() + timedelta(minutes=1)
        monkeypatch.setattr(it.clock, "now", lambda: still)
        answers = [await it.ask("POST", f"{APP}/listSecrets") for _ in range(801)]
        assert [answer.status for answer in answers] == [200] * 800 + [429]
        assert answers[-1].headers["retry-after"] == "1"
        assert (await it.ask("GET", APP)).status == 200
        later = still + timedelta(milliseconds=100)
        monkeypatch.setattr(it.clock, "now", lambda: later)
        assert [(await it.ask("POST", f"{APP}/listSecrets")).status for _ in range(2)] == [200, 429]


@pytest.mark.fidelity(48)
@pytest.mark.parametrize("prune", ["1200", "never"])
async def test_inactive_revisions_over_the_limit_go_long_after_it_was_passed(prune: str) -> None:
    async with cloud(replace(QUICK, drain=0), knobs=Knobs(prune=prune)) as it:
        await it.create(revisionSuffix="r1")
        await it.patch({"configuration": {"maxInactiveRevisions": 1}})
        for n in (2, 3, 4):
            await it.patch({"template": image(str(n), revisionSuffix=f"r{n}")})
        for n in (1, 2, 3):
            await it.ask("POST", f"{APP}/revisions/web--r{n}/deactivate")
            await it.until(f"{APP}/revisions/web--r{n}", active=False)
        it.clock.advance(timedelta(seconds=900))
        await it.arm.lifecycle.step()
        assert len(await names(it)) == 4
        it.clock.advance(timedelta(seconds=400))
        await it.arm.lifecycle.step()
        assert await names(it) == (["web--r3", "web--r4"] if prune == "1200" else [f"web--r{n}" for n in (1, 2, 3, 4)])


@pytest.mark.fidelity(59)
@pytest.mark.parametrize(("value", "status"), [("kept", 201), ("refused", 400)])
async def test_sticky_sessions_beside_weights_are_kept_or_refused(value: str, status: int) -> None:
    async with cloud(knobs=Knobs(sticky=value)) as it:
        for mode, expected in (("Multiple", status), ("Single", 201)):
            body = app_body(mode)
            body["properties"]["configuration"]["ingress"]["stickySessions"] = {"affinity": "sticky"}
            assert (await it.ask("PUT", APP.replace("/web", f"/{mode.lower()}"), body)).status == expected
