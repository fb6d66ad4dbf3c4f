"""What a Scan cell says of an image, and that less evidence never opens it."""

from __future__ import annotations

import os
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from policies.evidence import SEVERITIES, ScanEvidence, Severities
from policies.gate import Asked
from policies.scan_cell import read_scan_rule
from policies.scan_findings import ScanFinding
from rollouts.findings import Answer, Finding
from rollouts.seen import Unknown
from tests.policies.rows import CHILD, CLEAN, DIGEST, IMAGE, INDEX, NOON, facts, row, scan

FUZZ = 5000 if os.environ.get("WEIGHBRIDGE_FUZZ") else 100
HOUR = timedelta(hours=1)
CVE = "CVE-2026-3141"
LISTED = ScanFinding(id=CVE, severity="critical", fixable=True)
ONE = replace(CLEAN, critical=1)


def ask(cell: str, *scans: ScanEvidence, now: datetime = NOON, **known: object) -> Finding:
    rule = read_scan_rule(cell)
    assert rule is not None
    return rule.ask(Asked(policy=row(), image=IMAGE, facts=facts(scans=scans, **known), now=now))


def says(found: Finding, answer: Answer, because: str, ask_at: datetime | None = None) -> None:
    assert (found.answer, found.because, found.ask_at) == (answer, because, ask_at)


# what could not be asked


@pytest.mark.parametrize("away", ["scans", "manifest"])
def test_what_cannot_be_told_waits_and_then_does_what_the_row_says(away: str) -> None:
    unknown = Unknown(because="the registry is away")
    known: dict[str, object] = {"scans": unknown} if away == "scans" else {"manifest": unknown}

    def after(cell: str, waited: timedelta) -> Finding:
        rule = read_scan_rule(cell)
        assert rule is not None
        now = NOON + waited
        return rule.ask(Asked(policy=row(), image=IMAGE, facts=replace(facts(), **known), now=now))  # type: ignore[arg-type]  # fields of Facts

    said = "cannot tell: the registry is away"
    says(after("critical 0", HOUR), Answer.WAITING, said, NOON + HOUR + timedelta(minutes=1))
    assert after("critical 0, within 2h else reject", HOUR).because == f"{said}; waits until 14:00 UTC, then reject"
    late = f"{said}; waited 2 h in vain"
    assert after("critical 0, within 2h else reject", 2 * HOUR).answer is Answer.CLOSED
    assert after("critical 0, within 2h else hold", 2 * HOUR).because == f"{late}; held until one comes"


# by


def test_only_the_named_scanner_s_word_counts() -> None:
    says(
        ask("critical 0, by trivy", scan(), scan(scanner="grype", counts=ONE)),
        Answer.OPEN,
        "trivy found no more than critical 0 allows",
    )
    closed = ask("critical 0, by grype", scan(), scan(scanner="grype", counts=ONE))
    says(closed, Answer.CLOSED, "grype at 12:00 UTC: 1 critical, allowed 0")


def test_every_named_scanner_must_have_reported() -> None:
    cell = "critical 0, by trivy and grype"
    says(ask(cell), Answer.WAITING, "no scan has come")
    says(ask(cell, scan()), Answer.WAITING, "grype: has not reported; trivy has")
    both = ask(cell, scan(), scan(scanner="grype"))
    assert both.answer is Answer.OPEN
    says(
        ask(f"{cell}, within 1h else reject", scan(), now=NOON + HOUR),
        Answer.CLOSED,
        "grype: has not reported; trivy has; waited 1 h in vain",
    )


def test_a_named_scanner_that_failed_is_waited_for_whatever_the_others_say() -> None:
    failed = scan(status="failed", counts=None)
    assert ask("critical 0, by trivy", failed, scan(scanner="grype")).answer is Answer.WAITING


# fixable only


def test_only_findings_with_a_fix_count() -> None:
    many = replace(CLEAN, critical=3)
    cell = "critical 0, fixable only"
    says(
        ask(cell, scan(counts=many, fixable=CLEAN)),
        Answer.OPEN,
        "trivy found no more than critical 0 fixable allows",
    )
    says(
        ask(cell, scan(counts=many, fixable=ONE)),
        Answer.CLOSED,
        "trivy at 12:00 UTC: 1 fixable critical, allowed 0",
    )


