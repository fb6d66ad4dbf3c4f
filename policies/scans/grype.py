"""Grype's JSON: github.com/anchore/grype, grype/presenter/json/testdata/snapshot/TestJsonImgsPresenter.golden."""

from __future__ import annotations

from datetime import datetime

from policies.scans.outcome import INCOMPLETE, Outcome
from policies.scans.reading import Part, items, moment, needed, part, parts, score, text, texts, wrong
from policies.scans.subject import Subject
from policies.scans.tally import Tally, severity_of

ADAPTER = "grype-json/1"


def fits(report: Part) -> bool:
    """Whether it is Grype's."""
    return "matches" in report and "descriptor" in report


def read(report: Part, subject: Subject) -> Outcome:
    """The scan. `matches` without one is clean; without the list, nothing was matched."""
    descriptor = part(report, "descriptor", "descriptor") or {}
    name = needed(descriptor, "name", "descriptor.name")
    platform, caution = _image(report, subject)
    scan = Outcome(
        scanner=name,
        adapter=ADAPTER,
        version=text(descriptor, "version", "descriptor.version"),
        database_at=_database(descriptor),
        completed_at=moment(descriptor, "timestamp", "descriptor.timestamp"),
        platform=subject.runs_on(platform, "source.target"),
    )
    found = parts(report, "matches", "matches")
    if found is None:
        return scan.ended(INCOMPLETE, "matches is null: nothing was matched")
    tally = Tally()
    for place, match in enumerate(found):
        _add(tally, match, f"matches[{place}]")
    return scan.counted(tally, caution)


def _image(report: Part, subject: Subject) -> tuple[str, str]:
    """Its platform, and a caution where the report cannot prove that it is about this image.

    `manifestDigest` is computed from what Grype was given, and is another one than the registry's for an image out of
    a Docker daemon; `repoDigests` are the registry's.
    """
    source = part(report, "source", "source") or {}
    kind = needed(source, "type", "source.type")
    if kind != "image":
        raise wrong("source.type", "image", kind)
    target = part(source, "target", "source.target")
    if target is None:
        raise wrong("source.target", "an object", None)
    subject.is_not_config(text(target, "imageID", "source.target.imageID"), "source.target.imageID")
    digests = texts(target, "repoDigests", "source.target.repoDigests")
    subject.is_one_of(digests, "source.target.repoDigests")
    own = text(target, "manifestDigest", "source.target.manifestDigest")
    proven = digests or own in {"", subject.digest, subject.index_digest}
    system = text(target, "os", "source.target.os")
    architecture = text(target, "architecture", "source.target.architecture")
    caution = "" if proven else "the report names no digest in a registry, and its own differs from the image's"
    return (f"{system}/{architecture}" if system and architecture else ""), caution


def _database(descriptor: Part) -> datetime | None:
    database = part(descriptor, "db", "descriptor.db") or {}
    status = part(database, "status", "descriptor.db.status") or database
    return moment(status, "built", "descriptor.db.built")


def _add(tally: Tally, match: Part, path: str) -> None:
    found = part(match, "vulnerability", f"{path}.vulnerability")
    if found is None:
        raise wrong(f"{path}.vulnerability", "an object", None)
    artifact = part(match, "artifact", f"{path}.artifact") or {}
    tally.add(
        needed(found, "id", f"{path}.vulnerability.id"),
        severity_of(text(found, "severity", f"{path}.vulnerability.severity")),
        package=text(artifact, "name", f"{path}.artifact.name"),
        installed=text(artifact, "version", f"{path}.artifact.version"),
        fixed=_fixed(found, f"{path}.vulnerability.fix"),
        cvss=_cvss(found, f"{path}.vulnerability.cvss"),
        exploited=bool(items(found, "knownExploited", f"{path}.vulnerability.knownExploited")) or None,
    )


def _fixed(found: Part, path: str) -> str | None:
    """The versions with a fix, "" where none is known (whatever the reason); None where nothing is said."""
    fix = part(found, "fix", path)
    if fix is None:
        return None
    state = text(fix, "state", f"{path}.state").lower()
    versions = ", ".join(texts(fix, "versions", f"{path}.versions"))
    if versions or state == "fixed":
        return versions or "fixed"
    return ""


def _cvss(found: Part, path: str) -> float | None:
    scores = [
        score((part(one, "metrics", f"{path}[{place}].metrics") or {}).get("baseScore"))
        for place, one in enumerate(parts(found, "cvss", path) or ())
    ]
    return max((one for one in scores if one is not None), default=None)
