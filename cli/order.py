"""`weighbridge order GROUP/APP VERB`: an order, with what it needs filled in from how things are, on a person's yes."""

from __future__ import annotations

import argparse
import json
import os
import sys
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from cli.agreed import agreed
from cli.order_filled import Filled, Unclear, fill
from cli.rollout_text import kept, line, stable
from cli.service import KEY, NotAnswered, Service, answering, named, url_argument
from policies.durations import read_duration
from policies.errors import printable, quoted
from policies.evidence import read_time
from rollouts.seen import Verb

if TYPE_CHECKING:
    from cli.service import Json, Reply

HELP = "give an order to an app or its rollout; it shows what it would do and asks"
DONE, NOT_DONE, NOT_ANSWERED = 0, 1, 2
_STATUSES = (200, 202, 409)  # done, taken up by the next tick, refused


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what it takes."""
    parser.add_argument("app", metavar="GROUP/APP", help="resource group and container app, or its resource id")
    parser.add_argument("verb", metavar="VERB", choices=tuple(Verb), help=", ".join(Verb))
    parser.add_argument("--n", type=int, help="which rollout, where several could be meant")
    parser.add_argument("--digest", default="", help="which image, for release, retry, pin: sha256:… or its beginning")
    end = parser.add_mutually_exclusive_group()
    end.add_argument("--for", type=_duration, dest="within", metavar="2h", help="how long a hold or pause lasts")
    end.add_argument("--until", type=_time, metavar="TIME", help="its end, as in 2026-11-24T09:00:00Z")
    parser.add_argument("--comment", default="", help="why: it stands in the audit and in messages")
    parser.add_argument("--yes", action="store_true", help="do not ask")
    parser.add_argument("--dry-run", action="store_true", help="only show what it would do")
    url_argument(parser)
    parser.epilog = (
        f"The environment variable {KEY} holds a function key. Exits 0 when it is done or taken up, 1 when it is "
        "refused or nobody said yes, 2 when there is no answer or nothing that it could mean."
    )


def run(args: argparse.Namespace) -> int:
    """Exit 0 done, 1 refused or not agreed to, 2 without an answer."""
    try:
        service, app = Service.of(args.url, os.environ), named(args.app)
        route = f"apps/{app}"
        found = service.ask(route, {})
        with answering(route):
            order = fill(args.verb, found, n=args.n, digest=args.digest)
            print("\n".join(_shown(args.app, found, order)))
        if args.dry_run or not (args.yes or agreed()):
            print("\nnothing was ordered")
            return NOT_DONE
        body = json.dumps({**order.body, **_until(args), "comment": args.comment})
        reply = service.give(f"{route}/orders/{args.verb}", body, allowed=_STATUSES)
    except (NotAnswered, Unclear) as error:
        print(error, file=sys.stderr)
        return NOT_ANSWERED
    return _said(reply)


def _shown(name: str, app: Json, order: Filled) -> list[str]:
    rollouts = [*([app["live"]] if app["live"] else []), *app["waiting"]]
    lines = [f"{name}: {stable(app)}", *kept(app), *map(line, rollouts)]
    return [*lines, "", printable(f"order  {order.says}"), printable(f"       {order.means}")]


def _until(args: argparse.Namespace) -> dict[str, str]:
    until = datetime.now(UTC) + args.within if args.within else args.until
    return {"until": until.isoformat()} if until else {}


def _said(reply: Reply) -> int:
    answer = reply.body.get("answer") if isinstance(reply.body, dict) else None
    if not isinstance(answer, str):
        print("expected the answer to an order, found another", file=sys.stderr)
        return NOT_ANSWERED
    print(printable(answer))
    return NOT_DONE if answer.startswith("refused") else DONE


def _duration(text: str) -> timedelta:
    found = read_duration(text)
    if found is None:
        raise argparse.ArgumentTypeError(f"expected a duration as in 2h, found {quoted(text)}")
    return found


def _time(text: str) -> datetime:
    found = read_time(text)
    if found is None:
        raise argparse.ArgumentTypeError(f"expected a time as in 2026-11-24T09:00:00Z, found {quoted(text)}")
    return found
