"""`httpRouteConfigs`: as recorded, refused where they cannot be, and served: by path to apps, revisions and labels."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import aiohttp
import pytest

from localcloud import samples
from localcloud.arm.knobs import Knobs
from localcloud.dataplane.paths import Match, Paths, Rule
from tests.localcloud.arm.cloud import APP, ENVIRONMENT, Cloud, app_body, cloud, image, to, traffic
from tests.localcloud.arm.conversation import replay
from tests.localcloud.arm.recordings import SUBSCRIPTION, recording
from tests.localcloud.planes import Users, plane, ready, until
from tests.localcloud.static_registry import StaticRegistry

if TYPE_CHECKING:
    from pathlib import Path

    from tests.localcloud.arm.cloud import Answer

ROUTE = f"{ENVIRONMENT}/httpRouteConfigs/shop"
HOST = "shop.wb.localhost"
OTHER = APP.replace("/web", "/api")
GROUP = f"/subscriptions/{SUBSCRIPTION}/resourceGroups"


def rule(match: dict[str, Any], *targets: dict[str, Any], rewrite: str = "") -> dict[str, Any]:
    action = {"action": {"prefixRewrite": rewrite}} if rewrite else {}
    return {"routes": [{"match": match, **action}], "targets": list(targets)}


def body(*rules: dict[str, Any]) -> dict[str, Any]:
    return {"properties": {"rules": list(rules)}}


WEB = {"containerApp": "web"}


async def put(it: Cloud, *rules: dict[str, Any], version: str = "2025-07-01") -> Answer:
    return await it.ask("PUT", ROUTE, body(*rules), version)


@pytest.mark.fidelity(50)
async def test_the_recorded_conversation_goes_the_same_way() -> None:
    async with replay() as conversation:
        group, name, domain = "clitest.rg000001", "aca-http-route-config-env000004", "lemoncoast-1365fab0.eastus"
        await conversation.arm.create_environment(SUBSCRIPTION, group, name, f"{domain}.azurecontainerapps.io")
        made = app_body()
        made["properties"]["environmentId"] = f"{GROUP}/{group}/providers/Microsoft.App/managedEnvironments/{name}"
        for name in ("routed1000002", "routed2000003"):
            url = f"{conversation.base}{GROUP}/any/providers/Microsoft.App/containerApps/{name}?api-version=2025-07-01"
            async with conversation.http.put(url, json=made) as answer:
                assert answer.status == 201
        await conversation.play(recording("env_http_route_config"))

        assert not conversation.found


async def test_one_that_is_gone_is_404_and_deleting_it_again_204() -> None:
    async with cloud() as it:
        await it.create()
        await put(it, rule({"prefix": "/"}, WEB))
        assert (await it.ask("DELETE", ROUTE)).status == 204
        assert (await it.ask("DELETE", ROUTE)).status == 204
        gone = await it.ask("GET", ROUTE)
        changed = await it.ask("PATCH", ROUTE, body())

        assert (gone.status, gone.body["error"]["code"]) == (404, "HttpRouteConfigNotFound")
        assert (changed.status, HOST in it.plane.served) == (404, False)
        assert (await it.ask("GET", f"{ENVIRONMENT}/httpRouteConfigs")).body == {"value": []}


async def test_an_answer_can_be_put_back_with_what_only_the_service_says() -> None:
    async with cloud() as it:
        await it.create()
        made = await put(it, rule({"prefix": "/"}, WEB))
        again = await it.ask("PUT", ROUTE, made.body, "2025-07-01")

        assert (again.status, again.body) == (200, made.body)


async def test_an_environment_that_is_not_there_is_named_and_one_that_goes_takes_its_routes() -> None:
    async with cloud() as it:
        elsewhere = ROUTE.replace("env-local", "env-none")
        missing = await it.ask("PUT", elsewhere, body())
        await it.ask("PUT", ROUTE, body())
        served = HOST in it.plane.served
        await it.end(await it.ask("DELETE", ENVIRONMENT))
        await it.arm.lifecycle.route()

        assert (missing.status, missing.body["error"]["code"]) == (404, "ParentResourceNotFound")
        assert "env-none" in missing.body["error"]["message"]
        assert (served, HOST in it.plane.served) == (True, False)
        await it.arm.create_environment("00000000-0000-0000-0000-000000000001", "rg-local", "env-local", "wb.localhost")
        assert (await it.ask("GET", ROUTE)).status == 404


CANNOT_BE = {
    "a path without a slash": (rule({"prefix": "shop"}, WEB), "rules[0].routes[0].match.prefix"),
    "a path that no request can have": (rule({"prefix": "/a b"}, WEB), "match.prefix"),
    "a rewrite that no header can have": (rule({"prefix": "/a"}, WEB, rewrite="/\0"), "prefixRewrite"),
    "a path with a query": (rule({"path": "/a?b=c"}, WEB), "rules[0].routes[0].match.path"),
    "segments with a slash at their end": (rule({"pathSeparatedPrefix": "/a/"}, WEB), "match.pathSeparatedPrefix"),
    "two kinds of paths": (rule({"prefix": "/a", "path": "/b"}, WEB), "prefix and path"),
    "no path": (rule({}, WEB), "found none"),
    "a rewrite without a slash": (rule({"prefix": "/a"}, WEB, rewrite="b"), "prefixRewrite"),
    "no target": (rule({"prefix": "/a"}), "rules[0].targets"),
    "no route": ({"targets": [WEB]}, "rules[0].routes"),
    "an app that is not there": (rule({"prefix": "/a"}, {"containerApp": "none"}), "'none'"),
    "a target without an app": (rule({"prefix": "/a"}, {"label": "blue"}), "containerApp"),
    "a revision that is not there": (rule({"prefix": "/a"}, {**WEB, "revision": "web--none"}), "'web--none'"),
    "a label that is not there": (rule({"prefix": "/a"}, {**WEB, "label": "blue"}), "'blue'"),
    "a revision and a label": (rule({"prefix": "/a"}, {**WEB, "revision": "r", "label": "l"}), "found both"),
}


@pytest.mark.parametrize("name", CANNOT_BE)
async def test_what_cannot_be_is_refused_by_place_and_changes_nothing(name: str) -> None:
    wrong, said = CANNOT_BE[name]
    async with cloud() as it:
        await it.create()
        await put(it, rule({"prefix": "/"}, WEB))
        before = it.plane.served
        refused = await put(it, wrong)
        patched = await it.ask("PATCH", ROUTE, body(wrong))

        assert (refused.status, refused.body["error"]["code"]) == (400, "HttpRouteConfigInvalid")
        assert said in refused.body["error"]["message"]
        assert (patched.status, it.plane.served) == (400, before)


@pytest.mark.parametrize(
    ("version", "given", "said"),
    [
        (
            "2024-10-02-preview",
            {"rules": [{"action": {}}]},
            "action in Microsoft.ContainerApps.WebApi.Views.Version20241002Preview.HttpRoute.Rule are not supported",
        ),
        ("2025-07-01", {"rules": [rule({"prefix": "/"}, {**WEB, "weight": 1})]}, "Unknown properties weight"),
        ("2025-07-01", {"rules": [{"targets": WEB}]}, "Path: $.properties.rules[0].targets."),
        ("2025-07-01", {"rules": [{"description": 1}]}, "System.String"),
    ],
)
async def test_members_that_are_not_known_are_refused_in_azures_words(
    version: str, given: dict[str, Any], said: str
) -> None:
    async with cloud() as it:
        refused = await it.ask("PUT", ROUTE, {"properties": given}, version)

        assert (refused.status, refused.body["status"]) == (400, 400)
        assert said in str(refused.body["errors"])


async def test_names_are_those_a_host_can_have_and_domains_of_ones_own_are_not_had_here() -> None:
    async with cloud() as it:
        named = await it.ask("PUT", f"{ENVIRONMENT}/httpRouteConfigs/-x", body())
        domains = await it.ask("PUT", ROUTE, {"properties": {"customDomains": [{"name": "shop.example"}]}})

        assert (named.status, named.body["error"]["code"]) == (400, "HttpRouteConfigInvalidName")
        assert domains.status == 501
        assert "httpRouteConfigs with customDomains" in domains.body["error"]["message"]


async def test_each_kind_of_target_is_what_its_own_host_is_and_follows_it() -> None:
    async with cloud() as it:
        stable = await it.create()
        await it.patch({"template": image("2", revisionSuffix="two"), "configuration": traffic(to(stable, 100))})
        split = traffic(to(stable, 60), to("web--two", 40), to("web--two", 0, label="next"))
        await it.patch({"configuration": split})
        rules = [
            rule({"path": "/exact"}, {**WEB, "revision": "WEB--two"}, rewrite="/"),
            rule({"pathSeparatedPrefix": "/next"}, {**WEB, "label": "next"}),
            rule({"prefix": "/", "caseSensitive": False}, {"containerApp": "Web"}),
        ]
        answer = await put(it, *rules)
        two = (("web--two", 10_000),)
        both = ((stable, 6000), ("web--two", 4000))

        assert (answer.status, answer.body["properties"]["fqdn"]) == (200, HOST)
        assert it.plane.served[HOST] == Paths(
            (
                Rule(targets=two, match=Match.PATH, text="/exact", rewrite="/"),
                Rule(targets=two, match=Match.SEGMENTS, text="/next"),
                Rule(targets=both, text="/", case_sensitive=False),
            )
        )
        await it.patch({"configuration": traffic(to("web--two", 100), to(stable, 0, label="next"))})
        moved = it.plane.served[HOST]
        assert isinstance(moved, Paths)
        assert [one.targets for one in moved.rules] == [two, ((stable, 10_000),), two]


async def test_weights_of_targets_are_of_the_versions_that_have_them() -> None:
    async with cloud() as it:
        stable, api = await it.create(), await it.create(app=OTHER)
        shared = rule({"prefix": "/"}, {**WEB, "weight": 90}, {"containerApp": "api", "weight": 10})
        old = await put(it, shared, version="2024-10-02-preview")
        new = await it.ask("GET", ROUTE, version="2026-07-01")
        split = it.plane.served[HOST]
        wrong = await put(it, rule({"prefix": "/"}, {**WEB, "weight": 101}), version="2024-10-02-preview")
        await put(it, rule({"prefix": "/"}, WEB, {"containerApp": "api"}))
        alike = it.plane.served[HOST]

        assert split == Paths((Rule(targets=((stable, 9000), (api, 1000))),))
        assert alike == Paths((Rule(targets=((stable, 10_000), (api, 10_000))),))
        assert old.body["properties"]["rules"][0]["targets"] == shared["targets"]
        assert new.body["properties"]["rules"][0]["targets"] == [WEB, {"containerApp": "api"}]
        assert (wrong.status, "found 101" in wrong.body["error"]["message"]) == (400, True)


async def test_a_target_of_weight_0_gets_nothing_and_a_rule_of_such_answers_404() -> None:
    async with cloud() as it:
        stable = await it.create()
        await it.create(app=OTHER)
        none = {"containerApp": "api", "weight": 0}
        await put(it, rule({"prefix": "/a"}, WEB, none), rule({"prefix": "/b"}, none), version="2024-10-02-preview")

        assert it.plane.served[HOST] == Paths(
            (Rule(targets=((stable, 10_000),), text="/a"), Rule(targets=(), text="/b"))
        )


async def test_targets_are_apps_of_the_same_environment_that_have_ingress() -> None:
    async with cloud() as it:
        await it.create()
        await it.arm.create_environment("00000000-0000-0000-0000-000000000001", "rg-local", "other", "two.localhost")
        abroad = await it.ask("PUT", ROUTE.replace("env-local", "other"), body(rule({"prefix": "/"}, WEB)))
        await it.patch({"configuration": {"ingress": None}})
        closed = await put(it, rule({"prefix": "/"}, WEB))

        assert abroad.body["error"]["message"] == "Container App 'web' was not found in environment 'other'."
        assert closed.body["error"]["message"] == "Container App 'web' has no ingress."


async def test_a_target_that_goes_is_told_and_its_paths_answer_404() -> None:
    async with cloud() as it:
        await it.create()
        await put(it, rule({"prefix": "/"}, WEB))
        await it.end(await it.ask("DELETE", APP))
        found = await it.properties(ROUTE)

        assert found["provisioningState"] == "Failed"
        assert [error["message"] for error in found["provisioningErrors"]] == [
            "Container App 'web' was not found in environment 'env-local'."
        ]
        assert it.plane.served == {HOST: Paths((Rule(targets=()),))}


@pytest.mark.fidelity(50)
async def test_a_route_to_what_is_not_there_may_be_accepted_and_fail() -> None:
    async with cloud(knobs=Knobs(lost_target="failed")) as it:
        answer = await put(it, rule({"prefix": "/"}, WEB))
        failed = answer.body["properties"]["provisioningState"]
        await it.create()

        assert (answer.status, failed) == (200, "Failed")
        assert (await it.properties(ROUTE))["provisioningState"] == "Succeeded"


async def test_an_apps_own_host_is_its_own() -> None:
    async with cloud() as it:
        name = await it.create()
        await it.ask("PUT", f"{ENVIRONMENT}/httpRouteConfigs/web", body(rule({"path": "/x"}, WEB)))

        assert it.plane.served["web.wb.localhost"] == ((name, 100),)


async def test_every_path_that_is_accepted_the_ingress_takes_too(tmp_path: Path) -> None:
    odd = "/" + "".join(chr(code) for code in range(0x21, 0x7F) if chr(code) not in "?#")
    async with StaticRegistry() as registry:
        registry.add(samples.good("1.0.0"), "1.0.0")
        async with plane(tmp_path, registry) as real, cloud(real=real) as it:
            await it.create()
            answers = [
                await put(it, rule({name: text}, WEB, rewrite=odd))
                for name in ("prefix", "path", "pathSeparatedPrefix")
                for text in (odd, "/a")
            ]

    assert [answer.status for answer in answers] == [200] * 6


@pytest.mark.fidelity(50)
async def test_requests_go_by_their_paths_to_the_processes_of_two_apps(tmp_path: Path) -> None:
    async with StaticRegistry() as registry:
        for tag in ("1.0.0", "1.1.0"):
            registry.add(samples.good(tag), tag)
        async with plane(tmp_path, registry) as real, cloud(real=real) as it:
            one, two = await it.create(), await it.create(app=OTHER, containers=image("1.1.0")["containers"])
            await until(lambda: all(r.ready for name in (one, two) for r in real.state(name).replicas))
            inside = {"configuration": {"ingress": {"external": False}}}
            await it.patch(inside, OTHER)  # a route reaches it all the same
            await put(
                it,
                rule({"path": "/api"}, {"containerApp": "api"}, rewrite="/"),
                rule({"prefix": "/healthz"}, {"containerApp": "api"}),
                rule({"pathSeparatedPrefix": "/web"}, WEB, rewrite="/"),
            )

            async def ask(path: str) -> tuple[int, str]:
                url = f"http://{real.http}{path}"
                async with aiohttp.ClientSession() as session, session.get(url, headers={"Host": HOST}) as got:
                    return got.status, got.headers.get("X-Version", "")

            await until(lambda: all(r.ready for r in real.state(two).replicas))
            asked = {path: await ask(path) for path in ("/api", "/healthz", "/web", "/web/x", "/none")}
            counted = await real.counts()

    assert asked == {
        "/api": (200, "1.1.0"),
        "/healthz": (200, "1.1.0"),
        "/web": (200, "1.0.0"),
        "/web/x": (404, "1.0.0"),
        "/none": (404, ""),
    }
    assert counted[one] == {"200": 1, "404": 1}
    assert counted[two]["200"] == 2


async def test_a_rollout_behind_a_route_moves_it_and_loses_no_request(tmp_path: Path) -> None:
    async with StaticRegistry() as registry:
        for tag in ("1.0.0", "1.1.0"):
            registry.add(samples.good(tag), tag)
        async with plane(tmp_path, registry) as real, cloud(real=real) as it:
            stable = await it.create()
            await until(lambda: ready(real, stable))
            await put(it, rule({"prefix": "/"}, WEB))
            users = Users(real.http, HOST)
            async with users.asking(clients=4):
                await it.patch(
                    {"template": image("1.1.0", revisionSuffix="two"), "configuration": traffic(to(stable, 100))}
                )
                await until(lambda: ready(real, "web--two"))
                for weight in (10, 50, 100):
                    await it.patch({"configuration": traffic(to(stable, 100 - weight), to("web--two", weight))})
                    enough = users.answered + 40
                    await until(lambda enough=enough: users.answered >= enough)  # type: ignore[misc]
                await it.ask("POST", f"{APP}/revisions/{stable}/deactivate")
                await it.until(f"{APP}/revisions/{stable}", active=False)
            after = Users(real.http, HOST)
            await after.ask(10)

    assert users.failed == []
    assert set(users.seen) == {(200, "1.0.0"), (200, "1.1.0")}
    assert set(after.seen) == {(200, "1.1.0")}
