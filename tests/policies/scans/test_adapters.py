"""Each scanner's report, and every trap that real ones have set: nothing missing is ever taken for clean."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from policies.errors import EvidenceError
from policies.scans.tally import severity_of
from tests.policies.scans.reports import (
    CONFIG,
    DEFENDER_ROW,
    DIGEST,
    GRYPE,
    HARBOR,
    HARBOR_CLOUD,
    HARBOR_MIME,
    HARBOR_REPORT,
    INDEX,
    LEAST,
    MDVM,
    OTHER,
    OURS,
    REPORTS,
    SARIF,
    TRIVY,
    changed,
    data_of,
    fixables,
    totals,
)

WORDS = {
    "CRITICAL": "critical",
    "High": "high",
    "Important": "high",
    "MEDIUM": "medium",
    "Moderate": "medium",
    "low": "low",
    "Minor": "low",
    "Negligible": "negligible",
    "None": "negligible",
    "Informational": "negligible",
    "UNKNOWN": "unknown",
    "Undefined": "unknown",
    "untriaged": "unknown",
    "": "unknown",
    "catastrophic": "unknown",
}


@pytest.mark.parametrize(("word", "severity"), WORDS.items())
def test_every_scanner_s_word_has_its_severity(word: str, severity: str) -> None:
    assert severity_of(word) == severity


FOUND: dict[str, tuple[str, str, dict[str, int], dict[str, int] | None]] = {
    "trivy": ("trivy", "2026-11-24T09:04:00.123456Z", {"medium": 1, "critical": 1}, {"medium": 1}),
    "grype": ("grype", "2026-11-24T08:05:00.500000Z", {"low": 1, "critical": 1}, {"low": 1}),
    "defender": ("defender", "2026-11-24T09:06:15.222222Z", {"high": 1}, {"high": 1}),
    "harbor": ("harbor:trivy", "2026-11-24T09:07:09Z", {"high": 3, "medium": 1}, {"high": 3, "medium": 1}),
    "harbor-cloud": ("harbor:trivy", "2026-11-24T09:07:09Z", {"high": 3, "medium": 1}, {"high": 3, "medium": 1}),
    "sarif": ("trivy", "2026-11-24T12:00:00Z", {"critical": 1, "medium": 1}, None),
    "ours": ("acme", "2026-11-24T09:08:00Z", {"high": 1}, None),
    "least": ("acme", "2026-11-24T12:00:00Z", {"high": 1}, None),
}


@pytest.mark.parametrize("name", REPORTS)
def test_a_report_of_the_real_shape_is_read(name: str) -> None:
    data = data_of(REPORTS[name])
    scan = (data["scanner"]["name"], data["scan"]["completedAt"], totals(data), fixables(data))
    assert scan == FOUND[name]
    assert data["scan"]["status"] == "completed"
    assert data["image"]["digest"] == DIGEST


def refused(report: object, **more: Any) -> str:
    with pytest.raises(EvidenceError) as caught:
        data_of(report, **more)
    return str(caught.value)


def incomplete(report: object, **more: Any) -> str:
    """Why the scan has no result."""
    data = data_of(report, **more)
    assert (data["scan"]["status"], data["summary"]) == ("incomplete", None)
    assert "findings" not in data
    return str(data["scan"]["reason"])


# Trivy


def test_trivy_s_findings_keep_what_an_exception_needs_worst_first() -> None:
    assert data_of(TRIVY)["findings"] == [
        {
            "id": "CVE-2026-3141",
            "severity": "critical",
            "package": "musl",
            "installedVersion": "1.1.22-r3",
            "fixedVersion": None,
        },
        {
            "id": "CVE-2019-1549",
            "severity": "medium",
            "package": "libcrypto1.1",
            "installedVersion": "1.1.1c-r0",
            "fixedVersion": "1.1.1d-r0",
        },
    ]


@pytest.mark.parametrize("none", [..., None, []], ids=["absent", "null", "empty"])
def test_trivy_without_results_recognised_nothing_and_is_not_clean(none: object) -> None:
    assert incomplete(changed(TRIVY, "Results", none)).startswith("Results names no packages")


@pytest.mark.parametrize(
    "results",
    [[{"Target": "app/key.pem", "Class": "secret"}], [{"Target": "x"}], [{"Target": "x", "Vulnerabilities": []}]],
    ids=["secrets only", "no class", "no class, no findings"],
)
def test_trivy_that_looked_at_no_packages_is_not_clean(results: object) -> None:
    incomplete(changed(TRIVY, "Results", results))


@pytest.mark.parametrize("none", [..., None, []], ids=["absent", "null", "empty"])
def test_trivy_with_packages_and_no_vulnerabilities_is_clean(none: object) -> None:
    clean = data_of(changed(TRIVY, "Results/0/Vulnerabilities", none))
    assert (totals(clean), fixables(clean), clean["findingsTruncated"]) == ({}, {}, False)


def test_trivy_of_another_digest_is_refused() -> None:
    another = changed(TRIVY, "Metadata/RepoDigests", [f"contoso.azurecr.io/shop/web@{OTHER}"])
    assert refused(another) == f'report: Metadata.RepoDigests: expected {DIGEST}, found "{OTHER}"'


def test_trivy_of_the_index_is_about_the_manifest_in_it() -> None:
    of_index = changed(TRIVY, "Metadata/RepoDigests", [f"contoso.azurecr.io/shop/web@{INDEX}"])
    data = data_of(of_index, index_digest=INDEX, platform="linux/amd64")
    assert data["image"]["indexDigest"] == INDEX
    assert data["image"]["platform"] == {"os": "linux", "architecture": "amd64"}


@pytest.mark.parametrize("none", [..., None, []], ids=["absent", "null", "empty"])
def test_trivy_of_a_tarball_names_no_digest_and_is_trusted_with_ours(none: object) -> None:
    assert totals(data_of(changed(TRIVY, "Metadata/RepoDigests", none))) == {"critical": 1, "medium": 1}


def test_the_digest_of_the_config_is_not_that_of_the_image() -> None:
    said = "report: digest: expected the digest of the manifest, as the registry has it, found that of the config, "
    trivy = changed(TRIVY, "Metadata/RepoDigests", [])
    assert refused(trivy, digest=CONFIG) == f"{said}Metadata.ImageID"
    grype = changed(GRYPE, "source/target/repoDigests", [])
    assert refused(grype, digest=CONFIG) == f"{said}source.target.imageID"


def test_a_system_past_its_end_of_life_is_told() -> None:
    told = data_of(TRIVY)["scan"]["reason"]
    assert told == "alpine 3.10.2 has reached its end of life, so findings of it may be missing"
    assert "reason" not in data_of(changed(TRIVY, "Metadata/OS/EOSL", ...))["scan"]


def test_another_platform_than_was_told_is_refused() -> None:
    assert 'expected linux/arm64, found "linux/amd64"' in refused(TRIVY, platform="linux/arm64")
    assert 'expected linux/arm64, found "linux/amd64"' in refused(GRYPE, platform="linux/arm64")


@pytest.mark.parametrize(
    ("path", "value", "said"),
    [
        ("SchemaVersion", 1, 'SchemaVersion: expected 2, found "a number"'),
        ("ArtifactType", "filesystem", 'ArtifactType: expected container_image, found "filesystem"'),
        ("Metadata", [], 'Metadata: expected an object, found "a list"'),
        ("Results", {}, 'Results: expected a list, found "a object"'),
        ("Results/0", None, "Results[0]: expected an object, found none"),
        ("Results/0/Vulnerabilities", 1, 'Results[0].Vulnerabilities: expected a list, found "a number"'),
        (
            "Results/0/Vulnerabilities/1/VulnerabilityID",
            ...,
            "Results[0].Vulnerabilities[1].VulnerabilityID: expected a text, found none",
        ),
        ("CreatedAt", "yesterday", 'CreatedAt: expected an RFC 3339 time, found "yesterday"'),
    ],
)
def test_what_is_malformed_is_named_by_its_path(path: str, value: object, said: str) -> None:
    assert refused(changed(TRIVY, path, value)) == f"report: {said}"


# Grype


def test_grype_is_about_the_digest_the_registry_has_and_not_the_one_it_computed() -> None:
    assert "reason" not in data_of(GRYPE)["scan"]
    another = changed(GRYPE, "source/target/repoDigests", [f"contoso.azurecr.io/shop/web@{OTHER}"])
    assert "source.target.repoDigests: expected" in refused(changed(another, "source/target/manifestDigest", DIGEST))


def test_grype_of_an_image_without_a_registry_says_so() -> None:
    daemon = changed(GRYPE, "source/target/repoDigests", [])
    assert data_of(daemon)["scan"]["reason"] == (
        "the report names no digest in a registry, and its own differs from the image's"
    )
    assert "reason" not in data_of(changed(daemon, "source/target/manifestDigest", DIGEST))["scan"]


def test_grype_without_matches_is_clean_and_without_the_list_is_not() -> None:
    assert totals(data_of(changed(GRYPE, "matches", []))) == {}
    assert incomplete(changed(GRYPE, "matches", None)) == "matches is null: nothing was matched"
    assert "expected a report of" in refused(changed(GRYPE, "matches", ...))


def test_grype_of_a_directory_is_not_about_an_image() -> None:
    assert refused(changed(GRYPE, "source/type", "directory")) == (
        'report: source.type: expected image, found "directory"'
    )


@pytest.mark.parametrize("state", ["not-fixed", "wont-fix", "unknown", ""])
def test_a_fix_that_is_not_known_is_no_fix(state: str) -> None:
    assert fixables(data_of(changed(GRYPE, "matches/1/vulnerability/fix/state", state))) == {"low": 1}


def test_one_finding_without_a_word_on_its_fix_leaves_fixability_untold() -> None:
    assert fixables(data_of(changed(GRYPE, "matches/1/vulnerability/fix", ...))) is None


def test_grype_s_database_and_what_is_exploited_are_kept() -> None:
    data = data_of(GRYPE)
    assert data["scanner"]["dbUpdatedAt"] == "2026-11-24T06:00:00Z"
    known = next(one for one in data["findings"] if one["id"] == "CVE-1999-0001")
    assert (known["cvss"], known["knownExploited"], known["fixedVersion"]) == (8.2, True, "1.2.1, 2.1.3")


# Defender


def rows(*codes: str, **changes: object) -> dict[str, Any]:
    """An answer with one row a status code."""
    found = [changed(DEFENDER_ROW, "properties/status/code", code) for code in codes]
    for path, value in changes.items():
        found = [changed(one, path.replace("__", "/"), value) for one in found]
    return {"data": found, "count": len(found), "total_records": len(found)}


def test_defender_without_rows_is_unscanned_and_never_clean() -> None:
    assert incomplete({"count": 0, "data": [], "total_records": 0}) == (
        "Defender has no rows for this digest, so it may not have been scanned"
    )
    assert incomplete([]) == "Defender has no rows for this digest, so it may not have been scanned"


def test_defender_counts_only_what_is_unhealthy() -> None:
    assert totals(data_of(rows("Unhealthy", "NotApplicable", "Healthy", "unhealthy"))) == {"high": 2}


def test_a_healthy_row_of_defender_is_a_clean_scan_and_an_exempted_one_is_none() -> None:
    assert totals(data_of(rows("Healthy"))) == {}
    assert "only exempted rows" in incomplete(rows("NotApplicable", "NotApplicable"))


def test_defender_s_names_are_read_without_case() -> None:
    def louder(found: Any) -> Any:
        if isinstance(found, dict):
            return {name[:1].upper() + name[1:]: louder(value) for name, value in found.items()}
        return [louder(one) for one in found] if isinstance(found, list) else found

    data = data_of({"data": [louder(DEFENDER_ROW)]})
    assert (totals(data), fixables(data)) == ({"high": 1}, {"high": 1})
    other_name = copy.deepcopy(DEFENDER_ROW)
    details = other_name["properties"]["additionalData"]["artifactDetails"]
    details["RepositoryHost"] = details.pop("registryHost")
    assert totals(data_of({"data": [other_name]})) == {"high": 1}


def test_the_assessment_that_counts_is_a_setting() -> None:
    """It changed once, from Qualys to MDVM, and scripts that had it fixed saw no findings any more."""
    newer = changed(DEFENDER_ROW, "id", DEFENDER_ROW["id"].replace(MDVM, "11111111-2222-3333-4444-555555555555"))
    assert "no rows" in incomplete({"data": [newer]})
    data = data_of({"data": [newer, DEFENDER_ROW]}, defender_keys=["11111111-2222-3333-4444-555555555555".upper()])
    assert totals(data) == {"high": 1}


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("digest", OTHER),
        ("repositoryName", "shop/api"),
        ("registryHost", "fabrikam.azurecr.io"),
    ],
)
def test_rows_of_another_image_are_not_ours(path: str, value: str) -> None:
    other = changed(DEFENDER_ROW, f"properties/additionalData/artifactDetails/{path}", value)
    assert "no rows" in incomplete({"data": [other]})


@pytest.mark.parametrize(
    "page",
    [
        {"skip_token": "x"},
        {"$skipToken": "x"},
        {"total_records": 101},
        {"totalRecords": 101},
        {"resultTruncated": "true"},
    ],
    ids=str,
)
def test_one_page_of_several_is_no_result(page: dict[str, object]) -> None:
    """`az graph query` answers a hundred rows unless it is asked for more."""
    assert incomplete({"data": [DEFENDER_ROW], **page}).startswith("the answer is one page of several")


@pytest.mark.parametrize(
    ("path", "value", "said"),
    [
        ("properties/status/code", "Odd", 'status.code: expected Healthy, Unhealthy or NotApplicable, found "odd"'),
        ("properties/status", None, "properties.status.code: expected a text, found none"),
        (
            "properties/additionalData/artifactDetails/digest",
            ...,
            "artifactDetails.digest: expected a text, found none",
        ),
        ("id", "/x", 'data[0].id: expected the resource id of a sub-assessment, found "/x"'),
    ],
)
def test_a_row_of_defender_that_cannot_be_read_is_not_left_out(path: str, value: object, said: str) -> None:
    assert said in refused({"data": [changed(DEFENDER_ROW, path, value)]})


def test_whether_there_is_a_fix_is_told_by_version_or_status() -> None:
    software = "properties__additionalData__softwareDetails"
    assert fixables(data_of(rows("Unhealthy", **{f"{software}__fixStatus": "NoFix"}))) == {}
    assert fixables(data_of(rows("Unhealthy", **{software: {"packageName": "py"}}))) is None


# Harbor


def harbor(name: str, value: object) -> dict[str, Any]:
    """The webhook with one field of its report changed."""
    found = copy.deepcopy(HARBOR)
    overview = found["event_data"]["resources"][0]["scan_overview"]
    overview[HARBOR_MIME] = changed(HARBOR_REPORT, name, value)
    return found


@pytest.mark.parametrize("status", ["Running", "Pending", "Scheduled", "Stopped", "", "Finished"])
def test_a_scan_that_still_runs_is_no_result_although_harbor_calls_it_completed(status: str) -> None:
    assert incomplete(harbor("scan_status", status)) == f"Harbor says scan_status {status or 'nothing'}"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("summary", None),
        ("summary", ...),
        ("summary", {}),
        ("summary/summary", None),
        ("summary/summary", ...),
        ("summary/total", ...),
    ],
)
def test_harbor_without_a_summary_is_no_result(name: str, value: object) -> None:
    assert incomplete(harbor(name, value)) == "Harbor sent no summary of the scan"


@pytest.mark.parametrize(
    "report",
    [
        changed(HARBOR, "event_data/resources/0/scan_overview", ...),
        changed(HARBOR, "event_data/resources/0/scan_overview", {}),
        changed(HARBOR, "event_data/resources", []),
        changed(HARBOR, "event_data/resources", ...),
        changed(HARBOR_CLOUD, "data/resources", []),
        changed(HARBOR_CLOUD, "data", {"scan": {}}),
        changed(HARBOR_CLOUD, "data/resources/0/scan_overview", ...),
    ],
)
def test_harbor_without_an_overview_is_no_result(report: dict[str, Any]) -> None:
    """`"scan": {}` is all that came of scheduled scans."""
    assert incomplete(report) == "Harbor sent no overview of the scan"


def test_harbor_s_tag_may_be_empty() -> None:
    assert "tags" not in data_of(HARBOR)["image"]


@pytest.mark.parametrize(
    ("kind", "status"),
    [("SCANNING_FAILED", "failed"), ("SCANNING_STOPPED", "incomplete")],
)
def test_harbor_s_other_ends_are_no_result(kind: str, status: str) -> None:
    data = data_of(changed(HARBOR, "type", kind))
    assert (data["scan"]["status"], data["summary"]) == (status, None)
    cloud = data_of(changed(HARBOR_CLOUD, "type", f"harbor.scan.{kind.removeprefix('SCANNING_').lower()}"))
    assert cloud["scan"]["status"] == status


def test_harbor_of_another_digest_is_refused() -> None:
    assert refused(HARBOR, digest=OTHER) == f'report: resources[0].digest: expected {OTHER}, found "{DIGEST}"'


def test_harbor_counts_what_it_does_not_rank_and_refuses_less_than_it_ranks() -> None:
    assert totals(data_of(harbor("summary/total", 6))) == {"high": 3, "medium": 1, "unknown": 2}
    assert "summary.total: expected at least the 4" in refused(harbor("summary/total", 3))
    assert totals(data_of(harbor("summary", {"total": 0, "fixable": 0, "summary": {}}))) == {}


def test_harbor_tells_fixability_only_where_all_or_none_can_be_fixed() -> None:
    assert fixables(data_of(harbor("summary/fixable", 2))) is None
    assert fixables(data_of(harbor("summary/fixable", 0))) == {}
    assert fixables(data_of(harbor("summary/fixable", ...))) is None


def test_harbor_of_a_part_of_the_image_or_with_two_reports_is_no_result() -> None:
    incomplete(harbor("complete_percent", 50))
    assert totals(data_of(harbor("complete_percent", 100))) == {"high": 3, "medium": 1}
    both = copy.deepcopy(HARBOR)
    overview = both["event_data"]["resources"][0]["scan_overview"]
    overview["application/vnd.security.vulnerability.report; version=1.1"] = HARBOR_REPORT
    incomplete(both)
    del overview["application/vnd.security.vulnerability.report; version=1.1"]
    overview["application/vnd.security.sbom.report+json; version=1.0"] = {"scan_status": "Running"}
    assert totals(data_of(both)) == {"high": 3, "medium": 1}


def test_a_time_that_harbor_never_set_is_no_time() -> None:
    data = data_of(harbor("end_time", "0001-01-01T00:00:00Z"))
    assert data["scan"]["completedAt"] == "2026-11-24T06:00:00Z"


# SARIF


def test_sarif_s_severity_is_that_of_the_rule_s_tags_or_score_and_never_the_level() -> None:
    scored = changed(SARIF, "runs/0/tool/driver/rules/0/properties/tags", ["vulnerability"])
    assert totals(data_of(scored)) == {"critical": 1, "medium": 1}
    for score, severity in {"9.0": "critical", "8.9": "high", "4": "medium", "0.1": "low", "0.0": "negligible"}.items():
        one = changed(scored, "runs/0/tool/driver/rules/0/properties/security-severity", score)
        assert totals(data_of(changed(one, "runs/0/results/1", SARIF["runs"][0]["results"][0]))) == {severity: 2}


def test_a_level_alone_does_not_tell_critical_from_high() -> None:
    levels = changed(SARIF, "runs/0/tool/driver/rules/0/properties", {})
    assert incomplete(levels) == "1 results have a level and no severity: an error may be critical or high"
    incomplete(changed(SARIF, "runs/0/tool/driver/rules", []))


@pytest.mark.parametrize("none", [..., None], ids=["absent", "null"])
def test_sarif_without_results_was_not_scanned(none: object) -> None:
    assert incomplete(changed(SARIF, "runs/0/results", none)) == "a run has no results: it was not scanned"
    assert incomplete(changed(SARIF, "runs", [])) == "the report holds no run"


def test_sarif_with_no_result_is_clean_only_if_it_says_that_it_succeeded() -> None:
    empty = changed(SARIF, "runs/0/results", [])
    assert "does not tell clean from not scanned" in incomplete(empty)
    ended = {"executionSuccessful": True, "endTimeUtc": "2026-11-24T10:00:00Z"}
    clean = data_of(changed(empty, "runs/0/invocations", [ended]))
    assert (totals(clean), clean["scan"]["completedAt"]) == ({}, "2026-11-24T10:00:00Z")
    failed = data_of(changed(SARIF, "runs/0/invocations", [{"executionSuccessful": False}]))
    assert failed["scan"]["status"] == "failed"


def test_sarif_of_another_digest_is_refused() -> None:
    assert "properties.repoDigests: expected" in refused(SARIF, digest=OTHER)


def test_a_package_named_like_a_severity_does_not_hide_the_worse_one() -> None:
    named = changed(SARIF, "runs/0/tool/driver/rules/0/properties/tags", ["vulnerability", "low", "CRITICAL"])
    assert totals(data_of(named)) == {"critical": 1, "medium": 1}


def test_what_passed_is_no_finding() -> None:
    assert totals(data_of(changed(SARIF, "runs/0/results/0/kind", "pass"))) == {"medium": 1}


# our own words


def test_our_own_data_passes_as_it_is_if_it_is_of_this_image() -> None:
    data = data_of(OURS)
    assert {name: data[name] for name in ("image", "scanner", "summary", "findings")} == {
        name: OURS[name] for name in ("image", "scanner", "summary", "findings")
    }
    assert data["scan"] == OURS["scan"]
    assert "data.image.digest: expected" in refused(OURS, digest=OTHER)
    assert "data.image.repository: expected" in refused(OURS, repository="shop/api")
    assert "data.image.registry: expected" in refused(OURS, registry="fabrikam.azurecr.io")


def test_the_least_form_needs_every_severity() -> None:
    assert "summary: expected exactly critical, high" in refused(changed(LEAST, "summary/unknown", ...))
    assert "summary.low: expected a count" in refused(changed(LEAST, "summary/low", "0"))
    assert "fixable: expected exactly" in refused({**LEAST, "fixable": {}})


def test_an_unfinished_scan_in_our_words_stays_so() -> None:
    told = changed(changed(OURS, "scan/status", "unsupported"), "summary", None)
    data = data_of(changed(told, "findings", ...))
    assert (data["scan"]["status"], data["summary"]) == ("unsupported", None)


# any report

KNOWN = "trivy, grype, sarif, harbor, defender, generic"


@pytest.mark.parametrize(
    ("report", "said"),
    [
        ({}, f"report: expected a report of {KNOWN}, found an object with no fields"),
        ({"a": 1, "summary": {}}, f'report: expected a report of {KNOWN}, found an object with "a", "summary"'),
        ("clean", 'report: expected an object, found "str"'),
        (None, 'report: expected an object, found "NoneType"'),
    ],
)
def test_what_is_no_known_report_is_refused(report: object, said: str) -> None:
    assert refused(report) == said


@pytest.mark.parametrize(
    ("told", "said"),
    [
        ({"digest": "1.4.3"}, 'data.image.digest: expected a digest, found "1.4.3"'),
        ({"repository": "Shop"}, 'data.image.repository: expected a repository, found "Shop"'),
        ({"registry": "a b"}, 'data.image.registry: expected a login server, found "a b"'),
        ({"tags": ["a b"]}, 'tag: expected a tag, found "a b"'),
        ({"platform": "amd64"}, 'platform: expected one as in "linux/amd64", found "amd64"'),
        ({"index_digest": "x"}, 'data.image.indexDigest: expected a digest, found "x"'),
        ({"at": None}, "completedAt: expected the time at which the scan ended, found none"),
    ],
)
def test_what_we_are_told_of_the_image_is_checked(told: dict[str, Any], said: str) -> None:
    assert said in refused(LEAST, **told)


def test_a_scanner_s_name_becomes_one_that_a_cell_can_name() -> None:
    assert data_of({**LEAST, "scanner": "Acme Scanner (EU)"})["scanner"]["name"] == "acme-scanner-eu"
    assert data_of({**LEAST, "scanner": {"name": "…", "version": "1"}})["scanner"] == {
        "name": "unknown",
        "version": "1",
        "adapter": "generic/1",
    }


def test_the_same_report_again_is_the_same_scan() -> None:
    first, again = data_of(TRIVY), data_of(copy.deepcopy(TRIVY))
    assert first == again
    assert data_of(changed(TRIVY, "Results/0/Vulnerabilities", []))["scan"]["id"] != first["scan"]["id"]
    assert data_of(TRIVY, scan_id="job-7")["scan"]["id"] == "job-7"
    assert data_of(HARBOR, scan_id="job-7")["scan"]["id"] == HARBOR_REPORT["report_id"]


# what a report tells beside its counts


def test_a_row_of_defender_tells_what_is_installed_and_whether_it_is_exploited_and_its_own_severity_counts() -> None:
    details = "properties/additionalData/vulnerabilityDetails"
    report = changed(DEFENDER_ROW, f"{details}/severity", "Critical")
    report = changed(report, f"{details}/exploitabilityAssessment", {"isInExploitKit": True})
    data = data_of({"data": [report]})
    assert totals(data) == {"critical": 1}
    [finding] = data["findings"]
    assert (finding["installedVersion"], finding["knownExploited"], finding["cvss"]) == ("1.11.0.0", True, 7.5)
    assert totals(data_of({"data": [changed(report, f"{details}/severity", ...)]})) == {"high": 1}
    assert "knownExploited" not in data_of({"data": [DEFENDER_ROW]})["findings"][0]


def test_a_result_of_sarif_names_its_rule_by_id_or_by_place() -> None:
    rules = [
        {"id": "CVE-1", "properties": {"tags": ["LOW"]}},
        {"id": "CVE-2", "properties": {"tags": ["vulnerability", "CRITICAL", "LOW"]}},
    ]
    report = changed(SARIF, "runs/0/tool/driver/rules", rules)
    by_place = data_of(changed(report, "runs/0/results", [{"ruleIndex": 1}]))
    by_name = data_of(changed(report, "runs/0/results", [{"ruleId": "CVE-1", "ruleIndex": 1}]))
    assert (totals(by_place), by_place["findings"][0]["id"]) == ({"critical": 1}, "CVE-2")
    assert (totals(by_name), by_name["findings"][0]["id"]) == ({"low": 1}, "CVE-1")
    assert "one of the 2" not in incomplete(changed(report, "runs/0/results", [{"ruleId": "x", "ruleIndex": 2}]))


def test_a_scan_that_harbor_says_failed_has_failed_and_not_just_no_result() -> None:
    failed = data_of(harbor("scan_status", "Error"))
    assert (failed["scan"]["status"], failed["scan"]["reason"]) == ("failed", "Harbor says scan_status Error")
    assert failed["scan"]["startedAt"] == "2026-11-24T09:07:00Z"
    assert incomplete(harbor("scan_status", "Running")) == "Harbor says scan_status Running"


def test_our_own_event_is_passed_on_whole() -> None:
    event = changed(OURS, "scan/startedAt", "2026-11-24T09:00:00Z")
    event = changed(event, "summary/fixable", {**OURS["summary"]["total"], "high": 1})
    event = changed(event, "image/platform", {"os": "linux", "architecture": "amd64"})
    event = changed(event, "findings/0/fixedVersion", "2.0")
    data = data_of(event)
    assert (data["scan"]["startedAt"], fixables(data)) == ("2026-11-24T09:00:00Z", {"high": 1})
    assert data["image"]["platform"] == {"os": "linux", "architecture": "amd64"}
    assert data["scanner"]["adapter"] == "acme-export/3"
