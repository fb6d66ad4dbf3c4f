"""How an app signs its users in: the conversation of auth_e2e, recorded in August 2023."""

from __future__ import annotations

from typing import Any

from tests.localcloud.arm.cloud import APP, app_body, cloud

CURRENT = f"{APP}/authConfigs/current"
SENT: dict[str, Any] = {
    "platform": {"enabled": True},
    "globalValidation": {},
    "login": {},
    "identityProviders": {
        "azureActiveDirectory": {
            "registration": {"clientId": "c0", "clientSecretSettingName": "secret", "openIdIssuer": "https://sts/"}
        }
    },
}
STORED: dict[str, Any] = {
    "platform": {"enabled": True},
    "globalValidation": {},
    "identityProviders": {
        "azureActiveDirectory": {
            "registration": {"openIdIssuer": "https://sts/", "clientId": "c0", "clientSecretSettingName": "secret"},
            "validation": {"defaultAuthorizationPolicy": {"allowedApplications": []}},
            "isAutoProvisioned": False,
        }
    },
    "login": {"preserveUrlFragmentsForLogins": False},
}


async def test_a_configuration_is_stored_as_recorded_while_the_app_s_own_write_runs() -> None:
    async with cloud() as it:
        await it.create()
        await it.slow("PUT", app_body())
        answer = await it.ask("PUT", CURRENT, {"properties": SENT}, version="2023-04-01-preview")

        assert answer.status == 200
        assert answer.body == {
            "id": CURRENT,
            "name": "current",
            "type": "Microsoft.App/containerapps/authconfigs",
            "properties": STORED,
        }
        assert str(answer.body["properties"]) == str(STORED)
        assert (await it.ask("GET", CURRENT, version="2023-04-01-preview")).body == answer.body


async def test_what_was_answered_can_be_put_again_with_more() -> None:
    directory: dict[str, Any] = STORED["identityProviders"]["azureActiveDirectory"]
    more = {
        **STORED,
        "identityProviders": {"azureActiveDirectory": dict(reversed(directory.items()))},
        "globalValidation": {"unauthenticatedClientAction": "AllowAnonymous", "redirectToProvider": None},
        "httpSettings": {"forwardProxy": {"convention": "Standard"}},
    }
    async with cloud() as it:
        await it.create()
        answer = await it.ask("PUT", CURRENT, {"properties": more})

        expected = {**more, "globalValidation": {"unauthenticatedClientAction": "AllowAnonymous"}}
        assert answer.body["properties"] == expected
        assert list(answer.body["properties"]) == list(expected)
        assert list(answer.body["properties"]["identityProviders"]["azureActiveDirectory"]) == list(directory)
        assert (await it.ask("GET", f"{APP}/authConfigs")).body["value"] == [answer.body]


async def test_one_that_is_not_there_is_told_and_goes_with_204() -> None:
    async with cloud() as it:
        await it.create()
        missing = await it.ask("GET", CURRENT)
        assert (missing.status, missing.body["error"]["code"]) == (404, "AuthConfigNotFound")

        await it.ask("PUT", CURRENT, {"properties": {}})
        assert [(await it.ask("DELETE", CURRENT)).status for _ in range(2)] == [200, 204]
        assert (await it.ask("GET", CURRENT)).status == 404


async def test_the_verification_id_of_the_subscription_is_the_one_of_its_apps() -> None:
    async with cloud() as it:
        await it.create()
        subscription = APP.partition("/resourceGroups")[0]
        answer = await it.ask("POST", f"{subscription}/providers/Microsoft.App/getCustomDomainVerificationId")

        assert answer.body == (await it.properties())["customDomainVerificationId"]
        assert not [name for name in answer.headers if "ratelimit" in name or "supported" in name]
