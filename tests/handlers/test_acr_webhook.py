"""A registry's own webhooks: whoever knows no secret learns nothing, and a push counts once however it is told."""

from __future__ import annotations

import json
import logging
from dataclasses import replace
from typing import Any

import azure.functions as func
import pytest

from delivery import names, parking
from delivery.errors import Malformed, Refused, Retry
from delivery.settings import SettingsError, read
from handlers import acr_webhook, decode, events
from policies import events as heard
from policies.pushes import PushEvidence
from rollouts.model import Phase
from tests.delivery.shop import REPOSITORY, Shop, digest

SECRET = "correct-horse-battery"
OLD = "an-older-secret-of-ours"
SUBSCRIPTION = "00000000-0000-0000-0000-000000000001"
TOPIC = "/subscriptions/s/resourceGroups/g/providers/Microsoft.ContainerRegistry/registries/contoso"


def pushed(**changes: Any) -> dict[str, Any]:
    """A push as learn.microsoft.com/azure/container-registry/container-registry-webhook-reference shows it.

    Without `useragent`, as registries send it since 2026 (a capture in argocd-image-updater's tests lacks it).
    """
    target = {
        "mediaType": "application/vnd.docker.distribution.manifest.v2+json",
        "size": 524,
        "digest": digest(1),
        "length": 524,
        "repository": REPOSITORY,
        "tag": "1.1.0",
    }
    return {
        "id": "cb8c3971-9adc-488b-bdd8-43cbb4974ff5",
        "timestamp": "2026-01-05T08:59:58.0958813Z",
        "action": "push",
        "target": target,
        "request": {"id": "3cbb6949-7549-4fa1-86cd-a6d5451dffc7", "host": "contoso.azurecr.io", "method": "PUT"},
        **changes,
    }


def target(**changes: Any) -> dict[str, Any]:
    return {"target": {**pushed()["target"], **changes}}


def without(found: dict[str, Any], name: str) -> dict[str, Any]:
    return {key: value for key, value in found.items() if key != name}


@pytest.fixture
async def shop() -> Shop:
    return with_secrets(await Shop().open(), OLD, SECRET)


def with_secrets(shop: Shop, *secrets: str) -> Shop:
    shop.ports = replace(shop.ports, settings=replace(shop.ports.settings, acr_webhook_secrets=secrets))
    return shop


async def post(shop: Shop, body: Any, secret: str = SECRET, header: str = acr_webhook.HEADER) -> tuple[int, bytes]:
    app = func.FunctionApp()
    app.register_functions(acr_webhook.blueprint(lambda: shop.ports))
    [function] = app.get_functions()
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    headers = {header: secret} if header else {}
    request = func.HttpRequest(method="POST", url="https://fn.test/api/acr-webhook", headers=headers, body=raw)
    answer = await function.get_user_function()(request)
    return answer.status_code, answer.get_body()


async def told(shop: Shop, body: Any) -> tuple[int, Any]:
    status, answer = await post(shop, body)
    return status, json.loads(answer)


async def by_event_grid(shop: Shop, data: dict[str, Any]) -> None:
    app = func.FunctionApp()
    app.register_functions(events.blueprint(lambda: shop.ports))
    functions = {f.get_function_name(): f for f in app.get_functions()}
    event = {"eventType": heard.PUSHED, "topic": TOPIC, "data": {**data, "location": "westeurope"}}
    await functions["image_pushed"].get_user_function()(json.dumps(event))


def read_push(body: dict[str, Any]) -> PushEvidence:
    found = decode.acr_webhook(json.dumps(body))
    assert isinstance(found, PushEvidence)
    return found


# ---- who may speak


async def test_without_a_secret_in_the_settings_there_is_no_such_place_and_the_log_says_why(shop, caplog):
    caplog.set_level(logging.WARNING)
    assert await post(with_secrets(shop), pushed()) == (404, b"")
    assert "switched off: the setting WEIGHBRIDGE_ACR_WEBHOOK_SECRET is empty" in caplog.text
    assert shop.rows.peek(names.EVIDENCE) == []


