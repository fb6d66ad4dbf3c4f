"""`weighbridge doctor`: look at a deployed installation from end to end, and say who must do what."""

from __future__ import annotations

import json
import os
import sys
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from cli.diagnosis import Diagnosis, State, as_text, wrong
from cli.doctor_walk import TOPIC, Clock, end, event, wait
from cli.service import KEY, NotAnswered, Service, answering, named, url_argument
from cli.topic import NotSent, Topic, send

if TYPE_CHECKING:
    import argparse

HELP = "check a deployed installation end to end, and say who must do what"
WELL, UNWELL, NOT_ASKED = 0, 1, 2
SUBSCRIPTION, TOPIC_NAME, TOPIC_URL = (
    "WEIGHBRIDGE_SUBSCRIPTION",
    "WEIGHBRIDGE_SCANS_TOPIC",
    "WEIGHBRIDGE_SCANS_ENDPOINT",
)


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what it takes."""
    url_argument(parser)
    parser.add_argument("--app", default="", metavar="GROUP/APP", help="only this app, whether a row names it or not")
    parser.add_argument(
        "--subscription", default=os.environ.get(SUBSCRIPTION, ""), help=f"of the topics; or {SUBSCRIPTION}"
    )
    parser.add_argument(
        "--function-app",
        default="",
        metavar="NAME",
        help="that events go to; else what the installation says of itself",
    )
    parser.add_argument("--scans-topic", default=os.environ.get(TOPIC_NAME, ""), help=f"its name; or {TOPIC_NAME}")
    parser.add_argument(
        "--topic", default=os.environ.get(TOPIC_URL, ""), metavar="ENDPOINT", help=f"its address; or {TOPIC_URL}"
    )
    parser.add_argument("--key-from", default="", metavar="ENV", help="variable with that topic's key; else az login")
    parser.add_argument("--within", type=float, default=120.0, metavar="SECONDS", help="to wait for the test event")
    parser.add_argument("--json", action="store_true", help="print what was found as JSON")
    parser.epilog = (
        f"The environment variable {KEY} holds a function key; Event Grid is asked as the person who is signed in. "
        "Nothing that is looked at is changed, and what is sent is taken away again. "
        "Exits 0 when nothing is broken, 1 when something is, 2 when the installation cannot be asked."
    )


def run(args: argparse.Namespace) -> int:
    """Exit 0 when nothing is broken, 1 when something is, 2 without an answer."""
    try:
        service = Service.of(args.url, os.environ)
        found = _of_app(service, args.app) if args.app else _whole(service, args, Clock())
    except NotAnswered as error:
        print(error, file=sys.stderr)
        if error.status in (0, 404):
            print(f"doctor: who deploys Weighbridge: azd deploy; {_LOG}", file=sys.stderr)
        return NOT_ASKED
    broken = any(one.state is State.BROKEN for one in found)
    if args.json:
        print(json.dumps({"broken": broken, "diagnoses": [one.json() for one in found]}, indent=2, ensure_ascii=False))
    else:
        print(as_text(found))
    return UNWELL if broken else WELL


_LOG = "the host's log in Application Insights says why it does not answer"


def _of_app(service: Service, app: str) -> list[Diagnosis]:
    return diagnoses(service.ask(f"doctor/apps/{named(app)}", {}), "doctor/apps")


def diagnoses(answer: dict[str, Any], route: str) -> list[Diagnosis]:
    """Those of an installation's answer."""
    with answering(route):
        return [Diagnosis.of(one) for one in answer["diagnoses"]]


def _whole(service: Service, args: argparse.Namespace, clock: Clock) -> list[Diagnosis]:
    """First the installation, which opens the call; then the topics; then what became of the call."""
    reply = service.give("doctor", "{}", allowed=(200,)).body
    answer: dict[str, Any] = reply if isinstance(reply, dict) else {}
    found = diagnoses(answer, "doctor")
    with answering("doctor"):
        call, registries = str(answer["call"]), [str(one) for one in answer["registries"]]
        site = args.function_app or str(answer["site"])
    if not call:
        return found
    sent = {one.subject for one in found if one.check == "queue" and one.state is State.OK}
    try:
        unsent = _unsent(args, call)
        found += [*unsent, *_event_grid(args, found, registries, site)]
        return found + wait(service, call, sent if unsent else {*sent, TOPIC}, args.within, clock)
    finally:
        end(service, call)


def _unsent(args: argparse.Namespace, call: str) -> list[Diagnosis]:
    """Send the test event; answers why it was not, nothing when it was."""
    if not args.topic:
        do = "export what azd tells (docs/doctor.md), or --topic ENDPOINT"
        return [
            wrong("walk", "", "no test event was sent: no topic given", "the topic's address", "you", do, mild=True)
        ]
    try:
        send(Topic.of(args.topic, args.key_from, os.environ), event(call))
    except NotSent as error:
        do = 'az role assignment create --assignee "$(az ad signed-in-user show --query id -o tsv)" '
        do += '--role "EventGrid Data Sender" --scope '
        do += '"$(az eventgrid topic show -g "$AZURE_RESOURCE_GROUP" -n "$WEIGHBRIDGE_SCANS_TOPIC" --query id -o tsv)"'
        return [wrong("walk", "", str(error), "to publish one event", "who may give roles", do, mild=True)]
    return []


def _event_grid(args: argparse.Namespace, found: list[Diagnosis], registries: list[str], site: str) -> list[Diagnosis]:
    if not args.subscription:
        do = f"--subscription, or {SUBSCRIPTION}"
        return [wrong("topic", "", "nobody said in which subscription", "its id", "you", do, mild=True)]
    from cli import doctor_eventgrid  # noqa: PLC0415 - the SDK is loaded for this alone
    from cli.arm import Arm  # noqa: PLC0415 - same

    arm = Arm(args.subscription)
    scans = args.scans_topic or (urlsplit(args.topic).hostname or "").partition(".")[0]
    heard = {one.subject for one in found if one.check == "heard" and one.state is State.OK}
    return [*doctor_eventgrid.pushes(arm, registries, heard, site), *doctor_eventgrid.scans(arm, scans, site)]
