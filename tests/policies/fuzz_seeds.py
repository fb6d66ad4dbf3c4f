"""What the fuzzer starts from: for every reader good input of each kind that it knows, by the reader's name."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from policies.evidence import scan_to_columns
from policies.pushes import PushEvidence, push_to_columns
from policies.scan_findings import ScanFinding, write_findings
from policies.scans.adapt import ADAPTERS
from tests.policies.pki import public, trusting, usual
from tests.policies.rows import CLEAN, NOON, REGISTRY, scan
from tests.policies.scans.reports import REPORTS

PLACE, PATTERNS = "contoso.azurecr.io|shop|web", "contoso.azurecr.io|*"
TAGS = ("1.4.2", "main-4821", "2026.11.2", "a" * 128, "1." * 64, "0" * 128, "-" * 100, "v1-rc.1", f"sha256-{'a' * 64}")
DIGEST = f"sha256:{'a1' * 32}"

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
    "scan": {"id": "1", "reason": "", "status": "completed", "completedAt": "2026-11-24T11:00:00.1234567Z"},
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
        "location": "westeurope",
        "actor": {"name": "ci"},
        "action": "push",
        "target": {"digest": DIGEST, "repository": "shop/web", "tag": "1.4.2", "mediaType": "a/b"},
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

WEBHOOK = {**PUSHED["data"], "request": {"host": "contoso.azurecr.io"}}
# As `az storage entity query`, Azure Storage Explorer and people write rows.
ROWS: list[dict[str, Any]] = [
    {"PartitionKey": PLACE, "RowKey": "production", "App": "a/b", "MinAge": "30", "MinAge@odata.type": "Edm.Int64"},
    {"PartitionKey": PLACE, "RowKey": "p", "Mode": {"edm_type": "Edm.Boolean", "value": "true"}, "etag": "1"},
]
CSV = f'PartitionKey,RowKey,Timestamp,App,App@type,Note\r\n{PLACE},production,2026,rg/ca,Edm.String,"a, b"\r\n'
YAML = f"""# rows
- &a
  PartitionKey: {PLACE}
  RowKey: production
  Tags: 'semver'