@pytest.mark.parametrize(
    ("secret", "header"),
    [
        ("", ""),
        ("", acr_webhook.HEADER),
        (SECRET[:-1], acr_webhook.HEADER),
        (f"{SECRET}x", acr_webhook.HEADER),
        (SECRET.upper(), acr_webhook.HEADER),
        (f"{OLD},{SECRET}", acr_webhook.HEADER),
        (SECRET, "Authorization"),
        ("sécret-de-seize-caractères", acr_webhook.HEADER),
        ("\ud800" * 20, acr_webhook.HEADER),
    ],
)
async def test_a_wrong_secret_is_told_nothing_and_leaves_nothing(shop, caplog, secret, header):
    assert await post(shop, pushed(), secret, header) == (401, b"")
    assert shop.rows.peek(names.EVIDENCE) == []
    assert await parking.parked(shop.ports) == []
    assert SECRET not in caplog.text


async def test_the_secret_is_asked_for_before_the_body_is_looked_at(shop):
    assert await post(shop, b"{", "wrong") == (401, b"")
    assert await parking.parked(shop.ports) == []


@pytest.mark.parametrize("secret", [OLD, SECRET])
async def test_while_a_secret_is_replaced_both_are_known(shop, secret):
    status, _ = await post(shop, pushed(), secret, acr_webhook.HEADER.lower())
    assert status == 200


def test_secrets_come_from_one_setting_and_are_shown_nowhere():
    environ = {"AzureWebJobsStorage": "UseDevelopmentStorage=true", "WEIGHBRIDGE_SUBSCRIPTION": SUBSCRIPTION}
    known = read({**environ, "WEIGHBRIDGE_ACR_WEBHOOK_SECRET": f" {OLD} ,{SECRET},"})
    assert known.acr_webhook_secrets == (OLD, SECRET)
    assert SECRET not in repr(known)
    assert read({**environ, "WEIGHBRIDGE_ACR_WEBHOOK_SECRET": " , "}).acr_webhook_secrets == ()


def test_a_secret_that_could_be_guessed_is_refused_without_being_repeated():
    environ = {"AzureWebJobsStorage": "UseDevelopmentStorage=true", "WEIGHBRIDGE_SUBSCRIPTION": SUBSCRIPTION}
    with pytest.raises(SettingsError) as raised:
        read({**environ, "WEIGHBRIDGE_ACR_WEBHOOK_SECRET": f"{SECRET},hunter2"})
    expected = "expected secrets of at least 16 characters with a comma between, found one of 7"
    assert str(raised.value) == f"WEIGHBRIDGE_ACR_WEBHOOK_SECRET: {expected}"


# ---- what is answered


async def test_a_push_is_offered_to_the_apps_of_its_rows(shop):
    shop.registry.push(REPOSITORY, "1.1.0", digest(1))
    assert await told(shop, pushed()) == (200, {"answer": "accepted", "apps": 1})
    await shop.run()
    assert [(done.phase, done.tag) for done in (await shop.state()).done] == [(Phase.PROMOTED, "1.1.0")]


@pytest.mark.parametrize("webhook_first", [True, False])
async def test_one_push_told_by_event_grid_and_by_a_webhook_is_one_rollout(shop, webhook_first):
    shop.registry.push(REPOSITORY, "1.1.0", digest(1))
    for webhook in (webhook_first, not webhook_first):
        await (post(shop, pushed()) if webhook else by_event_grid(shop, pushed()))
        await shop.run()
    done = (await shop.state()).done
    assert [(one.phase, one.attempt) for one in done] == [(Phase.PROMOTED, 1)]
    assert (await shop.state()).counter == 1


@pytest.mark.parametrize(
    ("body", "because"),
    [
        ({"id": "1", "timestamp": "2026-11-25T00:00:00Z", "action": "ping"}, "its action is ping"),
        (pushed(action="delete"), "its action is delete"),
        (without(pushed(action="chart_push", **target(mediaType="application/vnd.acr.helm.chart")), "request"), "its"),
        (pushed(action="chart_delete"), "its action is chart_delete"),
        (pushed(action="quarantine", target={}), "the image is in the registry's quarantine"),
        (pushed(action="\ud800" * 900), "its action is ���"),
    ],
)
async def test_what_is_no_push_is_ignored_with_its_reason(shop, body, because):
    status, answer = await told(shop, body)
    assert (status, answer["answer"]) == (200, "ignored")
    assert answer["because"].startswith(because)
    assert len(answer["because"]) < 120
    assert shop.queue.messages == []


