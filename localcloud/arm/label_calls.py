"""Answers about the history of an app's labels, at the address that each api-version has for it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from localcloud.arm import urls
from localcloud.arm.calls import Reply
from localcloud.arm.errors import ArmError, unknown_version, unsupported
from localcloud.arm.versions import LABEL_HISTORIES, LABELS, VERSIONS

if TYPE_CHECKING:
    from datetime import datetime

    from localcloud.arm.app_calls import AppCalls
    from localcloud.arm.calls import Call
    from localcloud.arm.labels import LabelRecord
    from localcloud.arm.models import App, Json
    from localcloud.arm.urls import Route

_HISTORY = urls.APP + "/{kind:labelHistory|labelHistories}"
_LABEL = _HISTORY + "/{label}"


class LabelCalls:
    """Lists, gets and deletes; in no recording, so it follows the specification and its examples."""

    def __init__(self, apps: AppCalls) -> None:
        self._apps = apps

    def routes(self) -> tuple[Route, ...]:
        """Its part of the table."""
        return (("GET", _HISTORY, self.list), ("GET", _LABEL, self.get), ("DELETE", _LABEL, self.delete))

    async def list(self, call: Call) -> Reply:
        """Every label that the app has or had in Labels mode."""
        app, kind = self._app(call)
        if call.query.get("$filter"):
            raise unsupported("GET", f"Microsoft.App/containerApps/{kind} with $filter")
        return Reply(body={"value": [_view(app, kind, label) for label in app.labels], "nextLink": None})

    async def get(self, call: Call) -> Reply:
        """One label; raises ArmError 404, whose code is in no recording."""
        app, kind = self._app(call)
        label = _find(app, call.names["label"])
        if label is None:
            name = call.names["label"]
            raise ArmError(404, "ContainerAppLabelHistoryNotFound", f"Label '{name}' of '{app.name}' was not found.")
        return Reply(body=_view(app, kind, label))

    async def delete(self, call: Call) -> Reply:
        """200, or 204 when there is none; what a label is on now stays known."""
        app, _ = self._app(call)
        label = _find(app, call.names["label"])
        if label is None:
            return Reply(status=204)
        left = [record for record in app.labels.pop(label) if record.stop is None]
        if left:
            app.labels[label] = left
        return Reply()

    def _app(self, call: Call) -> tuple[App, str]:
        wanted = call.names["kind"].lower()
        spelled = "labelHistory" if wanted == "labelhistory" else "labelHistories"
        versions = LABELS if spelled == "labelHistory" else VERSIONS[VERSIONS.index(LABEL_HISTORIES) :]
        if call.version not in versions:
            raise unknown_version(f"containerApps/{spelled}", call.version, versions)
        return self._apps.find(call), spelled


def _find(app: App, name: str) -> str | None:
    return next((label for label in app.labels if label.lower() == name.lower()), None)


def _view(app: App, kind: str, label: str) -> Json:
    return {
        "id": f"{app.home}/containerApps/{app.name}/{kind}/{label}",
        "name": label,
        "type": f"Microsoft.App/containerApps/{kind}",
        "properties": {"records": [_record(one) for one in app.labels[label]]},
    }


def _record(one: LabelRecord) -> Json:
    ended = {"stop": _when(one.stop)} if one.stop else {}
    return {"revision": one.revision, "start": _when(one.start), **ended, "status": one.status}


def _when(at: datetime) -> str:
    return f"{at:%Y-%m-%dT%H:%M:%S}+00:00"
