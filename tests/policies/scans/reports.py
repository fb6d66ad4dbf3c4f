"""Small reports of the real shape, to be spoiled one thing at a time. Each names where its shape is from."""

from __future__ import annotations

import copy
from datetime import UTC, datetime
from typing import Any

from policies.scans.adapt import adapt

REGISTRY, REPOSITORY = "contoso.azurecr.io", "shop/web"
DIGEST, OTHER, CONFIG = (f"sha256:{letter * 64}" for letter in "abc")
INDEX = "sha256:" + "d" * 64
AT = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)

# aquasecurity/trivy, integration/testdata/alpine-310.json.golden
TRIVY: dict[str, Any] = {
    "SchemaVersion": 2,
    "Trivy": {"Version": "0.68.1"},
    "CreatedAt": "2026-11-24T09:04:00.123456789Z",
    "ArtifactName": f"{REGISTRY}/{REPOSITORY}:1.4.3",
    "ArtifactType": "container_image",
    "Metadata": {
        "OS": {"Family": "alpine", "Name": "3.10.2", "EOSL": True},
        "ImageID": CONFIG,
        "DiffIDs": ["sha256:" + "e" * 64],
        "RepoTags": [f"{REGISTRY}/{REPOSITORY}:1.4.3"],
        "RepoDigests": [f"{REGISTRY}/{REPOSITORY}@{DIGEST}"],
        "ImageConfig": {"architecture": "amd64", "os": "linux", "rootfs": {"type": "layers", "diff_ids": []}},
    },
    "Results": [
        {
            "Target": "shop/web:1.4.3 (alpine 3.10.2)",
            "Class": "os-pkgs",
            "Type": "alpine",
            "Vulnerabilities": [
                {
                    "VulnerabilityID": "CVE-2019-1549",
                    "PkgID": "libcrypto1.1@1.1.1c-r0",
                    "PkgName": "libcrypto1.1",
                    "InstalledVersion": "1.1.1c-r0",
                    "FixedVersion": "1.1.1d-r0",
                    "Status": "fixed",
                    "SeveritySource": "nvd",
                    "PrimaryURL": "https://avd.aquasec.com/nvd/cve-2019-1549",
                    "Severity": "MEDIUM",
                    "CVSS": {"nvd": {"V3Vector": "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:L/I:N/A:N", "V3Score": 5.3}},
                },
                {
                    "VulnerabilityID": "CVE-2026-3141",
                    "PkgName": "musl",
                    "InstalledVersion": "1.1.22-r3",
                    "Status": "affected",
                    "Severity": "CRITICAL",
                },
            ],
        },
        {"Target": "app/requirements.txt", "Class": "lang-pkgs", "Type": "pip"},
    ],
}

# anchore/grype, grype/presenter/json/testdata/snapshot/TestJsonImgsPresenter.golden
GRYPE: dict[str, Any] = {
    "matches": [
        {
            "vulnerability": {
                "id": "CVE-1999-0001",
                "dataSource": "https://nvd.nist.gov/vuln/detail/CVE-1999-0001",
                "severity": "Low",
                "cvss": [{"version": "3.1", "vector": "CVSS:3.1/…", "metrics": {"baseScore": 8.2}}],
                "epss": [{"cve": "CVE-1999-0001", "epss": 0.03, "percentile": 0.42}],
                "knownExploited": [{"cve": "CVE-1999-0001"}],
                "fix": {"versions": ["1.2.1", "2.1.3"], "state": "fixed"},
                "risk": 1.68,
            },
            "artifact": {"name": "package-1", "version": "1.1.1", "type": "rpm", "purl": ""},
        },
        {
            "vulnerability": {
                "id": "CVE-1999-0002",
                "severity": "Critical",
                "cvss": [],
                "fix": {"versions": [], "state": "unknown"},
            },
            "artifact": {"name": "package-2", "version": "2.2.2", "type": "deb", "purl": "pkg:deb/package-2@2.2.2"},
        },
    ],
    "source": {
        "type": "image",
        "target": {
            "userInput": f"{REGISTRY}/{REPOSITORY}:1.4.3",
            "imageID": CONFIG,
            "manifestDigest": OTHER,
            "mediaType": "application/vnd.docker.distribution.manifest.v2+json",
            "tags": ["shop/web:1.4.3"],
            "repoDigests": [f"{REGISTRY}/{REPOSITORY}@{DIGEST}"],
            "architecture": "amd64",
            "os": "linux",
        },
    },
    "distro": {"name": "centos", "version": "8.0", "idLike": ["rhel"]},
    "descriptor": {
        "name": "grype",
        "version": "0.104.0",
        "timestamp": "2026-11-24T09:05:00.5+01:00",
        "db": {"status": {"built": "2026-11-24T06:00:00Z", "valid": True}},
    },
}

