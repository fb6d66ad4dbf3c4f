"""What the fuzzer feeds: every reader of text or JSON that people or other systems wrote, with seeds to start from.

A new reader needs a line in `SEEDS` (and one in `CALLS`, if it is not called with the text alone, or with the text and
its column); `test_fuzz.py` names the readers that have none. The columns of a row need no line: each is also fuzzed
through `parse`, from its example.
"""

from __future__ import annotations

import ast
import base64
import importlib
import inspect
import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from delivery.errors import Malformed
from policies.body import read_body
from policies.calver import read_format
from policies.cells import EXAMPLES
from policies.certificates import UNREADABLE, read_chain
from policies.entities import NotRows
from policies.errors import CellError, EvidenceError, PolicyError
from policies.history import read_entry
from policies.identities import read_identities
from policies.keys import read_pattern, read_place
from policies.metric_check import read_metric, read_source
from policies.parse import check_defaults, parse
from policies.scan_event import read_scan
from policies.scan_findings import ScanFinding, read_findings, write_findings
from policies.scans.adapt import ADAPTERS, adapt
from policies.scans.tally import read_count, read_counts
from policies.signatures import Unproven, read_object
from policies.signing_keys import read_public_keys, read_trusted
from policies.tag_cell import read_tags
from tests.policies.scans.reports import MDVM, REPORTS

ROOT = Path(__file__).parents[2]
TOLD = (CellError, EvidenceError, NotRows, PolicyError, Malformed, Unproven)
"""How a reader says no; anything else that it raises is a crash."""

PLACE, PATTERNS = "contoso.azurecr.io|shop|web", "contoso.azurecr.io|*"
TAGS = ("1.4.2", "main-4821", "2026.11.2", "a" * 128, "1." * 64, "0" * 128, "-" * 100, "v1-rc.1", f"sha256-{'a' * 64}")
DIGEST = f"sha256:{'a1' * 32}"

PEM = "-----BEGIN CERTIFICATE-----\nMIIBszCCAVmgAwIBAgIUQ2=\n-----END CERTIFICATE-----"
BY_KIND = {kind: [report for report in REPORTS.values() if adapter.fits(report)] for kind, adapter in ADAPTERS.items()}

# The shape of the documented CloudEvent, docs/scan-completed.schema.json.
SCANNED: dict[str, Any] = {
    "image": {
        "registry": "contoso.azurecr.io",
        "repository": "shop/web",
        "digest": DIGEST,
        "tags": ["1.4.2"],
        "indexDigest": DIGEST,
        "platform": {"os": "linux", "architecture": "amd64"},
    },
    "scanner": {"name": "trivy", "version": "0.58.0", "dbUpdatedAt": "2026-11-24T10:00:00Z", "adapter": "trivy/1"},
    "scan": {"id": "1", "status": "completed", "completedAt": "2026-11-24T11:00:00.1234567Z"},
    "summary": {
        "total": {"critical": 1, "high": 0, "medium": 3, "low": 0, "negligible": 0, "unknown": 0},
        "fixable": {"critical": 1, "high": 0, "medium": 0, "low": 0, "negligible": 0, "unknown": 0},
    },
    "findings": [{"id": "CVE-2026-3141", "severity": "critical", "package": "openssl", "fixedIn": "3.0.15"}],
    "findingsTruncated": False,
    "report": {"uri": "https://ci.contoso.com/1", "mediaType": "application/json"},
}
# The shape of Microsoft.ContainerRegistry.ImagePushed in the Event Grid schema reference.
PUSHED: dict[str, Any] = {
    "id": "1",
    "eventType": "Microsoft.ContainerRegistry.ImagePushed",
    "topic": "/subscriptions/s/resourceGroups/g/providers/Microsoft.ContainerRegistry/registries/contoso",
    "eventTime": "2026-11-25T04:13:47.1234567Z",
    "data": {
        "timestamp": "2026-11-25T04:13:47.1234567Z",
        "action": "push",
        "target": {"digest": DIGEST, "repository": "shop/web", "tag": "1.4.2"},
        "request": {"host": "contoso.azurecr.io", "method": "PUT"},
    },
}
CLOUD_EVENT = {
    "specversion": "1.0",
    "id": "1",
    "type": "Weighbridge.ImageScanCompleted",
    "source": "/ci",
    "time": "2026-11-24T11:00:00Z",
    "data": SCANNED,
}