def test_without_the_wish_all_findings_count_whatever_the_scan_tells_of_fixes() -> None:
    assert ask("critical 0", scan(counts=ONE, fixable=CLEAN)).answer is Answer.CLOSED
    cell = f"critical 0, except {CVE} until 2026-11-30"
    unfixable = scan(counts=ONE, fixable=CLEAN, findings=(replace(LISTED, fixable=False),))
    assert ask(cell, unfixable).answer is Answer.OPEN


def test_a_scan_that_does_not_tell_fixability_cannot_be_judged_by_it() -> None:
    says(
        ask("critical 0, fixable only", scan(counts=ONE)),
        Answer.WAITING,
        "trivy at 12:00 UTC: cannot tell: the scan does not say which findings can be fixed",
    )
    assert ask("critical 0, fixable only, within 1h else reject", scan(counts=ONE), now=NOON + HOUR).answer is (
        Answer.CLOSED
    )


def test_what_is_within_the_limits_altogether_is_so_with_a_fix_too() -> None:
    assert ask("critical 0, fixable only", scan()).answer is Answer.OPEN


# not older than


def test_a_stale_scan_is_no_scan_and_the_answer_says_when_it_becomes_one() -> None:
    cell = "critical 0, not older than 24h"
    for counts, answer in ((CLEAN, Answer.OPEN), (ONE, Answer.CLOSED)):
        found = ask(cell, scan(counts=counts))
        assert (found.answer, found.ask_at) == (answer, NOON + 24 * HOUR)
        says(
            ask(cell, scan(counts=counts), now=NOON + 24 * HOUR),
            Answer.WAITING,
            "trivy at 2026-11-24 12:00 UTC: the scan is older than 24 h; a fresh one is needed",
        )


def test_a_fresh_scan_is_waited_for_as_long_as_the_cell_says_from_when_the_old_one_went_stale() -> None:
    cell = "critical 0, not older than 24h, within 2h else reject"
    stale = ask(cell, scan(), now=NOON + 25 * HOUR)
    says(
        stale,
        Answer.WAITING,
        "trivy at 2026-11-24 12:00 UTC: the scan is older than 24 h; a fresh one is needed; "
        "waits until 14:00 UTC, then reject",
        NOON + 26 * HOUR,
    )
    assert ask(cell, scan(), now=NOON + 26 * HOUR).answer is Answer.CLOSED
    assert ask(cell, scan(completed_at=NOON + 26 * HOUR), now=NOON + 26 * HOUR).answer is Answer.OPEN


def test_a_scan_of_the_future_has_no_age() -> None:
    cell = "critical 0, not older than 24h"
    ahead = scan(completed_at=NOON + 2 * HOUR)
    says(
        ask(cell, ahead),
        Answer.WAITING,
        "trivy at 14:00 UTC: the scan is of the future, so its age cannot be told",
        NOON + 2 * HOUR - timedelta(minutes=5),
    )
    assert ask(cell, scan(completed_at=NOON + timedelta(minutes=5))).answer is Answer.OPEN
    assert ask(cell, scan(completed_at=datetime.max.replace(tzinfo=UTC))).answer is Answer.WAITING


# except


def test_an_exception_spares_a_finding_until_its_last_day_is_over() -> None:
    cell = f"critical 0, except {CVE} until 2026-11-30"
    found = scan(counts=ONE, findings=(LISTED,), worst=(f"critical {CVE} openssl",))
    ends = datetime(2026, 12, 1, tzinfo=UTC)
    because = f"trivy found no more than critical 0 allows, {CVE} excepted until 2026-11-30"
    says(ask(cell, found), Answer.OPEN, because, ends)
    says(ask(cell, found, now=ends - timedelta(seconds=1)), Answer.OPEN, because, ends)
    says(
        ask(cell, found, now=ends),
        Answer.CLOSED,
        f"trivy at 2026-11-24 12:00 UTC: 1 critical, allowed 0 (critical {CVE} openssl); "
        f"the exception of {CVE} ended with 2026-11-30",
    )


