"""Why did this image (not) ship: each gate open, waiting and closed, and what it says."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from policies.containers import container_of, split_reference
from policies.evaluate import evaluate, evaluate_again
from policies.facts import Facts, Manifest
from policies.gate import ASK_AGAIN
from policies.model import Contender, Policy
from policies.tags import Pushed
from rollouts.findings import Answer, Finding
from rollouts.model import Actor, ActorKind, Image, Lane, Pin
from rollouts.seen import Unknown
from tests.policies.rows import (
    CHILD,
    CLEAN,
    DIGEST,
    IMAGE,
    INDEX,
    MANIFEST,
    NOON,
    OCI,
    OCI_CONFIG,
    OCI_INDEX,
    OTHER_DIGEST,
    WEB,
    facts,
    row,
    scan,
)

AWAY = Unknown(because="contoso.azurecr.io answers 503")
ANN = Actor(kind=ActorKind.PERSON, id="ann@contoso.test", name="Ann")


def gate(name: str, policy: Policy, known: Facts, *, image: Image = IMAGE, now: datetime = NOON) -> Finding:
    whole = evaluate(policy, image, known, now)
    (found,) = (child for child in whole.children if child.gate == name)
    return found


def says(finding: Finding, answer: Answer, because: str) -> None:
    assert (finding.answer, finding.because) == (answer, because)


def test_an_image_ships_when_every_gate_is_open() -> None:
    whole = evaluate(row(), IMAGE, facts(), NOON)
    says(whole, Answer.OPEN, "every gate is open")
    assert [child.gate for child in whole.children] == [
        "policy",
        "switch",
        "manifest",
        "tag",
        "upgrade",
        "quarantine",
        "lanes",
    ]


def test_one_closed_gate_closes_all_and_is_named() -> None:
    says(
        evaluate(row({"Mode": "off"}), IMAGE, facts(manifest=AWAY), NOON),
        Answer.CLOSED,
        "policy: its Mode is off",
    )


def test_a_row_for_another_repository_takes_nothing() -> None:
    other = row(partition="contoso.azurecr.io|shop|api")
    said = "the row is about contoso.azurecr.io/shop/api, not contoso.azurecr.io/shop/web"
    says(gate("policy", other, facts()), Answer.CLOSED, said)


def test_observing_is_open_and_says_so() -> None:
    observed = gate("policy", row({"Mode": "observe"}), facts())
    says(observed, Answer.OPEN, "its Mode is observe: nothing is written to Azure")


NOT_IMAGES = {
    "gone": (None, "the digest is gone from the registry"),
    "notation signature": (
        replace(MANIFEST, artifact="application/vnd.cncf.notary.signature", subject=True),
        "not an image: an artifact of type application/vnd.cncf.notary.signature",
    ),
    "attached": (replace(MANIFEST, subject=True), "not an image: it is attached to another one"),
    "chart": (
        replace(MANIFEST, config="application/vnd.cncf.helm.config.v1+json"),
        "not an image: its config is application/vnd.cncf.helm.config.v1+json",
    ),
    "no config": (replace(MANIFEST, config=""), "not an image: its config is missing"),
    "index for arm": (
        replace(INDEX, children={"linux/arm64": CHILD}),
        "no linux/amd64 in the index, which holds linux/arm64; Container Apps runs nothing else",
    ),
    "empty index": (
        replace(INDEX, children={}),
        "no linux/amd64 in the index, which holds nothing; Container Apps runs nothing else",
    ),
}


@pytest.mark.parametrize("case", NOT_IMAGES)
def test_what_is_no_image_is_closed(case: str) -> None:
    manifest, because = NOT_IMAGES[case]
    says(gate("manifest", row(), facts(manifest=manifest)), Answer.CLOSED, because)


def test_an_image_and_an_index_with_our_platform_are_open() -> None:
    docker = "application/vnd.docker.distribution.manifest.v2+json"
    config = "application/vnd.docker.container.image.v1+json"
    for manifest in (MANIFEST, INDEX, replace(MANIFEST, media_type=docker, config=config)):
        assert gate("manifest", row(), facts(manifest=manifest)).answer is Answer.OPEN


def test_a_registry_that_cannot_be_asked_is_waited_for() -> None:
    for name, known in (("manifest", facts(manifest=AWAY)), ("upgrade", facts(running=AWAY))):
        found = gate(name, row(), known)
        says(found, Answer.WAITING, "cannot tell: contoso.azurecr.io answers 503")
        assert found.ask_at == NOON + ASK_AGAIN
    assert evaluate(row(), IMAGE, facts(manifest=AWAY), NOON).answer is Answer.WAITING


def test_a_tag_that_is_not_selected_says_why() -> None:
    found = gate("tag", row({"Tags": "semver: <1"}), facts())
    says(found, Answer.CLOSED, "1.4.3 is not selected by semver: <1: outside <1")
    untagged = gate("tag", row(), facts(), image=replace(IMAGE, tag=""))
    says(untagged, Answer.CLOSED, "the push is not selected by semver: pushed without a tag")
    long = gate("tag", row({"Tags": "newest"}), facts(), image=replace(IMAGE, tag="a" * 129))
    assert long.answer is Answer.CLOSED


@pytest.mark.parametrize("tags", ["newest", "exact: 1.4.3"])
@pytest.mark.parametrize(
    ("now", "answer", "because"),
    [
        (OTHER_DIGEST, Answer.CLOSED, "1.4.3 names sha256:bbbbbbbbbbbb… now"),
        (None, Answer.CLOSED, "the registry has no tag 1.4.3 any more"),
        (AWAY, Answer.WAITING, "cannot tell: contoso.azurecr.io answers 503"),
    ],
)
def test_a_moving_tag_must_still_name_the_digest(tags: str, now: object, answer: Answer, because: str) -> None:
    says(gate("tag", row({"Tags": tags}), facts(tag_now=now)), answer, because)
    assert gate("tag", row({"Tags": tags}), facts()).answer is Answer.OPEN


def test_a_version_is_not_resolved_again() -> None:
    assert gate("tag", row(), facts(tag_now=None)).answer is Answer.OPEN


@pytest.mark.parametrize(
    ("running", "answer", "because"),
    [
        (None, Answer.OPEN, "nothing is recorded of the running image, so anything selected is an upgrade"),
        (Pushed(tag="", digest=OTHER_DIGEST), Answer.OPEN, "the running image has no tag to compare with"),
        (Pushed(tag="1.4.2", digest=OTHER_DIGEST), Answer.OPEN, "1.4.3 over 1.4.2"),
        (Pushed(tag="latest", digest=OTHER_DIGEST), Answer.OPEN, "1.4.3 over latest"),
        (Pushed(tag="1.4.3", digest=DIGEST), Answer.CLOSED, "sha256:aaaaaaaaaaaa… is already stable"),
        (
            Pushed(tag="2.0.0", digest=OTHER_DIGEST),
            Answer.CLOSED,
            "a downgrade: 2.0.0 is running and newer than 1.4.3",
        ),
        (Pushed(tag="1.4.3", digest=OTHER_DIGEST), Answer.OPEN, "1.4.3 was pushed again"),
    ],
)
def test_never_a_downgrade(running: Pushed | None, answer: Answer, because: str) -> None:
    says(gate("upgrade", row(), facts(running=running)), answer, because)


def test_a_late_event_of_an_overwritten_version_does_not_bring_it_back() -> None:
    late = facts(running=Pushed(tag="1.4.3", digest=OTHER_DIGEST), tag_now=OTHER_DIGEST)
    says(gate("upgrade", row(), late), Answer.CLOSED, "1.4.3 names sha256:bbbbbbbbbbbb… now")


def test_newest_compares_the_pushes_of_this_tag() -> None:
    newer = facts(running=Pushed(tag="1.4.9", digest=OTHER_DIGEST, pushed_at=NOON + timedelta(seconds=1)))
    assert gate("upgrade", row({"Tags": "newest"}), newer).answer is Answer.CLOSED


def test_a_quarantined_digest_waits_for_a_person() -> None:
    found = gate("quarantine", row(), facts(quarantined="errors 6.1 % at 25 %"))
    says(found, Answer.CLOSED, "errors 6.1 % at 25 %; a person may release the digest")


# ---- lanes ---------------------------------------------------------------------------------------

HOTFIX = row({"Tags": "semver: >=1 from hotfix-{}"}, key="hotfix")
NEWEST = row({"Tags": "newest from main-*"}, key="edge")
PRODUCTION, EDGE = f"{WEB}/production", f"{WEB}/edge"


def lane(policy: str, order: str, container: str = "web") -> Lane:
    return Lane(policy=policy, container=container, order=order)


def test_a_hotfix_lane_beside_production_is_open() -> None:
    known = facts(siblings=(HOTFIX,), lanes=(lane(HOTFIX.key, "semver"),))
    assert gate("lanes", row(), known).answer is Answer.OPEN


def test_an_image_two_rows_select_is_refused_by_both() -> None:
    twin = row({"Tags": "semver: >=1"}, key="twin")
    for mine, other in ((row(), twin), (twin, row())):
        because = f"selected by {mine.key} and by {other.key}; one of them must let go"
        says(gate("lanes", mine, facts(siblings=(other,))), Answer.CLOSED, because)


def test_the_later_of_two_rows_that_order_differently_is_closed() -> None:
    both = (lane(PRODUCTION, "semver"), lane(EDGE, "newest"))
    assert gate("lanes", row(), facts(siblings=(NEWEST,), lanes=both)).answer is Answer.OPEN
    main = replace(IMAGE, tag="main-7")
    says(
        gate("lanes", NEWEST, facts(siblings=(row(),), lanes=both), image=main),
        Answer.CLOSED,
        f"{EDGE} orders by newest, but {PRODUCTION} came first to this container and orders by semver",
    )


def test_rows_that_both_are_new_go_by_their_key() -> None:
    assert gate("lanes", row(), facts(siblings=(NEWEST,))).answer is Answer.CLOSED
    assert gate("lanes", NEWEST, facts(siblings=(row(),)), image=replace(IMAGE, tag="main-7")).answer is Answer.OPEN


def test_a_lane_of_another_container_or_of_a_watching_row_is_no_rival() -> None:
    named = row({"Container": "web"})
    assert gate("lanes", named, facts(lanes=(lane("x", "newest", "sidecar"),))).answer is Answer.OPEN
    assert gate("lanes", named, facts(lanes=(lane("x", "newest", "web"),))).answer is Answer.CLOSED
    watching = row({"Mode": "observe", "Tags": "newest"}, key="edge")
    known = facts(siblings=(watching,), lanes=(lane(EDGE, "newest"),))
    assert gate("lanes", row(), known).answer is Answer.OPEN


# ---- container -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("container", "images", "answer", "because"),
    [
        ("", {"app": "contoso.azurecr.io/shop/web:1.4.2"}, Answer.OPEN, "container app"),
        ("", {"app": f"Contoso.azurecr.io/shop/web@{OTHER_DIGEST}", "dapr": "x/y"}, Answer.OPEN, "container app"),
        ("dapr", {"app": "contoso.azurecr.io/shop/web", "dapr": "x/y"}, Answer.OPEN, "container dapr"),
        ("web", {"app": "a/b"}, Answer.CLOSED, "the app has no container web; it has app"),
        ("", {"app": "a/b", "b": "c"}, Answer.CLOSED, "no container runs shop/web; name one of app, b in Container"),
        (
            "",
            {"a": "contoso.azurecr.io/shop/web:1", "b": "contoso.azurecr.io/shop/web:2"},
            Answer.CLOSED,
            "several containers run shop/web; name one of a, b in Container",
        ),
        ("", AWAY, Answer.WAITING, "cannot tell: contoso.azurecr.io answers 503"),
    ],
)
def test_which_container_is_meant(container: str, images: object, answer: Answer, because: str) -> None:
    policy = row({"Container": container})
    says(gate("container", policy, facts(images=images)), answer, because)
    if isinstance(images, dict):
        assert bool(container_of(policy, IMAGE, images)) is (answer is Answer.OPEN)


def test_a_reference_is_split_where_its_parts_meet() -> None:
    assert split_reference("localhost:5005/shop/web:1.4") == ("localhost:5005/shop/web", "1.4", "")
    assert split_reference(f"localhost:5005/web@{DIGEST}") == ("localhost:5005/web", "", DIGEST)


# ---- scan ----------------------------------------------------------------------------------------

SCANNED = {"Scan": "critical 0, high 2"}
CRITICAL = replace(CLEAN, critical=1)


def test_no_scan_is_not_a_clean_one() -> None:
    says(gate("scan", row(SCANNED), facts()), Answer.WAITING, "no scan has come")
    away = gate("scan", row(SCANNED), facts(scans=AWAY))
    says(away, Answer.WAITING, "cannot tell: contoso.azurecr.io answers 503")


def test_a_clean_scan_opens() -> None:
    found = gate("scan", row(SCANNED), facts(scans=(scan(),)))
    says(found, Answer.OPEN, "trivy found no more than critical 0, high 2 allows")


def test_too_many_findings_close_and_are_named() -> None:
    bad = scan(counts=CRITICAL, worst=("critical CVE-2026-3141 openssl, fixed in 3.0.15",))
    found = gate("scan", row(SCANNED), facts(scans=(bad,)))
    because = "trivy at 12:00 UTC: 1 critical, allowed 0 (critical CVE-2026-3141 openssl, fixed in 3.0.15)"
    says(found, Answer.CLOSED, because)


@pytest.mark.parametrize("status", ["failed", "unsupported", "incomplete"])
def test_a_scan_that_did_not_end_well_is_not_a_clean_one(status: str) -> None:
    found = gate("scan", row(SCANNED), facts(scans=(scan(status=status, counts=None, reason="out of disk"),)))
    says(found, Answer.WAITING, f"trivy at 12:00 UTC: the scan is {status}: out of disk")


def test_the_worst_word_of_several_scanners_counts() -> None:
    grype = scan(scanner="grype", counts=CRITICAL)
    assert gate("scan", row(SCANNED), facts(scans=(scan(), grype))).answer is Answer.CLOSED
    failed = scan(scanner="grype", status="failed", counts=None)
    assert gate("scan", row(SCANNED), facts(scans=(scan(), failed))).answer is Answer.WAITING


def test_the_last_word_of_one_scanner_counts() -> None:
    later = scan(completed_at=NOON + timedelta(minutes=1))
    assert gate("scan", row(SCANNED), facts(scans=(later, scan(counts=CRITICAL)))).answer is Answer.OPEN


OF_CHILD = scan(digest=CHILD, platform="linux/amd64")


@pytest.mark.parametrize(
    ("evidence", "answer"),
    [
        (scan(), Answer.OPEN),
        (OF_CHILD, Answer.OPEN),
        (scan(digest=CHILD), Answer.OPEN),
        (scan(digest=OTHER_DIGEST, index_digest=DIGEST, platform="linux/amd64"), Answer.OPEN),
        (scan(digest=OTHER_DIGEST, index_digest=DIGEST, platform="linux/arm64"), Answer.WAITING),
        (scan(digest=OTHER_DIGEST, index_digest=DIGEST), Answer.WAITING),
        (scan(platform="linux/arm64"), Answer.WAITING),
        (scan(digest=OTHER_DIGEST), Answer.WAITING),
    ],
)
def test_evidence_counts_for_the_digest_or_what_azure_will_run_of_it(evidence: object, answer: Answer) -> None:
    known = facts(manifest=INDEX, scans=(evidence,))
    assert gate("scan", row(SCANNED), known).answer is answer


def test_a_scan_of_the_child_outweighs_one_of_its_index() -> None:
    index = scan(status="unsupported", counts=None, completed_at=NOON + timedelta(hours=1))
    assert gate("scan", row(SCANNED), facts(manifest=INDEX, scans=(OF_CHILD, index))).answer is Answer.OPEN


def test_a_scan_that_does_not_come_in_time_holds_or_rejects() -> None:
    hold, reject = (row({"Scan": f"critical 0, within 1h else {late}"}) for late in ("hold", "reject"))
    early = gate("scan", reject, facts(), now=NOON + timedelta(minutes=59))
    says(early, Answer.WAITING, "no scan has come; waits until 13:00 UTC, then reject")
    assert early.ask_at == NOON + timedelta(hours=1)
    after = NOON + timedelta(hours=1)
    says(gate("scan", reject, facts(), now=after), Answer.CLOSED, "no scan has come; waited 1 h in vain")
    held = gate("scan", hold, facts(), now=after)
    says(held, Answer.WAITING, "no scan has come; waited 1 h in vain; held until one comes")
    assert held.ask_at is None
    assert gate("scan", hold, facts(scans=(scan(),)), now=after).answer is Answer.OPEN


# ---- which is newer ------------------------------------------------------------------------------


def test_a_contender_outranks_an_older_one_across_rows_that_order_alike() -> None:
    old = Contender(policy=row(), image=IMAGE, pushed_at=NOON)
    fix = Contender(policy=HOTFIX, image=replace(IMAGE, tag="hotfix-1.4.4", digest=OTHER_DIGEST), pushed_at=NOON)
    assert fix.outranks(old)
    assert not old.outranks(fix)
    edge = Contender(policy=NEWEST, image=replace(IMAGE, tag="main-1", digest=OTHER_DIGEST), pushed_at=NOON)
    assert not edge.outranks(old)
    assert not old.outranks(edge)
    renamed = Contender(policy=row(), image=replace(IMAGE, tag="1.4.4"), pushed_at=NOON)
    assert not renamed.outranks(old), "another name of the same digest is nothing new"


def test_an_index_and_its_config_are_told_apart_from_an_image() -> None:
    assert Manifest(digest=DIGEST, media_type=OCI_INDEX, children={}, labels={}) != replace(INDEX, media_type=OCI)
    assert MANIFEST.config == OCI_CONFIG


STOPPED = "everything is stopped by Ann: an incident"


def test_the_switch_says_who_stopped_everything_and_is_asked_again() -> None:
    stopped = gate("switch", row(), facts(stopped=STOPPED))
    says(stopped, Answer.WAITING, STOPPED)
    assert stopped.ask_at == NOON + ASK_AGAIN
    says(gate("switch", row(), facts()), Answer.OPEN, "nothing is stopped")
    assert gate("switch", row(), facts(stopped=AWAY)).answer is Answer.WAITING


def test_a_pin_stands_in_for_what_the_row_selects_and_for_no_downgrade() -> None:
    def pinned(digest: str, tag: str = "1.4.1") -> Pin:
        return Pin(digest=digest, tag=tag, by=ANN, because="incident 7", since=NOON)

    older = replace(IMAGE, tag="1.0.0-debug")
    says(gate("pin", row(), facts(pin=pinned(DIGEST)), image=older), Answer.OPEN, "pinned: incident 7")
    assert {child.gate for child in evaluate(row(), older, facts(pin=pinned(DIGEST)), NOON).children}.isdisjoint(
        {"tag", "upgrade"}
    )
    waits = "the app is pinned to {}: incident 7"
    says(gate("pin", row(), facts(pin=pinned(OTHER_DIGEST))), Answer.WAITING, waits.format("1.4.1"))
    shown = f"{OTHER_DIGEST[:19]}…"
    says(gate("pin", row(), facts(pin=pinned(OTHER_DIGEST, ""))), Answer.WAITING, waits.format(shown))


def test_while_it_is_live_the_switch_and_lasting_gates_are_asked_again_and_nothing_else() -> None:
    policy = row({"Scan": "critical 0", "MinAge": "1h", "Freeze": "2026-11-24"})
    again = evaluate_again(policy, IMAGE, facts(stopped=STOPPED), NOON)
    lasting = [rule for rule in policy.gates if rule.lasting]
    assert again.gate == "gates"
    assert again.children[0].gate == "switch"
    assert len(again.children) == 1 + len(lasting)
    assert 0 < len(lasting) < len(policy.gates)
    assert again.answer is Answer.WAITING