LISTED = ScanFinding(id="CVE-2026-3141", severity="critical", fixable=True)
WRITTEN_FINDINGS: tuple[object, ...] = (json.loads(write_findings([LISTED])), [])
KEYS = {"Identities": "x509.subject: C=US, O=Contoso, CN=release", "PublicKey": PEM, "Certificates": PEM, "Note": "x"}

SEEDS: Mapping[str, tuple[object, ...]] = {
    "handlers.decode.acr_webhook": (json.dumps({**PUSHED["data"], "request": {"host": "contoso.azurecr.io"}}),),
    "handlers.decode.image_pushed": (json.dumps(PUSHED), json.dumps([PUSHED])),
    "handlers.decode.is_scan": (json.dumps(CLOUD_EVENT), json.dumps(PUSHED)),
    "handlers.decode.queued": (json.dumps(PUSHED), base64.b64encode(json.dumps(PUSHED).encode()).decode()),
    "handlers.decode.scan_completed": (json.dumps(CLOUD_EVENT),),
    "policies.after.read_after": ("staging for 2h", "staging, canary for 1d"),
    "policies.approvers.read_approvers": ("2 of platform within 3d", "1 of shop-leads"),
    "policies.calver.read_format": ("YYYY.0M.MICRO", "YY.MM.MICRO-MODIFIER", "YYYY-0W"),
    "policies.certificates.read_chain": (["MIIB", PEM], [""]),
    "policies.checks.read_checks": (
        "probe /healthz expect 200-204 under 500ms; errors <= stable + 1% min 200 strikes 2",
        "restarts == 0; errors <= stable x 1.2 warn",
    ),
    "policies.dates.read_date": ("2026-12-20", "2024-02-29", "2999-12-31"),
    "policies.days.read_days": ("Mon-Fri", "daily", "Fri-Mon", "Wed"),
    "policies.durations.read_duration": ("10m", "1h 30m", "90s", "2d"),
    "policies.body.read_body": ('{"action": "push"}', "[]"),
    "policies.entities.read_entities": (
        {"PartitionKey": PLACE, "RowKey": "production", "App": "a/b", "MinAge": "30", "MinAge@odata.type": "Edm.Int64"},
        {"PartitionKey": PLACE, "RowKey": "p", "Mode": {"edm_type": "Edm.Boolean", "value": "true"}, "etag": "1"},
    ),
    "policies.evidence.read_time": (
        "2026-11-25T04:13:47.1234567Z",
        "2026-11-25 04:13:47+01:00",
        "9999-12-31T23:59:59Z",
    ),
    "policies.freeze.read_freeze": ("2026-12-20..2027-01-03, 2026-11-27", "2026-12-20"),
    "policies.history.read_entry": (
        {"time": "2026-11-24T09:00:00Z", "push": {"image": f"contoso.azurecr.io/shop/web:1.4.3@{DIGEST}", "by": "ada"}},
        {
            "time": "2026-11-24T09:04:00Z",
            "scan": {"image": f"contoso.azurecr.io/shop/web@{DIGEST}", "scanner": "trivy", "counts": {"critical": 0}},
        },
        {"specversion": "1.0", "type": "Weighbridge.ImageScanCompleted", "source": "/ci", "data": SCANNED},
        {
            "specversion": "1.0",
            "type": "Weighbridge.RolloutRolledBack",
            "source": "/app",
            "time": "2026-11-24T10:04:00Z",
            "data": {
                "image": {"registry": "contoso.azurecr.io", "repository": "shop/web", "tag": "1", "digest": DIGEST},
                "policy": {"name": "production"},
                "because": "errors 6.1 %",
            },
        },
        PUSHED,
    ),
    "policies.identities.read_identities": (KEYS["Identities"], "*", r"x509.subject: CN=a\\,b+OU=x, C=US; CN=c"),
    "policies.keys.read_pattern": ("shop/*", "*", "team-?/a*b*c"),
    "policies.keys.read_place": (PLACE, PATTERNS, "https://Contoso.azurecr.io/shop/web"),
    "policies.metric_check.read_metric": (
        "p95 <= stable x 1.2 from appinsights",
        "metric mail-backlog <= 500 over 10m",
    ),
    "policies.metric_check.read_over": ("10m", "1h30m"),
    "policies.metric_check.read_source": ("appinsights", "monitor"),
    "policies.min_age.read_min_age": ("24h", "none"),
    "policies.scan_cell.read_scan_rule": (
        "critical 0, high 3, within 1h else hold",
        "critical 0, fixable only, by trivy, not older than 24h, except CVE-2026-1 until 2026-12-01",
    ),
    "policies.scan_findings.read_findings": WRITTEN_FINDINGS,
    **{f"policies.scans.{kind}.read": tuple(reports) for kind, reports in BY_KIND.items()},
    "policies.scans.tally.read_count": (1, 0),
    "policies.scans.tally.read_counts": (SCANNED["summary"]["total"],),
    "policies.scan_event.read_scan": (SCANNED,),
    "policies.signatures.read_object": ('{"payload": "e30", "protected": "e30"}', "{}"),
    "policies.signing_keys.read_public_keys": (KEYS,),
    "policies.signing_keys.read_trusted": (KEYS,),
    "policies.signed.read_signed": ("notation: release-key", "cosign: key"),
    "policies.steps.read_steps": (
        "canary",
        "linear 10% every 5m",
        "5% for 10m, 50% until approved within 24h, 100% for 1h",
    ),
    "policies.tag_cell.read_tags": (
        "semver: >=3.0 <4 from hotfix-{}",
        "newest from main-*",
        "calver: YYYY.0M.MICRO",
        "exact: latest, stable",
        "regex: v(?P<n>[0-9]+) except *-debug, *-rc*",
        "glob: main-*",
        "number from b{}",
    ),
    "policies.versions.read_range": (">=1.4 <2", "^1.2 || ~3", "1.x", "1.2 - 3.4", ">=1.0.0-0, !=1.5"),
    "policies.versions.read_version": ("1.4.2", "v1.0.0-rc.1+build.7", "0.0.0-0", "1.2"),
    "policies.week_cell.read_spans": ("Mon-Thu 09:00-16:00, Fri 09:00-12:00", "daily 22:00-02:00"),
    "policies.zones.read_zone": ("Europe/London", "UTC", "America/Argentina/Buenos_Aires"),
    "policies.window.read_window": ("Mon-Thu 09:00-16:00 Europe/London", "Mon,Wed 22:00-02:00 UTC"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """A reader, and what it is fed: texts, or values of JSON. column: it reads a cell, and must take its own hints."""

    read: Callable[[object], object]
    seeds: tuple[object, ...]
    column: bool = False


def _defaults(text: object) -> object:
    check_defaults(PATTERNS, {"Scan": "critical 0", "Lock": text, "Steps": text})
    return parse(PLACE, "production", {"App": "a/b", "Scan": "high 1"}, {"Scan": text, "Lock": "Scan"})


def _select(text: object) -> object:
    """What a Tags cell says, put to use: no expression in a row may stall an event."""
    rule = read_tags(str(text))
    return [rule.select(tag).selected for tag in TAGS]


def _adapted(report: object) -> object:
    """A whole report of any kind, as `weighbridge publish-scan` reads it: what comes of it is a good event."""
    return adapt(report, registry="contoso.azurecr.io", repository="shop/web", digest=DIGEST, defender_keys=[MDVM])


def _documented(read: Callable[[Any], object], *more: type[Exception]) -> Callable[[object], object]:
    """A reader within the core that says no with errors its callers answer for: `ValueError` by its docstring."""

    told: tuple[type[Exception], ...] = (ValueError, *more)

    def reading(found: object) -> object:
        try:
            return read(found)
        except told as error:
            raise EvidenceError("fuzz", [str(error)]) from error

    return reading


def _row_of_keys(read: Callable[[str, Mapping[str, object]], object]) -> Callable[[object], object]:
    return lambda columns: read("key", columns if isinstance(columns, dict) else {"Certificates": columns})


CALLS: Mapping[str, Callable[[object], object]] = {
    "policies.certificates.read_chain": _documented(read_chain, *UNREADABLE),
    "policies.identities.read_identities": _documented(read_identities),
    "policies.scan_findings.read_findings": _documented(read_findings),
    "policies.calver.read_format": lambda text: read_format(str(text), "Tags"),
    "policies.metric_check.read_source": lambda text: read_source(read_metric("p95 <= 400ms")[0], str(text)),
    **{f"policies.scans.{kind}.read": _adapted for kind in BY_KIND},
    "policies.scans.tally.read_count": lambda value: read_count(value, "data.count"),
    "policies.scans.tally.read_counts": lambda value: read_counts(value, "data.counts"),
    "policies.signatures.read_object": lambda text: read_object("envelope", str(text).encode(errors="replace")),
    "policies.signing_keys.read_public_keys": _row_of_keys(read_public_keys),
    "policies.signing_keys.read_trusted": _row_of_keys(read_trusted),
    "policies.body.read_body": lambda text: read_body("body", str(text), 1024),
    "policies.history.read_entry": lambda value: read_entry("event 1", value),
    "policies.keys.read_pattern": lambda text: read_pattern(str(text), "Repository"),
    "policies.keys.read_place": lambda text: (read_place(str(text), "p", []), read_place(PLACE, str(text), [])),
    "policies.scan_event.read_scan": lambda data: read_scan("event 1", data),
}


def readers() -> Iterator[str]:
    """Every reader there is: `read` and `read_*` of policies, and what handlers/decode.py offers."""
    for path in sorted((ROOT / "policies").rglob("*.py")):
        module = ".".join(path.relative_to(ROOT).with_suffix("").parts)
        for node in ast.parse(path.read_text()).body:
            if isinstance(node, ast.FunctionDef) and re.match(r"read(_|$)", node.name):
                yield f"{module}.{node.name}"
    for node in ast.parse((ROOT / "handlers" / "decode.py").read_text()).body:
        if isinstance(node, ast.FunctionDef) and not node.name.startswith("_"):
            yield f"handlers.decode.{node.name}"


def targets() -> dict[str, Target]:
    """By name: the readers, each column of a row, the defaults row, and a Tags cell that is used."""
    found = {name: _reader(name, seeds) for name, seeds in SEEDS.items()}
    for column, example in EXAMPLES.items():
        found[f"row: {column}"] = Target(read=_row(column), seeds=(example, "none"))
    found["row: defaults"] = Target(read=_defaults, seeds=("critical 0, within 1h else hold", "Scan, Freeze"))
    found["tags selected"] = Target(read=_select, seeds=SEEDS["policies.tag_cell.read_tags"])
    return found


def _reader(name: str, seeds: tuple[object, ...]) -> Target:
    if name in CALLS:
        return Target(read=CALLS[name], seeds=seeds)
    module, _, function = name.rpartition(".")
    read = getattr(importlib.import_module(module), function)
    return Target(read=read, seeds=seeds, column="column" in inspect.signature(read).parameters)


def _row(column: str) -> Callable[[object], object]:
    partition = PATTERNS if column == "Repository" else PLACE
    return lambda text: parse(partition, "production", {"App": "rg-shop/ca-web", column: text}, None)
