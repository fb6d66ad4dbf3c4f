"""`weighbridge why`: why an image did or did not ship, as the installation itself answers it."""

from __future__ import annotations

import json
import os
import sys
from typing import TYPE_CHECKING

from cli.service import KEY, NotAnswered, Service, answering, url_argument
from policies.errors import printable
from policies.render import finding_of, tree

if TYPE_CHECKING:
    import argparse

HELP = "ask the installation why an image did or did not ship"
SHIPS, NONE, NOT_ANSWERED = 0, 1, 2


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what it takes."""
    parser.add_argument("image", metavar="IMAGE", help="as in contoso.azurecr.io/shop/web:1.4.3, or with @sha256:…")
    url_argument(parser)
    parser.add_argument("--json", action="store_true", help="print the answer as JSON")
    parser.epilog = (
        f"The environment variable {KEY} holds a function key. Exits 0 when some row's gates let the image out now, "
        "1 when none does, 2 when there is no answer."
    )


def run(args: argparse.Namespace) -> int:
    """Exit 0 when some row lets it out, 1 when none does, 2 without an answer."""
    try:
        answer = Service.of(args.url, os.environ).ask("explain", {"image": args.image})
        with answering("explain"):
            text = json.dumps(answer, indent=2, ensure_ascii=False) if args.json else _as_text(answer)
    except NotAnswered as error:
        print(error, file=sys.stderr)
        return NOT_ANSWERED
    print(text)
    rows = answer.get("policies")
    return SHIPS if isinstance(rows, list) and any(row.get("ships") is True for row in rows) else NONE


def _as_text(answer: dict[str, object]) -> str:
    """Every row: its conclusion, what became of the image before, and the gates as they are now."""
    match answer:
        case {"notes": list() as notes, "policies": list() as rows}:
            parts = [[printable(f"note: {note}") for note in notes]] if notes else []
            return "\n\n".join("\n".join(lines) for lines in [*parts, *map(_row, rows)])
        case _:
            raise ValueError("no rows")


def _row(row: dict[str, object]) -> list[str]:
    before = row["before"]
    told = [printable(f"  {one}") for one in before] if isinstance(before, list) else []
    gates = tree(finding_of(row["finding"]), paint=sys.stdout.isatty())
    return [printable(f"{row['policy']}: {row['conclusion']}"), *told, *gates]