def test_an_exception_spares_every_package_with_the_finding_and_nothing_else() -> None:
    cell = f"critical 0, high 0, except {CVE.lower()} until 2026-11-30"
    twice = (LISTED, LISTED, ScanFinding(id=CVE, severity="high", fixable=None))
    counts = replace(CLEAN, critical=2, high=1)
    assert ask(cell, scan(counts=counts, findings=twice)).answer is Answer.OPEN
    more = scan(
        counts=replace(counts, critical=3),
        findings=(*twice, replace(LISTED, id="CVE-2026-9")),
        worst=(f"critical {CVE} openssl", "critical CVE-2026-9 zlib"),
    )
    says(
        ask(cell, more),
        Answer.CLOSED,
        "trivy at 12:00 UTC: 1 critical, allowed 0 (critical CVE-2026-9 zlib)",
        datetime(2026, 12, 1, tzinfo=UTC),
    )


def test_an_exception_of_what_the_scan_does_not_list_cannot_be_applied() -> None:
    cell = f"critical 0, except {CVE} until 2026-11-30"
    says(
        ask(cell, scan(counts=replace(CLEAN, critical=2), findings=(replace(LISTED, id="CVE-2026-9"),))),
        Answer.CLOSED,
        f"trivy at 12:00 UTC: 2 critical, allowed 0; {CVE} is not among the 1 of 2 findings that the scan lists, "
        "so its exception cannot be applied",
    )
    complete = scan(counts=ONE, findings=(replace(LISTED, id="CVE-2026-9"),))
    says(ask(cell, complete), Answer.CLOSED, "trivy at 12:00 UTC: 1 critical, allowed 0")


def test_with_fixable_only_an_exception_spares_only_what_would_have_counted() -> None:
    cell = f"critical 0, fixable only, except {CVE} until 2026-11-30"
    counts = replace(CLEAN, critical=2)
    spared = scan(counts=counts, fixable=ONE, findings=(LISTED, replace(LISTED, id="CVE-2026-9", fixable=False)))
    assert ask(cell, spared).answer is Answer.OPEN
    unfixable = scan(counts=counts, fixable=ONE, findings=(replace(LISTED, fixable=False),))
    assert ask(cell, unfixable).answer is Answer.CLOSED


# what a report's reason adds


def test_a_caution_of_a_completed_scan_is_told() -> None:
    old = scan(reason="alpine 3.10 has reached its end of life, so findings of it may be missing")
    assert ask("critical 0", old).because.endswith("allows; " + old.reason)


# Less evidence. What is less: all of a scanner that the row names (or of one that opens, where it names none), a
# finding of the list, what it says of a fix, what the scan says of fixes, its counts. Not less: one scanner's bad word
# taken back where the row asks for no scanner by name, and the platform, without which a scan speaks of the image.

NAMES = ("trivy", "grype", "defender")
IDS = (CVE, "CVE-2026-9", "GHSA-x1")
few = st.integers(0, 3)


@st.composite
def evidence(draw: st.DrawFn, name: str) -> ScanEvidence:
    """Evidence as `read_scan` lets it through: no more is listed than counted, no more has a fix than is counted."""
    one = st.builds(
        ScanFinding,
        id=st.sampled_from(IDS),
        severity=st.sampled_from(SEVERITIES),
        fixable=st.sampled_from([True, False, None]),
    )
    listed = draw(st.lists(one, max_size=4))
    counts, fixable = {}, {}
    for severity in SEVERITIES:
        of_it = [finding for finding in listed if finding.severity == severity]
        with_fix = sum(finding.fixable is True for finding in of_it)
        counts[severity] = len(of_it) + draw(few)
        fixable[severity] = draw(st.integers(with_fix, counts[severity]))
    completed = draw(st.booleans()) or draw(st.booleans())
    return scan(
        scanner=name,
        status="completed" if completed else draw(st.sampled_from(["failed", "incomplete", "unsupported"])),
        counts=Severities(**counts) if completed else None,
        fixable=Severities(**fixable) if completed and draw(st.booleans()) else None,
        findings=tuple(listed) if completed else (),
        completed_at=NOON + draw(st.integers(-30, 2)) * HOUR,
        digest=draw(st.sampled_from([DIGEST, CHILD])),
    )


@st.composite
def cells(draw: st.DrawFn) -> str:
    parts = [f"{name} {draw(few)}" for name in ("critical", "high", "medium", "low") if draw(st.booleans())]
    parts = parts or ["critical 0"]
    parts += ["fixable only"] if draw(st.booleans()) else []
    by = draw(st.lists(st.sampled_from(NAMES), unique=True, max_size=2))
    parts += [f"by {' and '.join(by)}"] if by else []
    parts += ["not older than 24h"] if draw(st.booleans()) else []
    parts += [f"except {name} until {draw(st.sampled_from(['2026-11-23', '2026-11-24']))}" for name in IDS[: draw(few)]]
    parts += [draw(st.sampled_from(["within 1h else hold", "within 1h else reject"]))] if draw(st.booleans()) else []
    return ", ".join(parts)


