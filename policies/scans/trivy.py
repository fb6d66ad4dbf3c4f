"""Trivy's JSON, schema version 2: github.com/aquasecurity/trivy, integration/testdata/alpine-310.json.golden."""

from __future__ import annotations

from policies.scans.outcome import INCOMPLETE, Outcome
from policies.scans.reading import Part, moment, needed, part, parts, text, texts, wrong
from policies.scans.subject import Subject
from policies.scans.tally import Tally, severity_of

ADAPTER = "trivy-json/1"
_SCHEMA = 2
_OF_PACKAGES = frozenset({"os-pkgs", "lang-pkgs"})


def fits(report: Part) -> bool:
    """Whether it is Trivy's: `Results` alone may be left out."""
    return "SchemaVersion" in report and "ArtifactType" in report


def read(report: Part, subject: Subject) -> Outcome:
    """The scan. No `Results` at all means that nothing was recognised in the image: that is not a clean one."""
    if report.get("SchemaVersion") != _SCHEMA:
        raise wrong("SchemaVersion", "2", report.get("SchemaVersion"))
    kind = needed(report, "ArtifactType", "ArtifactType")
    if kind != "container_image":
        raise wrong("ArtifactType", "container_image", kind)
    metadata = part(report, "Metadata", "Metadata") or {}
    subject.is_one_of(texts(metadata, "RepoDigests", "Metadata.RepoDigests"), "Metadata.RepoDigests")
    subject.is_not_config(text(metadata, "ImageID", "Metadata.ImageID"), "Metadata.ImageID")
    program = part(report, "Trivy", "Trivy") or {}
    tally, scanned = _count(report)
    scan = Outcome(
        scanner="trivy",
        adapter=ADAPTER,
        version=text(program, "Version", "Trivy.Version"),
        completed_at=moment(report, "CreatedAt", "CreatedAt"),
        platform=subject.runs_on(_platform(metadata), "Metadata.ImageConfig"),
    )
    if not scanned:
        return scan.ended(
            INCOMPLETE,
            "Results names no packages: Trivy recognised nothing in the image, or was not asked for vulnerabilities",
        )
    return scan.counted(tally, _end_of_life(metadata))


def _count(report: Part) -> tuple[Tally, bool]:
    """The findings, and whether any packages were looked at; other classes are secrets, licences and settings."""
    tally, scanned = Tally(), False
    for place, result in enumerate(parts(report, "Results", "Results") or ()):
        path = f"Results[{place}]"
        needed(result, "Target", f"{path}.Target")
        found = parts(result, "Vulnerabilities", f"{path}.Vulnerabilities")
        scanned = scanned or text(result, "Class", f"{path}.Class") in _OF_PACKAGES
        for number, one in enumerate(found or ()):
            _add(tally, one, f"{path}.Vulnerabilities[{number}]")
    return tally, scanned


def _add(tally: Tally, found: Part, path: str) -> None:
    tally.add(
        needed(found, "VulnerabilityID", f"{path}.VulnerabilityID"),
        severity_of(text(found, "Severity", f"{path}.Severity")),
        package=text(found, "PkgName", f"{path}.PkgName"),
        installed=text(found, "InstalledVersion", f"{path}.InstalledVersion"),
        fixed=text(found, "FixedVersion", f"{path}.FixedVersion"),
    )


def _platform(metadata: Part) -> str:
    config = part(metadata, "ImageConfig", "Metadata.ImageConfig") or {}
    system = text(config, "os", "Metadata.ImageConfig.os")
    architecture = text(config, "architecture", "Metadata.ImageConfig.architecture")
    return f"{system}/{architecture}" if system and architecture else ""


def _end_of_life(metadata: Part) -> str:
    system = part(metadata, "OS", "Metadata.OS") or {}
    if system.get("EOSL") is not True:
        return ""
    name = f"{text(system, 'Family', 'Metadata.OS.Family')} {text(system, 'Name', 'Metadata.OS.Name')}".strip()
    return f"{name or 'its system'} has reached its end of life, so findings of it may be missing"
