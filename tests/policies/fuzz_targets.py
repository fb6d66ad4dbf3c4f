"""What the fuzzer feeds: every reader of text or JSON that people or other systems wrote.

A new reader needs seeds in fuzz_seeds.py, and a line in `CALLS` if it is not called with the text alone, or with the
text and its column; `test_fuzz.py` names the readers that have none. The columns of a row need no line: each is also
fuzzed through `parse`, from its example.
"""

from __future__ import annotations

import ast
import importlib
import inspect
import json
import re
import tempfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cli.events_file import read_events
from cli.rows_file import read_rows
from cli.text_file import FileError
from delivery import replay
from delivery.errors import Malformed
from handlers import decode
from policies.body import read_body
from policies.calver import read_format
from policies.cells import EXAMPLES
from policies.certificates import UNREADABLE
from policies.dates import read_date, suggest_date
from policies.days import read_days, suggest_days
from policies.durations import read_duration, suggest_duration
from policies.entities import NotRows
from policies.errors import CellError, EvidenceError, PolicyError
from policies.evidence import scan_from_columns
from policies.history import read_entry
from policies.identities import read_identities
from policies.keys import read_pattern, read_place
from policies.metric_check import read_metric, read_source
from policies.parse import check_defaults, parse
from policies.pushes import push_from_columns
from policies.scan_event import read_scan
from policies.scan_findings import read_findings
from policies.scans.adapt import ADAPTERS
from policies.scans.event import scan_event
from policies.scans.outcome import data_of as data_of_outcome
from policies.scans.subject import Subject
from policies.scans.tally import read_count, read_counts
from policies.signatures import Unproven, read_object
from policies.signing_keys import read_public_keys, read_trusted
from policies.tag_cell import read_tags
from policies.week_cell import read_spans, suggest_spans
from policies.zones import read_zone, suggest_zone
from tests.policies.fuzz_seeds import PATTERNS, PLACE, SEEDS, TAGS
from tests.policies.fuzz_signed import SIGNED
from tests.policies.scans.reports import AT, REGISTRY, REPORTS, REPOSITORY, data_of
from tests.policies.scans.reports import DIGEST as REPORTED

ROOT = Path(__file__).parents[2]
TOLD = (CellError, EvidenceError, FileError, NotRows, PolicyError, Malformed, Unproven)
"""How a reader says no; anything else that it raises is a crash."""
FILES = tempfile.TemporaryDirectory(prefix="weighbridge-fuzz-")
SUBJECT = Subject(registry=REGISTRY, repository=REPOSITORY, digest=REPORTED, at=AT)
Read = Callable[[object], object]


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """A reader, and what it is fed: texts, or values of JSON. column: it reads this cell, and must take its hints."""

    read: Read
    seeds: tuple[object, ...]
    column: str = ""


def _defaults(text: object) -> object:
    check_defaults(PATTERNS, {"Scan": text, "Lock": "Scan", "Window": text})
    return parse(PLACE, "production", {"App": "rg-shop/ca-web", "Scan": "high 1"}, {"Scan": text, "Lock": "Scan"})


def _select(text: object) -> object:
    """What a Tags cell says, put to use: no expression in a row may stall an event."""
    rule = read_tags(str(text))
    return [(rule.select(tag).selected, rule.key(tag)) for tag in TAGS]


def _direct(kind: str) -> Read:
    """An adapter by itself, also of what another adapter would have been chosen for."""
    read = ADAPTERS[kind].read
    return lambda report: data_of_outcome(
        read(report if isinstance(report, dict) else {"data": report}, SUBJECT), SUBJECT
    )


def _published(report: object) -> object:
    """A whole report of any kind, as `weighbridge publish-scan` reads it."""
    return scan_event(data_of(report))


def _documented(read: Callable[[Any], object], *more: type[Exception]) -> Read:
    """A reader within the core that says no with errors its callers answer for: `ValueError` by its docstring."""
    told: tuple[type[Exception], ...] = (ValueError, *more)

    def reading(found: object) -> object:
        try:
            return read(found)
        except told as error:
            raise EvidenceError("fuzz", [str(error)]) from error

    return reading


def _columns(read: Callable[[str, Mapping[str, object]], object], otherwise: str) -> Read:
    return lambda columns: read("key", columns if isinstance(columns, dict) else {otherwise: columns})


def _as_text(read: Callable[[str], object]) -> Read:
    """A reader of JSON as text: a value is written first."""
    return lambda found: read(found if isinstance(found, str) else json.dumps(found))


def _as_file(read: Callable[[str], object], name: str) -> Read:
    path = Path(FILES.name) / name

    def reading(found: object) -> object:
        text = found if isinstance(found, str) else json.dumps(found)
        path.write_bytes(text.encode(errors="surrogatepass"))
        return read(str(path))

    return reading


def _offered(suggest: Callable[[str], str], reads: Callable[[str], object]) -> Read:
    """What is suggested instead of a bad text is a good one."""

    def offering(text: object) -> object:
        offer = suggest(str(text))
        if offer and not reads(offer):
            raise AssertionError(f"offered {offer!r}")
        return offer

    return offering