@st.composite
def scenes(draw: st.DrawFn) -> tuple[str, tuple[ScanEvidence, ...]]:
    names = draw(st.lists(st.sampled_from(NAMES), unique=True))
    return draw(cells()), tuple(draw(evidence(name)) for name in names)


def lessened(cell: str, scans: tuple[ScanEvidence, ...]) -> list[tuple[ScanEvidence, ...]]:
    """Every way of knowing one thing less."""
    ways: list[tuple[ScanEvidence, ...]] = [()]
    for place, one in enumerate(scans):
        others = (*scans[:place], *scans[place + 1 :])
        if (
            f"by {one.scanner}" in cell
            or f"and {one.scanner}" in cell
            or ask(cell, one, manifest=INDEX).answer is (Answer.OPEN)
        ):
            ways.append(others)
        less = [
            replace(one, fixable=None),
            replace(one, findings=()),
            replace(one, counts=None),
            replace(one, worst=()),
        ]
        less += [replace(one, status="incomplete")]
        for number, finding in enumerate(one.findings):
            rest = (*one.findings[:number], *one.findings[number + 1 :])
            less += [replace(one, findings=rest), replace(one, findings=(*rest, replace(finding, fixable=None)))]
        ways += [(*others, changed) for changed in less]
    return ways


@settings(max_examples=FUZZ)
@given(scenes())
def test_no_gate_opens_on_less_evidence(scene: tuple[str, tuple[ScanEvidence, ...]]) -> None:
    cell, scans = scene
    if ask(cell, *scans, manifest=INDEX).answer is Answer.OPEN:
        return
    for less in lessened(cell, scans):
        assert ask(cell, *less, manifest=INDEX).answer is not Answer.OPEN, less


def allowed(cell: str, one: ScanEvidence) -> bool:
    """Whether this scan is clean enough, read off the cell's text by counting findings one by one."""
    parts = cell.split(", ")
    fresh = "not older than 24h" not in parts or -timedelta(minutes=5) <= NOON - one.completed_at < 24 * HOUR
    if not fresh or one.status != "completed" or one.counts is None:
        return False
    only_fixable = "fixable only" in parts
    spared = {part.split()[1].upper() for part in parts if part.startswith("except") and part.endswith("2026-11-24")}
    told = one.fixable if only_fixable and one.fixable is not None else one.counts
    left = {name: getattr(told, name) for name in SEVERITIES}
    for finding in one.findings:
        if finding.id.upper() in spared and (finding.fixable is True or not only_fixable):
            left[finding.severity] -= 1
    left["medium"] += left["unknown"]
    limits = [part.split() for part in parts if part.split()[0] in left and part.split()[1].isdigit()]
    return all(left[name] <= int(most) for name, most in limits)


@settings(max_examples=FUZZ)
@given(scenes())
def test_a_gate_is_open_exactly_when_everyone_asked_has_a_clean_word(
    scene: tuple[str, tuple[ScanEvidence, ...]],
) -> None:
    cell, scans = scene
    named = next((part[3:].split(" and ") for part in cell.split(", ") if part.startswith("by ")), None)
    heard = {one.scanner: one for one in scans}
    asked = named if named is not None else list(heard)
    clean = bool(asked) and all(name in heard and allowed(cell, heard[name]) for name in asked)
    assert (ask(cell, *scans, manifest=INDEX).answer is Answer.OPEN) == clean


@settings(max_examples=FUZZ)
@given(scenes(), st.integers(0, 40))
def test_an_answer_stays_until_the_time_at_which_it_says_to_ask_again(
    scene: tuple[str, tuple[ScanEvidence, ...]], hours: int
) -> None:
    cell, scans = scene
    first, later = ask(cell, *scans), NOON + hours * HOUR
    if first.ask_at is None or later < first.ask_at:
        assert ask(cell, *scans, now=later).answer is first.answer


@pytest.mark.parametrize("manifest", [None, INDEX])
def test_no_scan_at_all_never_opens(manifest: object) -> None:
    assert ask("critical 999999, high 999999, fixable only", manifest=manifest).answer is Answer.WAITING
