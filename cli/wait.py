"""`weighbridge wait --image IMAGE`: until it is promoted, or is known not to be: the last step of a pipeline."""

from __future__ import annotations

import argparse
import os
import sys
import time
from typing import TYPE_CHECKING

from cli.service import KEY, NotAnswered, Service, answering, url_argument
from cli.wait_fate import End, Fate, end_of, fate, gravest
from policies.durations import read_duration
from policies.errors import printable, quoted

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import timedelta

    from cli.service import Json

HELP = "wait until an image is promoted, or is known not to be; for pipelines"
NOT_ANSWERED = 2
_EVERY = 10.0  # seconds between questions
_GRACE = 120.0  # seconds in which the event of a push has come, and an older end of its digest is not its end


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what it takes."""
    parser.add_argument(
        "--image", required=True, metavar="IMAGE", help="as in contoso.azurecr.io/shop/web:1.4.3, best with @sha256:…"
    )
    parser.add_argument(
        "--app", action="append", default=[], metavar="GROUP/APP", help="only this app; may be given again"
    )
    parser.add_argument(
        "--timeout", type=_duration, default=read_duration("1h"), metavar="1h", help="how long at most (default: 1h)"
    )
    url_argument(parser)
    parser.epilog = (
        f"The environment variable {KEY} holds a function key. Exits 0 when it is promoted in every app whose row "
        "selects it, 1 when it was rolled back or its revision failed, 2 when there is no answer or no such image, 3 "
        "when a gate refused it, 4 when a person or a newer image stopped it, 5 when no row ships it, 6 when the time "
        "is over; of several, the first of 1, 3, 4, 6."
    )


def run(args: argparse.Namespace) -> int:
    """Exit with the code of how it ended, 2 without an answer."""
    try:
        return _wait(Service.of(args.url, os.environ), args).value
    except NotAnswered as error:
        print(error, file=sys.stderr)
        return NOT_ANSWERED


def _wait(service: Service, args: argparse.Namespace) -> End:
    started, since, told = now(), "", dict[str, str]()
    fates: Mapping[str, Fate] = {}
    while True:
        waited = now() - started
        answer = _ask(service, args.image, told, last=waited >= args.timeout.total_seconds())
        if answer is not None:
            with answering("images"):
                since = since or str(answer["at"])
                fates = _fates(answer, args.app, since, late=waited >= _GRACE)
                _tell(str(answer["at"]), fates, told)
                end = end_of(fates.values())
                if end is not None:
                    return _ended(answer, end)
        if waited >= args.timeout.total_seconds():
            print(f"it did not end in time; `weighbridge why {args.image}` tells what it waits for", file=sys.stderr)
            return gravest([End.TIMEOUT, *(one.end for one in fates.values() if one.end is not None)])
        pause(min(_EVERY, args.timeout.total_seconds() - waited))


def _ask(service: Service, image: str, told: dict[str, str], *, last: bool) -> Json | None:
    """The answer; None where a repeat may bring one. Raises `NotAnswered` where none will, or no time is left."""
    try:
        answer = service.ask("images", {"image": image})
    except NotAnswered as error:
        if last or not error.again:
            raise
        if told.get("") != str(error):
            print(f"{error}; asked again", file=sys.stderr)
        told[""] = str(error)
        return None
    told.pop("", None)
    return answer


def _fates(answer: Json, apps: Sequence[str], since: str, *, late: bool) -> Mapping[str, Fate]:
    """By row; only those of the apps that are asked about, each of which must have one."""
    found = {str(row["policy"]): fate(row, since=since, late=late) for row in answer["rows"]}
    if not apps:
        return found
    wanted = {app.lower() for app in apps}
    missing = sorted(wanted - {one.app.lower() for one in found.values()})
    if missing:
        raise NotAnswered(f"--app: expected an app that a row about this image names, found {', '.join(missing)}")
    return {policy: one for policy, one in found.items() if one.app.lower() in wanted}


def _tell(at: str, fates: Mapping[str, Fate], told: dict[str, str]) -> None:
    """Print what changed since it was last told."""
    for policy, one in fates.items():
        if told.get(policy) != one.text:
            print(f"{at[11:19]}  {one.app}  {one.text}", flush=True)
            told[policy] = one.text


def _ended(answer: Json, end: End) -> End:
    image = printable(str(answer["image"]))
    for key in answer["broken"]:
        print(printable(f"{key}: the row is broken, so nothing ships from it"), file=sys.stderr)
    if answer["left_out"]:
        print(f"{answer['left_out']} more rows are about this repository; name apps by --app", file=sys.stderr)
    if end is End.UNSELECTED:
        print(f"{image}: no row ships it", file=sys.stderr)
    else:
        print(f"{image}: {end.name.lower().replace('_', ' ')}")
    return end


def _duration(text: str) -> timedelta:
    found = read_duration(text)
    if found is None:
        raise argparse.ArgumentTypeError(f"expected a duration as in 45m, found {quoted(text)}")
    return found


def now() -> float:
    """Seconds, of a clock that nobody sets."""
    return time.monotonic()


def pause(seconds: float) -> None:
    """Wait between two questions."""
    time.sleep(seconds)
