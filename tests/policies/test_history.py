"""What is recorded of images is read from events and from short forms; anything else says where and what."""

from __future__ import annotations

import contextlib
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from policies.errors import EvidenceError
from policies.events import Ignored
from policies.evidence import ScanEvidence
from policies.history import Verdict, moment_of, read_entry
from policies.pushes import PushEvidence
from rollouts.model import Phase
from tests.policies.rows import nested

D = "sha256:" + "a" * 64
WEB = f"contoso.azurecr.io/shop/web:1.4.3@{D}"
GOLDEN = Path(__file__).parents[1] / "golden" / "messages"


def short(**body: Any) -> dict[str, Any]:
    return {"time": "2026-11-24T09:00:00Z", **body}


def test_what_is_too_deep_to_be_repeated_is_named_all_the_same():
    with pytest.raises(EvidenceError, match="push: expected an object, found a list that is nested too deeply"):
        read_entry("x", short(push=nested(100_000)))


def test_what_is_too_deep_to_be_a_text_is_none():
    deep = nested(100_000)
    target = {"repository": "shop/web", "tag": "1.4.3", "digest": D}
    data = {"timestamp": "2026-11-24T09:00:00Z", "target": target, "location": deep, "request": {"host": deep}}
    topic = "/subscriptions/s/resourceGroups/g/providers/Microsoft.ContainerRegistry/registries/contoso"
    event = {"eventType": "Microsoft.ContainerRegistry.ImagePushed", "topic": topic, "data": data}
    found = read_entry("x", event)
    assert isinstance(found, PushEvidence)
    assert (found.registry, found.location) == ("contoso.azurecr.io", "")


def test_a_short_push_is_a_push():
    found = read_entry("x", short(push={"image": WEB, "by": "ada"}))
    assert isinstance(found, PushEvidence)
    assert (found.registry, found.repository, found.tag, found.digest) == ("contoso.azurecr.io", "shop/web", "1.4.3", D)
    assert (found.pushed_by, moment_of(found).isoformat()) == ("ada", "2026-11-24T09:00:00+00:00")


def test_a_short_scan_counts_what_it_names_and_nothing_else():
    found = read_entry("x", short(scan={"image": WEB, "scanner": "Trivy", "counts": {"high": 2}}))
    assert isinstance(found, ScanEvidence)
    assert found.counts is not None
    assert (found.scanner, found.status, found.counts.high, found.counts.critical) == ("trivy", "completed", 2, 0)


@pytest.mark.parametrize(
    ("word", "phase"),
    [
        ("promoted", Phase.PROMOTED),
        ("rolled back", Phase.ROLLED_BACK),
        ("rolled_back", Phase.ROLLED_BACK),
        ("Failed", Phase.FAILED),
        ("aborted", Phase.ABORTED),
    ],
)
def test_a_short_verdict_says_how_it_ended(word, phase):
    found = read_entry("x", short(verdict={"image": WEB, "policy": "production", "outcome": word, "because": "slow"}))
    assert isinstance(found, Verdict)
    assert (found.outcome, found.policy, found.because) == (phase, "production", "slow")


@pytest.mark.parametrize(
    ("name", "phase"),
    [
        ("RolloutPromoted", Phase.PROMOTED),
        ("RolloutRolledBack", Phase.ROLLED_BACK),
        ("RolloutFailed", Phase.FAILED),
        ("RolloutAborted", Phase.ABORTED),
    ],
)
def test_a_message_of_a_rollouts_end_is_a_verdict(name, phase):
    message = json.loads((GOLDEN / f"{name}.json").read_text(encoding="utf-8"))
    found = read_entry("x", message)
    assert isinstance(found, Verdict)
    assert (found.outcome, found.policy, found.repository) == (phase, message["data"]["policy"]["name"], "shop/web")
    assert found.digest == message["data"]["image"]["digest"]
    assert found.because == message["data"]["because"]


@pytest.mark.parametrize("path", sorted(GOLDEN.glob("*.json")), ids=lambda path: path.stem)
def test_every_other_message_is_left_out_with_its_type(path):
    found = read_entry("x", json.loads(path.read_text(encoding="utf-8")))
    assert isinstance(found, Verdict) or found == Ignored(because=f"it is a Weighbridge.{path.stem}")


@pytest.mark.parametrize(
    ("value", "said"),
    [
        ([], "x: body: expected one object, found 'list'"),
        ({}, 'x: expected an event, or "time" and one of push, scan, verdict, found nothing'),
        (short(), 'x: expected an event, or "time" and one of push, scan, verdict, found time'),
        (short(verdit={}), 'x: expected an event, or "time" and one of push, scan, verdict, found time, verdit'),
        (short(push={"image": WEB}, scan={}), "found time, push, scan"),
        ({"push": {"image": WEB}}, "x: time: expected a text, found None"),
        ({"time": "noon", "push": {"image": WEB}}, "x: time: expected an RFC 3339 time as in"),
        (short(push={"image": "shop/web:1"}), 'x: push.image: expected "<login server>/<repository>[:TAG]@sha256:'),
        (short(push={"image": WEB.replace(":1.4.3", ":a b")}), "x: push.image: expected"),
        (short(push={"image": WEB + "a" * 900}), "x: push.image: expected"),
        (short(push={"image": WEB, "tag": "1"}), "x: push.tag: expected one of by, image, found 'tag'"),
        (short(scan={"image": WEB, "scanner": "trivy", "counts": {}}), "x: scan.counts: expected how many findings"),
        (short(scan={"image": WEB, "scanner": "trivy", "counts": {"critical": -1}}), "x: scan.counts: expected"),
        (short(scan={"image": WEB, "scanner": "trivy", "counts": {"grave": 1}}), "x: scan.counts: expected"),
        (short(scan={"image": WEB, "scanner": "trivy"}), "x: scan.counts: expected an object, found None"),
        (
            short(verdict={"image": WEB, "policy": "production", "outcome": "fine"}),
            "x: verdict.outcome: expected one of promoted, rolled back, failed, aborted, found 'fine'",
        ),
        ({"specversion": "1.0", "type": "t", "source": "s"}, "x: data: expected an object, found None"),
    ],
)
def test_what_cannot_be_read_says_where_and_what(value, said):
    with pytest.raises(EvidenceError) as raised:
        read_entry("x", value)
    assert said in str(raised.value)
    assert len(str(raised.value)) < 500


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text() | st.sampled_from([WEB, D, "promoted"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                ["time", "push", "scan", "verdict", "image", "counts", "specversion", "type", "data", "action"]
            )
            | st.text(),
            inner,
            max_size=5,
        )
    ),
)


@given(_JSON)
def test_whatever_it_is_it_is_read_or_refused(value):
    with contextlib.suppress(EvidenceError):
        read_entry("x", value)


def test_what_a_webhook_of_the_registry_sent_is_a_push_and_a_part_of_it_is_not():
    sent = {
        "action": "push",
        "timestamp": "2026-11-24T09:00:00Z",
        "target": {"repository": "shop/web", "tag": "1.4.3", "digest": D},
        "request": {"host": "contoso.azurecr.io"},
    }
    found = read_entry("x", sent)
    assert isinstance(found, PushEvidence)
    assert (found.registry, found.repository, found.tag) == ("contoso.azurecr.io", "shop/web", "1.4.3")
    for missing in ("action", "target"):
        with pytest.raises(EvidenceError, match='x: expected an event, or "time" and one of '):
            read_entry("x", {name: value for name, value in sent.items() if name != missing})
