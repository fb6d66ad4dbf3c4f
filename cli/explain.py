"""`weighbridge explain`: what every gate of every row says of one pushed image, from files alone."""

from __future__ import annotations

import json
import sys
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING

from cli.events_file import Events, read_events
from cli.lint import checked
from cli.rows_file import read_rows
from cli.text_file import FileError
from policies import explain, offline, render
from policies.errors import quoted
from policies.evidence import read_time
from policies.keys import DEFAULTS
from policies.tags import TAG, Pushed
from rollouts.model import Image

if TYPE_CHECKING:
    import argparse

    from policies.explain import Explained
    from policies.facts import Facts
    from policies.model import Policy
    from policies.pushes import PushEvidence
    from rollouts.findings import Finding

HELP = "say of an image why each policy row would ship it or not"
SHIPS, DOES_NOT, WRONG = 0, 1, 2


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what it takes."""
    parser.add_argument(
        "--rows", action="append", required=True, metavar="ROWS", help="a file of rows; may be repeated"
    )
    parser.add_argument(
        "--event", required=True, metavar="EVENT", help="a push event: Event Grid, CloudEvent or webhook"
    )
    parser.add_argument("--evidence", action="append", default=[], metavar="FILE", help="more events: scans and pushes")
    parser.add_argument("--running", metavar="TAG[@DIGEST]", help="what the container runs now")
    parser.add_argument("--at", metavar="TIME", help="when it is asked, as in 2026-11-24T09:00:00Z; now, when left out")
    parser.add_argument("--json", action="store_true", help="print the answers as JSON")
    parser.epilog = (
        "What only a cloud can tell (the registry's manifest, quarantine, signatures …) is taken for open, and said. "
        "Exits 0 when a row ships the image, 1 when none does, 2 when something cannot be read."
    )


def run(args: argparse.Namespace) -> int:
    """Exit 0 when a row ships the image, 1 when none does, 2 for what cannot be read."""
    try:
        now, running = _time(args.at), _running(args.running)
        rows = [row for name in args.rows for row in read_rows(name)]
        event = read_events(args.event)
        evidence = [read_events(name) for name in args.evidence]
    except FileError as error:
        print(error, file=sys.stderr)
        return WRONG
    for line in [line for told in (event, *evidence) for line in told.ignored]:
        print(line, file=sys.stderr)
    if len(event.pushes) != 1:
        print(f"{args.event}: expected one push event, found {len(event.pushes)}", file=sys.stderr)
        return WRONG
    (push,) = event.pushes
    linted = [one for one in checked(rows) if _is_about(one.row.partition, push) and one.row.key != DEFAULTS]
    policies = [one.policy for one in linted if one.policy]
    broken = {one.key: one.error for one in linted if one.error}
    image = Image(registry=push.registry, repository=push.repository, tag=push.tag, digest=push.digest)
    facts = _facts(image, push, [event, *evidence], running)
    judge = partial(_judge, siblings=policies)
    answers = explain.explain(policies, broken, image, facts, now, judge)
    print(_as_json(image, now, answers) if args.json else _as_text(image, now, answers))
    return SHIPS if any(one.ships for one in answers) else DOES_NOT


def _is_about(partition: str, push: PushEvidence) -> bool:
    registry, _, path = partition.partition("|")
    return registry == push.registry and path in ("*", push.repository.replace("/", "|"))


def _facts(image: Image, push: PushEvidence, told: list[Events], running: Pushed | None) -> Facts:
    pushes = [one for events in told for one in events.pushes]
    scans = [one for events in told for one in events.scans]
    return replace(offline.known(image, pushes, scans, push.pushed_at), running=running)


def _judge(policy: Policy, image: Image, facts: Facts, now: datetime, *, siblings: list[Policy]) -> Finding:
    """With the other rows of the same container beside it."""
    app = policy.app.named(image.repository)
    others = tuple(
        row
        for row in siblings
        if row.key != policy.key and row.app.named(image.repository) == app and row.container == policy.container
    )
    return offline.judge(policy, image, replace(facts, siblings=others), now)


def _time(text: str | None) -> datetime:
    if text is None:
        return datetime.now(UTC)
    read = read_time(text)
    if read is None:
        raise FileError(f"--at: expected a time as in 2026-11-24T09:00:00Z, found {quoted(text)}")
    return read


def _running(text: str | None) -> Pushed | None:
    if text is None:
        return None
    tag, _, digest = text.partition("@")
    if TAG.fullmatch(tag) is None:
        raise FileError(f"--running: expected a tag as in 1.4.2, found {quoted(text)}")
    return Pushed(tag=tag, digest=digest)


def _as_text(image: Image, now: datetime, answers: tuple[Explained, ...]) -> str:
    head = f"{image.registry}/{image.short} {image.digest[:19]} at {render.when(now)}"
    if not answers:
        return f"{head}\n\nno row is about {image.repository}: nothing ships it"
    assumed = sorted({gate for one in answers for gate in offline.assumptions(one.finding)})
    notes = [f"taken for open, for only a cloud can tell: {', '.join(assumed)}"] if assumed else []
    return "\n\n".join([head, *(explain.as_text(one) for one in answers), *notes])


def _as_json(image: Image, now: datetime, answers: tuple[Explained, ...]) -> str:
    found = {
        "image": {"registry": image.registry, "repository": image.repository, "tag": image.tag, "digest": image.digest},
        "at": now.isoformat().replace("+00:00", "Z"),
        "policies": [{**explain.as_data(one), "assumed": offline.assumptions(one.finding)} for one in answers],
    }
    return json.dumps(found, indent=2, ensure_ascii=False)