# learn.microsoft.com/azure/defender-for-cloud/subassessment-rest-api, its sample row
MDVM = "c0b7cfc6-3172-465a-b378-53c7ff2cc0d5"
DEFENDER_ROW: dict[str, Any] = {
    "id": (
        "/subscriptions/1/resourceGroups/rg/providers/Microsoft.ContainerRegistry/registries/contoso/providers/"
        f"Microsoft.Security/assessments/{MDVM}/subassessments/7"
    ),
    "type": "microsoft.security/assessments/subassessments",
    "properties": {
        "id": "CVE-2022-42969",
        "additionalData": {
            "assessedResourceType": "AzureContainerRegistryVulnerability",
            "vulnerabilityDetails": {
                "severity": "High",
                "cveId": "CVE-2022-42969",
                "cvss": {"2.0": None, "3.0": {"cvssVectorString": "CVSS:3.0/AV:N", "base": 7.5}},
                "exploitabilityAssessment": {
                    "isInExploitKit": False,
                    "exploitStepsPublished": False,
                    "types": ["Remote"],
                },
            },
            "artifactDetails": {
                "repositoryName": REPOSITORY,
                "registryHost": REGISTRY,
                "artifactType": "ContainerImage",
                "mediaType": "application/vnd.docker.distribution.manifest.v2+json",
                "digest": DIGEST,
                "tags": ["1.4.3"],
            },
            "softwareDetails": {
                "packageName": "py",
                "version": "1.11.0.0",
                "fixedVersion": "",
                "fixStatus": "FixAvailable",
                "category": "Language",
            },
        },
        "timeGenerated": "2026-11-24T09:06:15.2222222Z",
        "status": {"code": "Unhealthy", "severity": "High"},
    },
}
DEFENDER: dict[str, Any] = {"count": 1, "data": [DEFENDER_ROW], "skip_token": None, "total_records": 1}

# uselagoon/lagoon#2580 and goharbor/harbor#14293: Harbor's webhook in its Default form
HARBOR_REPORT: dict[str, Any] = {
    "report_id": "5c1a7f0e-6f5c-4e0e-8f2c-7f5a4d3e2b10",
    "scan_status": "Success",
    "severity": "High",
    "duration": 9,
    "summary": {"total": 4, "fixable": 4, "summary": {"High": 3, "Medium": 1}},
    "start_time": "2026-11-24T09:07:00Z",
    "end_time": "2026-11-24T09:07:09Z",
    "scanner": {"name": "Trivy", "vendor": "Aqua Security", "version": "v0.14.0"},
}
HARBOR_MIME = "application/vnd.scanner.adapter.vuln.report.harbor+json; version=1.0"
HARBOR: dict[str, Any] = {
    "type": "SCANNING_COMPLETED",
    "occur_at": 1795500000,
    "operator": "auto",
    "event_data": {
        "resources": [
            {
                "digest": DIGEST,
                "tag": "",
                "resource_url": "harbor.contoso.com/shop/web:",
                "scan_overview": {HARBOR_MIME: HARBOR_REPORT},
            }
        ],
        "repository": {"name": "web", "namespace": "shop", "repo_full_name": "shop/web", "repo_type": "private"},
    },
}

