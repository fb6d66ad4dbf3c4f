"""`weighbridge apps`: every app that something is going on with, as the installation answers it."""

from __future__ import annotations

import json
import os
import sys
from typing import TYPE_CHECKING

from cli.rollout_text import app_name, kept, line, stable
from cli.service import KEY, NotAnswered, Service, answering, url_argument
from policies.errors import printable

if TYPE_CHECKING:
    import argparse

    from cli.service import Json

HELP = "list the apps that something is going on with: what is stable, what rolls, what waits"
TOLD, NOT_ANSWERED = 0, 2


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what it takes."""
    url_argument(parser)
    parser.add_argument("--json", action="store_true", help="print the answer as JSON")
    parser.epilog = f"The environment variable {KEY} holds a function key. Exits 0, or 2 when there is no answer."


def run(args: argparse.Namespace) -> int:
    """Exit 0 with the list, 2 without an answer."""
    try:
        apps = Service.of(args.url, os.environ).listed("apps")
        with answering("apps"):
            text = json.dumps(apps, indent=2, ensure_ascii=False) if args.json else _as_text(apps)
    except NotAnswered as error:
        print(error, file=sys.stderr)
        return NOT_ANSWERED
    print(text)
    return TOLD


def _as_text(apps: list[Json]) -> str:
    return "\n\n".join("\n".join(_app(app)) for app in apps) or "nothing is going on"


def _app(app: Json) -> list[str]:
    name = app_name(str(app["app"]))
    if "problem" in app:
        return [f"{name}: {printable(str(app['problem']))}"]
    rollouts = [*([app["live"]] if app["live"] else []), *app["waiting"]]
    return [f"{name}: {stable(app)}", *kept(app), *map(line, rollouts)]
