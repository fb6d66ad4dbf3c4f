"""`weighbridge offer IMAGE`: an image that no event announced, offered as a push of it would have been."""

from __future__ import annotations

import json
import os
import sys
from typing import TYPE_CHECKING

from cli.rollout_text import app_name
from cli.service import KEY, NotAnswered, Service, answering, url_argument
from policies.errors import printable

if TYPE_CHECKING:
    import argparse

HELP = "offer an image that no event announced to the apps whose rows select it"
OFFERED, NOBODY, NOT_ANSWERED = 0, 1, 2


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what it takes."""
    parser.add_argument("image", metavar="IMAGE", help="as in contoso.azurecr.io/shop/web:1.4.3, or with @sha256:…")
    url_argument(parser)
    parser.epilog = (
        f"The environment variable {KEY} holds a function key. Its gates judge it as they judge any push; offered "
        "again, it is no news. Exits 0 when an app was told, 1 when no row selects it, 2 when there is no answer or "
        "no such image."
    )


def run(args: argparse.Namespace) -> int:
    """Exit 0 when an app was told of it, 1 when none, 2 without an answer."""
    try:
        service = Service.of(args.url, os.environ)
        found = service.give("offer", json.dumps({"image": args.image}), allowed=(200,)).body
        with answering("offer"):
            image, apps, because = _read(found)
    except NotAnswered as error:
        print(error, file=sys.stderr)
        return NOT_ANSWERED
    for app in apps:
        print(f"{image}: offered to {app}")
    if not apps:
        print(f"{image}: {because}; `weighbridge why` tells what each row says of it")
    return OFFERED if apps else NOBODY


def _read(found: object) -> tuple[str, list[str], str]:
    match found:
        case {"image": str(image), "apps": list(apps), "because": str(because)}:
            return printable(image), [app_name(str(app)) for app in apps], printable(because)
        case _:
            raise ValueError("no offer")
