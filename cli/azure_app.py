"""One container app over Azure Resource Manager, as who is signed in: read, and changed by one write alone."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING, Any

from cli.arm import Arm, AzureSaysError, base

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

API_VERSION = "2025-07-01"
WITHIN = 15 * 60.0  # seconds; ARM gives up on an operation by then
EVERY = 2.0


class AzureApp:
    """`<group>/<app>` in a subscription. Where it is asked comes from the environment, as for the service itself."""

    def __init__(self, subscription: str, group: str, name: str) -> None:
        self._path = (
            f"/subscriptions/{subscription}/resourceGroups/{group}/providers/Microsoft.App/containerApps/{name}"
        )
        self._arm = Arm(subscription)
        self._every = EVERY if base().endswith(".azure.com") else EVERY / 20

    def read(self) -> tuple[dict[str, Any], list[dict[str, Any]]]:
        """The app, and its revisions: 2 GETs. Raises `AzureSaysError`."""
        return self._ask("GET", ""), self._ask("GET", "/revisions").get("value", [])

    def signed_in_users(self) -> bool | None:
        """Whether the platform signs users in before the app sees them; None: it could not be asked."""
        try:
            found = self._ask("GET", "/authConfigs").get("value", [])
        except AzureSaysError:
            return None
        return any((one.get("properties") or {}).get("platform", {}).get("enabled") for one in found)

    def make_ready(self, stable: str, *, ingress: bool) -> None:
        """Multiple mode with all the traffic on one revision by its name, in one write, and see that it is so.

        In one, because Azure takes no weights in Single mode, and between two writes a new revision could take all.
        Raises `AzureSaysError`.
        """
        body = _ready(stable, ingress=ingress)
        entry = {"revisionName": stable, "weight": 100}

        def done(found: dict[str, Any]) -> bool:
            mode = str(_configuration(found).get("activeRevisionsMode")).lower()
            return mode == "multiple" and (not ingress or _traffic(found) == [entry])

        self._patch(body, done)

    def ready_write(self, stable: str) -> tuple[str, str]:
        """Address and body of that one write, for who would rather send it by hand."""
        return f"{base()}{self._path}?api-version={API_VERSION}", json.dumps(_ready(stable, ingress=True))

    def _patch(self, body: Mapping[str, Any], done: Callable[[dict[str, Any]], bool]) -> None:
        self._ask("PATCH", "", body)
        end = time.monotonic() + WITHIN
        while time.monotonic() < end:
            found = self._ask("GET", "")
            state = str((found.get("properties") or {}).get("provisioningState"))
            if state == "Failed":
                raise AzureSaysError("the change failed; see the app's activity log")
            if done(found) and state != "InProgress":
                return
            time.sleep(self._every)
        raise AzureSaysError(
            f"the change was not seen within {WITHIN / 60:.0f} minutes; look at the app before going on"
        )

    def _ask(self, method: str, path: str, body: object = None) -> dict[str, Any]:
        return self._arm.ask(method, f"{self._path}{path}", API_VERSION, body)


def _ready(stable: str, *, ingress: bool) -> dict[str, Any]:
    traffic = {"ingress": {"traffic": [{"revisionName": stable, "weight": 100}]}} if ingress else {}
    return {"properties": {"configuration": {"activeRevisionsMode": "Multiple", **traffic}}}


def _configuration(app: Mapping[str, Any]) -> Mapping[str, Any]:
    return (app.get("properties") or {}).get("configuration") or {}


def _traffic(app: Mapping[str, Any]) -> list[dict[str, Any]]:
    entries = (_configuration(app).get("ingress") or {}).get("traffic") or []
    return [{"revisionName": one.get("revisionName"), "weight": int(one.get("weight") or 0)} for one in entries]