@pytest.mark.parametrize(
    ("body", "error"),
    [
        (b"{", "webhook: expected JSON, found something else (JSONDecodeError)"),
        (b"\xff\xfe", "webhook: expected JSON, found something else (JSONDecodeError)"),
        (b"[" * 60_000, "webhook: expected JSON, found something else (RecursionError)"),
        ([1], "webhook: body: expected one object, found 'list'"),
        ({}, "webhook: action: expected a text, found None"),
        (without(pushed(), "target"), "webhook: target: expected an object, found None"),
        (without(pushed(), "request"), "webhook: request: expected an object, found None"),
        (pushed(timestamp="today"), "webhook: timestamp: expected an RFC 3339 time, found 'today'"),
        (pushed(**target(digest="sha256:1")), "webhook: target.digest: expected sha256: and 64 hex digits, found"),
        (pushed(**target(tag=7)), "webhook: target.tag: expected a text, found 7"),
        (pushed(request={}), "webhook: request.host: expected a text, found None"),
    ],
)
async def test_a_malformed_body_is_named_and_parked_for_the_registry_will_not_repeat_it(shop, body, error):
    status, answer = await told(shop, body)
    assert status == 400
    assert answer["error"].startswith(error)
    [row] = await parking.parked(shop.ports)
    assert (row.columns["source"], row.columns["because"]) == ("webhook acr", answer["error"])


async def test_a_body_too_large_for_a_webhook_is_not_even_read(shop):
    assert await post(shop, b" " * (64 * 1024 + 1)) == (413, b"")
    assert await parking.parked(shop.ports) == []


@pytest.mark.parametrize("error", [Retry("503"), Refused("403", status=403)], ids=["away", "no rights"])
async def test_what_could_not_be_kept_is_no_success(shop, error):
    async def before(name: str, arguments: tuple[object, ...]) -> None:
        if name == "commit" and arguments[0] == names.EVIDENCE:
            raise error

    shop.rows.before = before
    assert await told(shop, pushed()) == (503, {"error": str(error)})


# ---- which registry it is


@pytest.mark.parametrize(
    ("host", "registry"),
    [
        ("contoso.azurecr.io", "contoso.azurecr.io"),
        ("Contoso.AzureCR.io", "contoso.azurecr.io"),
        ("contoso.westeurope.geo.azurecr.io", "contoso.azurecr.io"),
        ("contoso.usgovvirginia.geo.azurecr.us", "contoso.azurecr.us"),
        ("contoso-f2bfagd9c7fpgxcc.azurecr.io", "contoso-f2bfagd9c7fpgxcc.azurecr.io"),
        ("contoso-f2bfagd9c7fpgxcc.westeurope.geo.azurecr.io", "contoso-f2bfagd9c7fpgxcc.azurecr.io"),
        ("localhost:5005", "localhost:5005"),
    ],
)
def test_the_login_server_is_told_by_the_host_also_by_one_of_a_region(host, registry):
    assert read_push(pushed(request={"host": host})).registry == registry


@pytest.mark.parametrize(
    "host",
    [
        "",
        "azurecr.io",
        "contoso.azurecr.io.evil.test",
        "evil.test/contoso.azurecr.io",
        "contoso.azurecr.io:443",
        "contoso.azurecr.io\n",
        "contoso.westeurope.data.azurecr.io",
        "a.b.c.geo.azurecr.io",
        "registry.contoso.com",
        "localhost",
        "localhost:5005/x",
        "contoso.azurecr.io" + "x" * 600,
    ],
)
def test_a_host_that_no_registry_has_is_refused(host):
    with pytest.raises(Malformed) as raised:
        decode.acr_webhook(json.dumps(pushed(request={"host": host})))
    assert str(raised.value).startswith(
        "webhook: request.host: expected a registry's login server or regional endpoint"
    )
    assert len(str(raised.value)) < 400


def test_a_push_by_digest_has_an_empty_tag_or_none():
    assert read_push(pushed(**target(tag=""))).tag == ""
    assert read_push(pushed(target=without(pushed()["target"], "tag"))).tag == ""


def test_the_media_type_may_be_missing_for_the_registry_is_asked_anyway():
    assert read_push(pushed(target=without(pushed()["target"], "mediaType"))).media_type == ""


def test_a_webhook_tells_what_event_grid_tells_but_the_region():
    event = {"eventType": heard.PUSHED, "topic": TOPIC, "data": {**pushed(), "location": "westeurope"}}
    by_grid = decode.image_pushed(json.dumps(event))
    assert isinstance(by_grid, PushEvidence)
    assert replace(by_grid, location="") == read_push(pushed())