CALLS: Mapping[str, Read] = {
    **{f"handlers.decode.{name}": _as_text(getattr(decode, name)) for name in decode.__all__ if name.islower()},
    "cli.events_file.read_events": _as_file(read_events, "events"),
    "cli.rows_file.read_rows": _as_file(read_rows, "rows"),
    "cli.rows_file.read_rows, JSON": _as_file(read_rows, "rows.json"),
    "cli.rows_file.read_rows, CSV": _as_file(read_rows, "rows.csv"),
    "cli.rows_file.read_rows, YAML": _as_file(read_rows, "rows.yaml"),
    "delivery.replay.read": _as_text(replay.read),
    "policies.body.read_body": _as_text(lambda text: read_body("body", text, 1024 * 1024)),
    "policies.calver.read_format": lambda text: read_format(str(text), "Tags"),
    "policies.dates.suggest_date": _offered(suggest_date, read_date),
    "policies.days.suggest_days": _offered(suggest_days, read_days),
    "policies.durations.suggest_duration": _offered(suggest_duration, read_duration),
    "policies.evidence.scan_from_columns": _columns(scan_from_columns, "v"),
    "policies.history.read_entry": lambda value: read_entry("event 1", value),
    "policies.identities.read_identities": _documented(read_identities),
    "policies.keys.read_pattern": lambda text: read_pattern(str(text), "Repository"),
    "policies.keys.read_place": lambda text: (read_place(str(text), "p", []), read_place(PLACE, str(text), [])),
    "policies.metric_check.read_source": lambda text: read_source(read_metric("p95 <= 400ms")[0], str(text)),
    "policies.pushes.push_from_columns": _columns(push_from_columns, "v"),
    "policies.scan_event.read_scan": lambda data: read_scan("event 1", data),
    "policies.scan_findings.read_findings": _documented(read_findings),
    **{f"policies.scans.{kind}.read": _direct(kind) for kind in ADAPTERS},
    "policies.scans.tally.read_count": lambda value: read_count(value, "data.count"),
    "policies.scans.tally.read_counts": lambda value: read_counts(value, "data.counts"),
    "policies.signatures.read_object": _as_text(lambda text: read_object("envelope", text.encode(errors="replace"))),
    "policies.signing_keys.read_public_keys": _columns(read_public_keys, "PublicKey"),
    "policies.signing_keys.read_trusted": _columns(read_trusted, "Certificates"),
    "policies.week_cell.suggest_spans": _offered(suggest_spans, lambda offer: not read_spans(offer)[1]),
    "policies.zones.suggest_zone": _offered(suggest_zone, read_zone),
    **{name: _documented(read, *UNREADABLE) for name, (read, _) in SIGNED.items() if name.endswith("read_chain")},
    **{name: read for name, (read, _) in SIGNED.items() if not name.endswith("read_chain")},
}


def readers() -> Iterator[str]:
    """Every reader there is: what policies and the files of the command line read, suggest and verify, and events."""
    read = r"(read|suggest)(_|$)|verify$|\w+_from_columns$"
    yield from _functions("policies", "**/*.py", read)
    yield from _functions("cli", "*s_file.py", r"read_")
    yield from _functions("delivery", "replay.py", r"read$")
    yield from _functions("handlers", "decode.py", r"[a-z]")


def _functions(folder: str, files: str, named: str) -> Iterator[str]:
    for path in sorted((ROOT / folder).glob(files)):
        module = ".".join(path.relative_to(ROOT).with_suffix("").parts)
        for node in ast.parse(path.read_text()).body:
            if isinstance(node, ast.FunctionDef) and re.match(named, node.name):
                yield f"{module}.{node.name}"


def targets() -> dict[str, Target]:
    """By name: the readers, whole reports, each column of a row, the defaults row, and a Tags cell that is used."""
    found = {name: _reader(name, seeds) for name, seeds in {**SEEDS, **{n: s for n, (_, s) in SIGNED.items()}}.items()}
    for kind, report in REPORTS.items():
        found[f"report: {kind}"] = Target(read=_published, seeds=(report,))
    for column, example in EXAMPLES.items():
        found[f"row: {column}"] = Target(read=_row(column), seeds=(example, "none"), column=column)
    found["row: defaults"] = Target(read=_defaults, seeds=("none", "Scan, Freeze", "critical 0, high 1"))
    found["tags selected"] = Target(read=_select, seeds=SEEDS["policies.tag_cell.read_tags"])
    return found


def _reader(name: str, seeds: tuple[object, ...]) -> Target:
    if name in CALLS:
        return Target(read=CALLS[name], seeds=seeds)
    module, _, function = name.rpartition(".")
    read = getattr(importlib.import_module(module), function)
    asked = inspect.signature(read).parameters.get("column")
    return Target(read=read, seeds=seeds, column=str(asked.default) if asked else "")


def _row(column: str) -> Read:
    if column == "Lock":
        return lambda text: check_defaults(PATTERNS, {column: text})
    partition = PATTERNS if column == "Repository" else PLACE
    return lambda text: parse(partition, "production", {"App": "rg-shop/ca-web", column: text}, None)
