"""What the one caller of this Azure may do with an app: everything, unless a test took rights away.

They are told, not held to: nothing is refused for want of a right (Azure's answer has this shape, REST API 2022-04-01).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from localcloud.arm import urls
from localcloud.arm.calls import Reply

if TYPE_CHECKING:
    from localcloud.arm.app_calls import AppCalls
    from localcloud.arm.calls import Call
    from localcloud.arm.urls import Route

EVERYTHING = ("*",)


class PermissionCalls:
    """taken: by the name of an app, actions that its caller's role leaves out."""

    def __init__(self, apps: AppCalls) -> None:
        self._apps = apps
        self.taken: dict[str, tuple[str, ...]] = {}

    def routes(self) -> tuple[Route, ...]:
        """Its part of the table."""
        return (("GET", urls.PERMISSIONS, self.list),)

    async def list(self, call: Call) -> Reply:
        """One role: everything but what was taken."""
        app = self._apps.find(call)
        role = {"actions": list(EVERYTHING), "notActions": list(self.taken.get(app.name, ()))}
        return Reply(body={"value": [{**role, "dataActions": [], "notDataActions": []}]})
