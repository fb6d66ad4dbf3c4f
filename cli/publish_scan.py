"""`weighbridge publish-scan`: tell Weighbridge what a scanner found, as one event on an Event Grid topic."""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import re
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from cli.topic import NotSent, Topic, send
from policies.errors import EvidenceError, quoted
from policies.evidence import DIGEST, REPOSITORY
from policies.scans.adapt import ADAPTERS, adapt
from policies.scans.event import scan_event

if TYPE_CHECKING:
    from collections.abc import Callable

HELP = "publish a scanner's report as evidence about an image"
SENT, NOT_SENT, BAD = 0, 1, 2
_MOST_BYTES = 64 * 1024 * 1024
_HOST = re.compile(r"[A-Za-z0-9][A-Za-z0-9.-]{0,252}(?::[0-9]{1,5})?", re.ASCII)
_PLATFORM = re.compile(r"[a-z0-9]{1,64}/[a-z0-9]{1,64}", re.ASCII)
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*", re.ASCII)


class BadReport(Exception):
    """A report that cannot be read; says what was found."""


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what it takes."""
    formats = ", ".join(ADAPTERS)
    parser.add_argument("report", metavar="REPORT", help=f"a file, or - for standard input; {formats}: as its JSON")
    image = parser.add_argument_group("the image that was scanned")
    image.add_argument(
        "--digest", required=True, type=_shaped(DIGEST, "sha256:…"), help="of the manifest, as the registry has it"
    )
    image.add_argument(
        "--registry", required=True, type=_shaped(_HOST, "contoso.azurecr.io"), help="login server, contoso.azurecr.io"
    )
    image.add_argument("--repository", required=True, type=_shaped(REPOSITORY, "shop/web"), help="as in shop/web")
    image.add_argument("--tag", action="append", default=[], help="may be given again")
    image.add_argument("--platform", type=_shaped(_PLATFORM, "linux/amd64"), help="as in linux/amd64")
    image.add_argument("--index-digest", type=_shaped(DIGEST, "sha256:…"), help="of the multi-platform index it is in")
    parser.add_argument(
        "--defender-key", action="append", default=[], metavar="KEY", help="assessment of Defender that counts"
    )
    where = parser.add_argument_group("where it goes")
    where.add_argument("--topic", default="", metavar="ENDPOINT", help="of the topic, https://…/api/events")
    where.add_argument(
        "--key-from",
        metavar="ENV",
        type=_shaped(_VARIABLE, "TOPIC_KEY"),
        help="environment variable with the topic's key; without it, this machine's identity is used",
    )
    where.add_argument("--dry-run", action="store_true", help="print the event and send nothing")


def run(args: argparse.Namespace) -> int:
    """Exit 0 sent (or printed), 1 not sent, 2 for a bad report or bad arguments."""
    if not args.topic and not args.dry_run:
        return _said(BAD, "--topic: expected the topic's endpoint (or --dry-run), found none")
    try:
        event = scan_event(_data(args))
    except (BadReport, EvidenceError) as error:
        return _said(BAD, str(error))
    if args.dry_run:
        print(json.dumps(event, indent=2))
        return SENT
    try:
        send(Topic.of(args.topic, args.key_from or "", os.environ), event)
    except NotSent as error:
        return _said(NOT_SENT, str(error))
    print(f"sent {event['id']}: {_summary(event)}")
    return SENT


def _data(args: argparse.Namespace) -> dict[str, object]:
    content = _content(args.report)
    return adapt(
        _decoded(content),
        registry=args.registry,
        repository=args.repository,
        digest=args.digest,
        tags=args.tag,
        platform=args.platform or "",
        index_digest=args.index_digest or "",
        at=datetime.now(UTC),
        scan_id=hashlib.sha256(content).hexdigest()[:32],
        defender_keys=args.defender_key,
    )


def _content(name: str) -> bytes:
    try:
        with sys.stdin.buffer if name == "-" else Path(name).open("rb") as file:
            content = file.read(_MOST_BYTES + 1)
    except OSError as error:
        raise BadReport(f"{name}: expected a file, found {error.strerror}") from error
    if len(content) > _MOST_BYTES:
        raise BadReport(f"{name}: expected at most {_MOST_BYTES // 1024 // 1024} MiB, found more")
    return content


def _decoded(content: bytes) -> object:
    try:
        report: object = json.loads(content.decode("utf-8-sig"))
    except (ValueError, RecursionError) as error:
        found = "nothing" if not content.strip() else f"something else ({type(error).__name__})"
        raise BadReport(f"report: expected JSON, found {found}") from error
    return report


def _summary(event: dict[str, object]) -> str:
    match event["data"]:
        case {"scanner": {"name": scanner}, "scan": {"status": status}, "summary": summary}:
            found = summary["total"] if isinstance(summary, dict) else {}
            counts = ", ".join(f"{count} {name}" for name, count in found.items() if count)
            return f"{event['subject']}: {scanner} {status}{', found ' + (counts or 'nothing') if found else ''}"
        case _:
            return str(event["subject"])


def _shaped(pattern: re.Pattern[str], example: str) -> Callable[[str], str]:
    def read(text: str) -> str:
        if pattern.fullmatch(text) is None:
            raise argparse.ArgumentTypeError(f"expected one as in {example}, found {quoted(text)}")
        return text

    return read


def _said(code: int, why: str) -> int:
    print(why, file=sys.stderr)
    return code
