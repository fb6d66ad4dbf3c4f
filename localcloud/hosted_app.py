"""The function app of a local cloud: its hosts, and the subscriptions by which events reach it."""

from __future__ import annotations

import json
import secrets
from typing import TYPE_CHECKING

from localcloud.eventgrid.arm.places import SITE
from localcloud.eventgrid.model import FUNCTION, Schema
from localcloud.functions import Functions, FunctionsError
from localcloud.instances import Instances
from localcloud.options import REGISTRY

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from localcloud.eventgrid import EventGrid
    from localcloud.options import Options

SCANS = "scans"
PUSHES = "pushes"
DEAD_LETTERS = "dead-letter"
PUSHED = "Microsoft.ContainerRegistry.ImagePushed"


class HostedApp:
    """functions: the first of its hosts, instances: all of them; None before `start`."""

    def __init__(self) -> None:
        self.functions: Functions | None = None
        self.instances: Instances | None = None

    async def start(
        self, options: Options, folder: Path, endpoints: Mapping[str, str], grid: EventGrid
    ) -> dict[str, str]:
        """Start its hosts and subscribe it to its events; answers where it is, nothing without an app.

        folder: of logs and keys.

        Raises:
            FunctionsError: it cannot be run, or its settings cannot be read.
        """
        if options.app is None:
            return {}
        key = secrets.token_urlsafe(16)
        settings = {
            "AzureWebJobsStorage": endpoints["storage"],
            "IDENTITY_ENDPOINT": endpoints["identity_endpoint"],
            "IDENTITY_HEADER": endpoints["identity_header"],
            "WEBSITE_SITE_NAME": SITE,
            **_filled(options.settings, endpoints),
            **options.more,
        }
        count, shared = options.instances, folder / "functions-shared"
        logs = [folder / ("functions.log" if n == 1 else f"functions-{n}.log") for n in range(1, count + 1)]
        hosts = [
            Functions(options.app, settings, key, log, options.host, shared=shared, shares_port=count > 1)
            for log in logs
        ]
        self.functions, self.instances = hosts[0], Instances(hosts)
        await self.instances.start()
        await _subscribe(grid)
        return {
            "functions": self.functions.base,
            "functions_key": key,
            "functions_master_key": self.functions.keys.master,
            "functions_log": str(self.functions.log),
        }

    async def stop(self) -> None:
        """End its hosts. Twice is once."""
        if self.instances is not None:
            await self.instances.stop()

    def endpoint(self, function: str) -> str | None:
        """Where a function takes events; None without a host that has it."""
        hosted = self.functions
        found = [] if hosted is None else [one for one in hosted.names if one.lower() == function.lower()]
        return hosted.event_endpoint(found[0]) if hosted is not None and found else None


async def _subscribe(grid: EventGrid) -> None:
    """The function app's own subscriptions, but for those that were kept."""
    if grid.account is not None:
        await grid.account.container(DEAD_LETTERS)
    for name, topic, function, types, schema in (
        (PUSHES, REGISTRY, "image_pushed", (PUSHED,), Schema.EVENT_GRID),
        (SCANS, SCANS, "scan_completed", (), Schema.CLOUD_EVENTS),
    ):
        if (topic, name) not in grid.subscriptions:
            endpoint = f"{FUNCTION}{function}"
            grid.subscribe(name, topic, endpoint=endpoint, types=types, schema=schema, dead_letters=DEAD_LETTERS)


def _filled(path: Path | None, endpoints: Mapping[str, str]) -> dict[str, str]:
    if path is None:
        return {}
    try:
        return {name: str(text).format_map(endpoints) for name, text in json.loads(path.read_text()).items()}
    except (KeyError, ValueError) as error:
        known = ", ".join(f"{{{name}}}" for name in endpoints)
        raise FunctionsError(f"{path}: expected one JSON object of texts with {known}, found {error}") from error