# goharbor/harbor#22212: the CloudEvents form
HARBOR_CLOUD: dict[str, Any] = {
    "specversion": "1.0",
    "id": "e1b7b8a6-6d8e-4a2b-9a3c-1f0c6f1d2e3a",
    "source": "/projects/8/webhook/policies/1",
    "type": "harbor.scan.completed",
    "datacontenttype": "application/json",
    "time": "2026-11-24T09:07:10Z",
    "data": {
        "resources": HARBOR["event_data"]["resources"],
        "repository": HARBOR["event_data"]["repository"],
        "scan": {},
    },
    "requestid": "r1",
    "operator": "auto",
}

# aquasecurity/trivy, integration/testdata/alpine-310.sarif.golden
SARIF: dict[str, Any] = {
    "version": "2.1.0",
    "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
    "runs": [
        {
            "tool": {
                "driver": {
                    "fullName": "Trivy Vulnerability Scanner",
                    "name": "Trivy",
                    "version": "0.68.1",
                    "rules": [
                        {
                            "id": "CVE-2026-3141",
                            "name": "OsPackageVulnerability",
                            "defaultConfiguration": {"level": "error"},
                            "properties": {
                                "precision": "very-high",
                                "security-severity": "9.8",
                                "tags": ["vulnerability", "security", "CRITICAL"],
                            },
                        },
                        {
                            "id": "CVE-2019-1549",
                            "defaultConfiguration": {"level": "warning"},
                            "properties": {"security-severity": "5.3", "tags": ["vulnerability", "security"]},
                        },
                    ],
                }
            },
            "results": [
                {"ruleId": "CVE-2026-3141", "ruleIndex": 0, "level": "error", "message": {"text": "Package: musl"}},
                {"ruleId": "CVE-2019-1549", "ruleIndex": 1, "level": "warning", "message": {"text": "Package: libssl"}},
            ],
            "columnKind": "utf16CodeUnits",
            "properties": {"imageName": "shop/web:1.4.3", "repoDigests": [f"{REGISTRY}/{REPOSITORY}@{DIGEST}"]},
        }
    ],
}

# docs/scan-completed.schema.json
OURS: dict[str, Any] = {
    "image": {"registry": REGISTRY, "repository": REPOSITORY, "digest": DIGEST},
    "scanner": {"name": "acme", "adapter": "acme-export/3"},
    "scan": {"id": "17", "status": "completed", "completedAt": "2026-11-24T09:08:00Z"},
    "summary": {
        "total": {"critical": 0, "high": 1, "medium": 0, "low": 0, "negligible": 0, "unknown": 0},
        "fixable": None,
    },
    "findings": [{"id": "CVE-2026-7", "severity": "high", "fixedVersion": None, "cvss": 7.1, "knownExploited": False}],
}

# the same in its least form, as policies/scans/generic.py has it
LEAST: dict[str, Any] = {"scanner": "acme", "summary": OURS["summary"]["total"]}

REPORTS: dict[str, dict[str, Any]] = {
    "trivy": TRIVY,
    "grype": GRYPE,
    "defender": DEFENDER,
    "harbor": HARBOR,
    "harbor-cloud": HARBOR_CLOUD,
    "sarif": SARIF,
    "ours": OURS,
    "least": LEAST,
}


def changed(report: dict[str, Any], path: str, value: object) -> dict[str, Any]:
    """The report with one place set; `...` removes it. A number in the path is a place in a list."""
    copied = copy.deepcopy(report)
    *parents, last = [int(name) if name.isdigit() else name for name in path.split("/")]
    part: Any = copied
    for name in parents:
        part = part[name]
    if value is ...:
        del part[last]
    else:
        part[last] = value
    return copied


def data_of(report: object, **more: Any) -> dict[str, Any]:
    """What the report says of the image."""
    told = {"registry": REGISTRY, "repository": REPOSITORY, "digest": DIGEST, "at": AT, **more}
    return adapt(report, **told)


def totals(data: dict[str, Any]) -> dict[str, int]:
    """What was found, without zeros."""
    return {name: count for name, count in data["summary"]["total"].items() if count}


def fixables(data: dict[str, Any]) -> dict[str, int] | None:
    """What can be fixed, without zeros; None when that is not told."""
    told = data["summary"]["fixable"]
    return None if told is None else {name: count for name, count in told.items() if count}
