"""What a template tool does with one PUT of the whole app while weights are set by someone else (docs/iac.md)."""

from __future__ import annotations

from typing import Any

import pytest

from tests.localcloud.arm.cloud import APP, IMAGE, Cloud, app_body, cloud, image, to, traffic

OLD = IMAGE
CANARY = "weighbridge.azurecr.io/shop/web@sha256:" + "b" * 64


async def mid_rollout(it: Cloud) -> tuple[str, str]:
    """Stable at 75 %, and a canary with a suffix of its own at 25 %, ready; answers their names."""
    stable = await it.create()
    template = {"containers": [{"name": "web", "image": CANARY}], "revisionSuffix": "wb1-bbbbbb"}
    await it.patch({"template": template, "configuration": traffic(to(stable, 100))})
    canary = "web--wb1-bbbbbb"
    await it.until(f"{APP}/revisions/{canary}", healthState="Healthy")
    await it.patch({"configuration": traffic(to(stable, 75), to(canary, 25))})
    return stable, canary


async def put(it: Cloud, body: dict[str, Any]) -> dict[str, Any]:
    """PUT, and the end of its operation."""
    answer = await it.ask("PUT", APP, body)
    assert answer.status == 201, answer
    ended: dict[str, Any] = (await it.end(answer)).body
    return ended


async def revisions(it: Cloud) -> list[str]:
    return [found["name"] for found in (await it.ask("GET", f"{APP}/revisions")).body["value"]]


def weights(properties: dict[str, Any]) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = properties["configuration"]["ingress"]["traffic"]
    return found


def read_back(live: dict[str, Any], **template: Any) -> dict[str, Any]:
    """The body of the documented module: what a rollout writes is taken from the live app, all else is the file's."""
    body = app_body(image=live["template"]["containers"][0]["image"], **template)
    body["properties"]["template"].setdefault("revisionSuffix", live["template"]["revisionSuffix"])
    body["properties"]["configuration"]["ingress"]["traffic"] = weights(live)
    return body


async def test_a_put_that_omits_traffic_gives_all_of_it_to_the_latest_revision() -> None:
    async with cloud() as it:
        await mid_rollout(it)
        live = await it.properties()
        body = app_body(image=CANARY, revisionSuffix=live["template"]["revisionSuffix"])
        assert (await put(it, body))["status"] == "Succeeded"

        assert weights(await it.properties()) == [{"latestRevision": True, "weight": 100}]


async def test_such_a_put_sends_everybody_to_the_canary_although_its_template_is_the_live_one() -> None:
    async with cloud() as it:
        _, canary = await mid_rollout(it)
        await put(it, app_body(image=CANARY, revisionSuffix="wb1-bbbbbb"))
        await it.until(APP, latestReadyRevisionName=canary)
        assert (await it.revision(canary))["trafficWeight"] == 100


async def test_a_put_of_the_files_old_image_makes_a_revision_and_forgets_the_limit() -> None:
    async with cloud() as it:
        stable, canary = await mid_rollout(it)
        await put(it, app_body(image=OLD))

        [*known, made] = await revisions(it)
        assert known == [stable, canary]
        assert (await it.revision(made))["template"]["containers"][0]["image"] == OLD
        assert (await it.properties())["configuration"]["maxInactiveRevisions"] is None


async def test_a_put_that_reads_back_makes_nothing_and_moves_nothing() -> None:
    async with cloud() as it:
        both = await mid_rollout(it)
        before = await it.properties()
        for _ in range(2):
            assert (await put(it, read_back(before)))["status"] == "Succeeded"
        after = await it.properties()

        assert await revisions(it) == list(both)
        assert weights(after) == weights(before)
        assert after["template"] == before["template"]


async def test_what_only_the_configuration_says_is_changed_without_a_revision() -> None:
    async with cloud() as it:
        both = await mid_rollout(it)
        body = read_back(await it.properties())
        body["properties"]["configuration"] |= {"maxInactiveRevisions": 20}
        await put(it, body)

        assert await revisions(it) == list(both)
        assert (await it.properties())["configuration"]["maxInactiveRevisions"] == 20


async def test_a_changed_template_with_the_suffix_read_back_fails_and_changes_nothing() -> None:
    async with cloud() as it:
        both = await mid_rollout(it)
        before = await it.properties()
        ended = await put(it, read_back(before, scale={"minReplicas": 2}))

        assert ended["status"] == "Failed"
        assert "revision with suffix wb1-bbbbbb already exists" in ended["error"]["message"]
        assert await revisions(it) == list(both)
        assert weights(await it.properties()) == weights(before)


@pytest.mark.parametrize("suffix", [None, "", "2026-11"])
async def test_a_changed_template_with_another_suffix_makes_a_revision_without_traffic(suffix: str | None) -> None:
    async with cloud() as it:
        both = await mid_rollout(it)
        before = await it.properties()
        ended = await put(it, read_back(before, scale={"minReplicas": 2}, revisionSuffix=suffix))
        [*known, made] = await revisions(it)

        assert ended["status"] == "Succeeded"
        assert known == list(both)
        assert (await it.revision(made))["trafficWeight"] == 0
        assert weights(await it.properties()) == weights(before)


async def test_a_put_into_a_write_of_the_rollout_is_refused_with_409_and_has_no_effect() -> None:
    async with cloud() as it:
        stable, canary = await mid_rollout(it)
        slow = await it.slow("PATCH", {"properties": {"configuration": traffic(to(stable, 50), to(canary, 50))}})
        answer = await it.ask("PUT", APP, app_body())
        assert (answer.status, answer.body["code"]) == (409, "ContainerAppOperationInProgress")

        await it.end(slow, skip=60)
        assert [entry["weight"] for entry in weights(await it.properties())] == [50, 50]
        assert image("1.0.0")["containers"][0]["image"] == OLD
