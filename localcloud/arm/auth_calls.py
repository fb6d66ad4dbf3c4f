"""How an app signs its users in (`authConfigs`): kept and answered, not acted on.

Recorded in auth_e2e: a PUT answers 200 and has no operation; it may come while the app's own write still runs.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from localcloud.arm import parts, urls
from localcloud.arm.calls import Reply
from localcloud.arm.errors import ArmError

if TYPE_CHECKING:
    from localcloud.arm.app_calls import AppCalls
    from localcloud.arm.calls import Call
    from localcloud.arm.models import App, Json
    from localcloud.arm.urls import Route

_CONFIGS = urls.APP + "/authConfigs"
_CONFIG = _CONFIGS + "/{config}"
_PROPERTIES = ("platform", "globalValidation", "identityProviders", "login", "httpSettings", "encryptionSettings")
_REGISTRATION = ("openIdIssuer", "clientId", "clientSecretSettingName")
_DIRECTORY = ("enabled", "registration", "login", "validation", "isAutoProvisioned")


class AuthCalls:
    """Puts, gets, lists and deletes them. Whether the secrets they name are there is not asked."""

    def __init__(self, apps: AppCalls) -> None:
        self._apps = apps

    def routes(self) -> tuple[Route, ...]:
        """Its part of the table."""
        return (
            ("GET", _CONFIGS, self.list),
            ("GET", _CONFIG, self.get),
            ("PUT", _CONFIG, self.put),
            ("DELETE", _CONFIG, self.delete),
        )

    async def list(self, call: Call) -> Reply:
        """All of an app."""
        app = self._apps.find(call)
        return Reply(body={"value": [_view(app, name) for name in app.auth]})

    async def get(self, call: Call) -> Reply:
        """One; raises ArmError 404."""
        app = self._apps.find(call)
        return Reply(body=_view(app, _found(app, call)))

    async def put(self, call: Call) -> Reply:
        """Make or replace one, in force at once."""
        app = self._apps.find(call)
        body = call.body if isinstance(call.body, dict) else {}
        name = call.names["config"]
        app.auth[name] = stored(body.get("properties") or {})
        return Reply(body=_view(app, name))

    async def delete(self, call: Call) -> Reply:
        """200, or 204 when there is none."""
        app = self._apps.find(call)
        return Reply(status=200 if app.auth.pop(call.names["config"], None) is not None else 204)


def stored(properties: Json) -> Json:
    """In Azure's order and without null members; false and empty are told where nobody said so (recorded)."""
    kept = parts.picked(_lean(properties), _PROPERTIES)
    directory = kept.get("identityProviders", {}).get("azureActiveDirectory")
    if directory is not None:
        kept["identityProviders"] = {**kept["identityProviders"], "azureActiveDirectory": _directory(directory)}
    if "login" in kept:
        fragments = bool(kept["login"].pop("preserveUrlFragmentsForLogins", False))
        kept["login"] = {**kept["login"], "preserveUrlFragmentsForLogins": fragments}
    return kept


def _directory(given: Json) -> Json:
    registration = given.get("registration", {})
    validation = {**given.get("validation", {})}
    policy = {"allowedApplications": [], **validation.pop("defaultAuthorizationPolicy", {})}
    whole = {
        **given,
        "registration": {**parts.picked(registration, _REGISTRATION), **registration},
        "validation": {**validation, "defaultAuthorizationPolicy": policy},
        "isAutoProvisioned": bool(given.get("isAutoProvisioned")),
    }
    return parts.picked(whole, _DIRECTORY)


def _lean(body: Json) -> Json:
    return {name: _lean(one) if isinstance(one, dict) else one for name, one in body.items() if one is not None}


def _found(app: App, call: Call) -> str:
    name = call.names["config"]
    if name not in app.auth:
        raise ArmError(404, "AuthConfigNotFound", f"AuthConfig '{name}' was not found.")
    return name


def _view(app: App, name: str) -> Json:
    return {
        "id": f"{app.home}/containerApps/{app.name}/authConfigs/{name}",
        "name": name,
        "type": "Microsoft.App/containerapps/authconfigs",
        "properties": app.auth[name],
    }
