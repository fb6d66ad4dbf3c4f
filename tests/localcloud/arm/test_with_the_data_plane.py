"""The emulator on the real data plane: processes, ingress and counts, asked for by ARM alone."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from localcloud import samples
from tests.localcloud.arm.cloud import APP, Cloud, app_body, cloud, image, to, traffic
from tests.localcloud.monitor.test_metrics import ask, sums
from tests.localcloud.planes import Users, plane, until
from tests.localcloud.static_registry import StaticRegistry

if TYPE_CHECKING:
    from pathlib import Path


async def ready(it: Cloud, revision: str) -> None:
    await it.until(f"{APP}/revisions/{revision}", healthState="Healthy", runningState="Running", active=True)


async def more(users: Users) -> None:
    """Another fifty answers."""
    enough = users.answered + 50
    await until(lambda: users.answered >= enough)


async def test_a_rollout_by_patches_loses_no_request_and_is_counted_by_revision(tmp_path: Path) -> None:
    async with StaticRegistry() as registry:
        for tag in ("1.0.0", "1.1.0"):
            registry.add(samples.good(tag), tag)
        async with plane(tmp_path, registry) as real, cloud(real=real) as it:
            stable = await it.create()
            await ready(it, stable)
            users = Users(real.http)
            async with users.asking(clients=4):
                await more(users)
                created = {
                    "template": image("1.1.0", revisionSuffix="two"),
                    "configuration": traffic(to(stable, 100)),
                }
                await it.patch(created)
                await ready(it, "web--two")
                for weight in (10, 50, 100):
                    await it.patch({"configuration": traffic(to(stable, 100 - weight), to("web--two", weight))})
                    await more(users)
                await it.ask("POST", f"{APP}/revisions/{stable}/deactivate")
                await it.until(f"{APP}/revisions/{stable}", active=False)
                await more(users)
            counted = sums(await ask(it))

    assert users.failed == []
    assert {status for status, _ in users.seen} == {200}
    assert {revision for revision, _ in counted} == {stable, "web--two"}
    assert counted[stable, "2xx"] + counted["web--two", "2xx"] == users.answered
    assert not any(total for (_, kind), total in counted.items() if kind != "2xx")


@pytest.mark.fidelity(49)
async def test_users_of_a_label_lose_no_request_while_it_moves_to_a_revision_that_starts_slowly(tmp_path: Path) -> None:
    preview = "2025-10-02-preview"
    async with StaticRegistry() as registry:
        registry.add(samples.good("1.0.0"), "1.0.0")
        registry.add(samples.slow("1.1.0", seconds=0.5), "1.1.0")
        async with plane(tmp_path, registry) as real, cloud(real=real) as it:
            body = app_body("Labels", revisionSuffix="one")
            body["properties"]["configuration"]["targetLabel"] = "prod"
            await it.end(await it.ask("PUT", APP, body, preview))
            await ready(it, "web--one")
            users = Users(real.http, "web---prod.wb.localhost")
            async with users.asking(clients=2):
                await more(users)
                update = {"properties": {"template": image("1.1.0", revisionSuffix="two")}}
                await it.end(await it.ask("PATCH", APP, update, preview))
                await until(lambda: "1.1.0" in {version for _, version in users.seen})
                await it.until(f"{APP}/revisions/web--one", active=False)
                await more(users)

    assert users.failed == []
    assert {status for status, _ in users.seen} == {200}


async def test_a_missing_image_fails_the_operation_with_the_registrys_code(tmp_path: Path) -> None:
    async with StaticRegistry() as registry:
        registry.add(samples.good("1.0.0"), "1.0.0")
        async with plane(tmp_path, registry) as real, cloud(real=real) as it:
            await it.create()
            failed = await it.patch({"template": image("9.9.9")})

    assert failed.body["status"] == "Failed"
    assert failed.body["error"]["message"] == (
        "Failed to provision revision for container app 'web'. Error details: The following field(s) are either "
        "invalid or missing. Field 'template.containers.web.image' is invalid with details: 'Invalid value: "
        '"weighbridge.azurecr.io/shop/web:9.9.9": GET https:: MANIFEST_UNKNOWN: manifest tagged by "9.9.9" is not '
        "found; map[Tag:9.9.9]';.."
    )


async def test_app_revision_and_label_have_hosts_and_weights_of_one_revision_are_summed(tmp_path: Path) -> None:
    async with StaticRegistry() as registry:
        for tag in ("1.0.0", "1.1.0"):
            registry.add(samples.good(tag), tag)
        async with plane(tmp_path, registry) as real, cloud(real=real) as it:
            stable = await it.create()
            await ready(it, stable)
            await it.patch(
                {"template": image("1.1.0", revisionSuffix="two"), "configuration": traffic(to(stable, 100))}
            )
            await ready(it, "web--two")
            split = traffic(to(stable, 40), to("web--two", 0, label="next"), to(stable, 60, label="prod"))
            await it.patch({"configuration": split})

            async def answers(name: str) -> set[tuple[int, str]]:
                users = Users(real.http, f"{name}.wb.localhost")
                await users.ask(24)
                return set(users.seen)

            assert await answers("web") == {(200, "1.0.0")}
            assert await answers(stable) == {(200, "1.0.0")}
            assert await answers("web--two") == {(200, "1.1.0")}
            assert await answers("web---next") == {(200, "1.1.0")}
            assert await answers("web---prod") == {(200, "1.0.0")}
            assert (await it.revision(stable))["trafficWeight"] == 100
            await it.patch(
                {"configuration": traffic(to(stable, 0), to("web--two", 60), to("web--two", 40, label="prod"))}
            )
            assert await answers("web") == {(200, "1.1.0")}
            assert await answers("web---prod") == {(200, "1.1.0")}
            assert {status for status, _ in await answers("web---next")} == {404}