- *a
- {{RowKey: "b", PartitionKey: a}}
"""

LISTED = ScanFinding(id="CVE-2026-3141", severity="critical", fixable=True)
WRITTEN_FINDINGS: tuple[object, ...] = (json.loads(write_findings([LISTED])), [])
KNOWN = scan(findings=(LISTED,), counts=replace(CLEAN, critical=1), fixable=replace(CLEAN, critical=1), worst=("a",))
TOLD = PushEvidence(
    registry=REGISTRY,
    repository="shop/web",
    tag="1.4.3",
    digest=DIGEST,
    pushed_at=NOON,
    places={"westeurope": (NOON, NOON), "": (NOON, NOON)},
    pushers={"ada": NOON},
)

BY_KIND: Mapping[str, tuple[object, ...]] = {
    kind: tuple(report for report in REPORTS.values() if adapter.fits(report)) for kind, adapter in ADAPTERS.items()
}

SEEDS: Mapping[str, tuple[object, ...]] = {
    "cli.events_file.read_events": (
        [PUSHED, CLOUD_EVENT],
        PUSHED,
        f"{json.dumps(PUSHED)}\n{json.dumps(CLOUD_EVENT)}\n",
    ),
    "cli.rows_file.read_rows": (ROWS, CSV, YAML),
    "cli.rows_file.read_rows, JSON": (ROWS,),
    "cli.rows_file.read_rows, CSV": (CSV,),
    "cli.rows_file.read_rows, YAML": (YAML, ROWS),
    "delivery.replay.read": ({"rows": ROWS},),
    "handlers.decode.acr_webhook": (WEBHOOK, json.dumps(WEBHOOK)),
    "handlers.decode.image_pushed": (PUSHED, json.dumps(PUSHED)),
    "handlers.decode.is_scan": (CLOUD_EVENT, PUSHED),
    "handlers.decode.queued": (json.dumps(PUSHED), base64.b64encode(json.dumps(PUSHED).encode()).decode()),
    "handlers.decode.scan_completed": (CLOUD_EVENT, json.dumps(CLOUD_EVENT)),
    "policies.after.read_after": ("staging for 2h", "staging, canary for 1d"),
    "policies.approvers.read_approvers": ("2 of platform within 3d", "1 of shop-leads"),
    "policies.calver.read_format": ("YYYY.0M.MICRO", "YY.MM.MICRO-MODIFIER", "YYYY-0W"),
    "policies.checks.read_checks": (
        "probe /healthz expect 200-204 under 500ms; errors <= stable + 1% min 200 strikes 2",
        "restarts == 0; errors <= stable x 1.2 warn",
    ),
    "policies.dates.read_date": ("2026-12-20", "2024-02-29", "2999-12-31"),
    "policies.dates.suggest_date": ("20.12.2026", "12/31/2026", "Dec 20th, 2026", "20261220"),
    "policies.days.read_days": ("Mon-Fri", "daily", "Fri-Mon", "Wed"),
    "policies.days.suggest_days": ("Monday - Friday", "weekdays", "mon/tue"),
    "policies.durations.read_duration": ("10m", "1h 30m", "90s", "2d"),
    "policies.durations.suggest_duration": ("10 minutes", "1.5 hours", "90"),
    "policies.body.read_body": ('{"action": "push"}', "[]"),
    "policies.entities.read_entities": (
        {"PartitionKey": PLACE, "RowKey": "production", "App": "a/b", "MinAge": "30", "MinAge@odata.type": "Edm.Int64"},
        {"PartitionKey": PLACE, "RowKey": "p", "Mode": {"edm_type": "Edm.Boolean", "value": "true"}, "etag": "1"},
    ),
    "policies.evidence.scan_from_columns": (scan_to_columns(KNOWN),),
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
    "policies.identities.read_identities": (
        "x509.subject: C=US, O=Contoso, CN=release",
        "*",
        r"x509.subject: CN=a\\,b+OU=x, C=US; CN=c",
    ),
    "policies.keys.read_pattern": ("shop/*", "*", "team-?/a*b*c"),
    "policies.keys.read_place": (PLACE, PATTERNS, "https://Contoso.azurecr.io/shop/web"),
    "policies.metric_check.read_metric": (
        "p95 <= stable x 1.2 from appinsights",
        "metric mail-backlog <= 500 over 10m",
    ),
    "policies.metric_check.read_over": ("10m", "1h30m"),
    "policies.metric_check.read_source": ("appinsights", "monitor"),
    "policies.min_age.read_min_age": ("24h", "none"),
    "policies.pushes.push_from_columns": (push_to_columns(TOLD),),
    "policies.scan_cell.read_scan_rule": (
        "critical 0, high 3, within 1h else hold",
        "critical 0, fixable only, by trivy, not older than 24h, except CVE-2026-1 until 2026-12-01",
    ),
    "policies.scan_findings.read_findings": WRITTEN_FINDINGS,
    **{f"policies.scans.{kind}.read": reports for kind, reports in BY_KIND.items()},
    "policies.scans.tally.read_count": (1, 0),
    "policies.scans.tally.read_counts": (SCANNED["summary"]["total"],),
    "policies.scan_event.read_scan": (SCANNED,),
    "policies.signatures.read_object": ('{"payload": "e30", "protected": "e30"}', "{}"),
    "policies.signing_keys.read_public_keys": (public(), {**public("rsa2048"), "Note": "of the build"}),
    "policies.signing_keys.read_trusted": (trusting(), trusting(*usual(), identities="*")),
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
    "policies.week_cell.suggest_spans": ("Monday to Friday, 9am-5pm", "9:00 - 17.30", "weekdays from 9 until 17h"),
    "policies.zones.suggest_zone": ("london", "America/Buenos Aires", "est", "Europe/Londn"),
    "policies.zones.read_zone": ("Europe/London", "UTC", "America/Argentina/Buenos_Aires"),
    "policies.window.read_window": ("Mon-Thu 09:00-16:00 Europe/London", "Mon,Wed 22:00-02:00 UTC"),
}
