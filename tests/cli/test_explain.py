"""`weighbridge explain` gives the true answer of every row for a pushed image, and says what it could not ask."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from cli.__main__ import main

DIGEST = "sha256:" + "57a9" * 16
TOPIC = "/subscriptions/s/resourceGroups/rg/providers/Microsoft.ContainerRegistry/registries/contoso"
ROW = {"PartitionKey": "contoso.azurecr.io|shop|web", "RowKey": "production", "App": "rg-shop/ca-web"}


def push(tag: str = "1.4.3", digest: str = DIGEST, at: str = "2026-11-24T06:37:45.4681009Z") -> dict[str, Any]:
    target = {"mediaType": "application/vnd.oci.image.manifest.v1+json", "digest": digest, "repository": "shop/web"}
    data = {"id": "1", "timestamp": at, "action": "push", "target": {**target, "tag": tag}}
    return {"id": "1", "topic": TOPIC, "subject": f"shop/web:{tag}", "eventType": PUSHED, "data": data}


PUSHED = "Microsoft.ContainerRegistry.ImagePushed"


def scan(critical: int, at: str = "2026-11-24T07:00:00Z") -> dict[str, Any]:
    counts = dict.fromkeys(("critical", "high", "medium", "low", "negligible", "unknown"), 0) | {"critical": critical}
    return {
        "specversion": "1.0",
        "id": "2",
        "type": "Weighbridge.ImageScanCompleted",
        "source": "https://contoso.azurecr.io",
        "data": {
            "image": {"registry": "contoso.azurecr.io", "repository": "shop/web", "digest": DIGEST},
            "scanner": {"name": "trivy", "adapter": "trivy-json/1"},
            "scan": {"id": "1", "status": "completed", "completedAt": at},
            "summary": {"total": counts, "fixable": None},
        },
    }


def explain(tmp_path: Path, capsys, rows: list[dict[str, Any]], *more: str, event: Any = None, evidence: Any = None):
    files = {"rows.json": rows, "event.json": event or push(), "evidence.json": evidence or []}
    for name, value in files.items():
        (tmp_path / name).write_text(json.dumps(value))
    names = [str(tmp_path / name) for name in files]
    code = main(["explain", "--rows", names[0], "--event", names[1], "--evidence", names[2], "--at", AT, *more])
    return code, capsys.readouterr().out


AT = "2026-11-24T09:00:00Z"


def test_an_image_that_ships_says_where_to_and_what_was_not_asked(tmp_path, capsys):
    code, out = explain(tmp_path, capsys, [ROW], "--running", "1.4.2")
    assert code == 0
    lines = out.splitlines()
    assert lines[0] == f"contoso.azurecr.io/shop/web 1.4.3 {DIGEST[:19]} at 2026-11-24 09:00 UTC"
    assert lines[2:4] == ["contoso.azurecr.io|shop|web/production → rg-shop/ca-web", "  ships to rg-shop/ca-web"]
    assert "  open     upgrade     1.4.3 over 1.4.2" in lines
    assert "  assumed  quarantine  not asked here: whether the digest is in quarantine" in lines
    assert lines[-1] == "taken for open, for only a cloud can tell: manifest, quarantine, switch"


@pytest.mark.parametrize(
    ("cells", "more", "conclusion"),
    [
        ({"Tags": "semver: <1"}, [], "does not ship: tag: 1.4.3 is not selected by semver: <1: outside <1"),
        ({}, ["--running", "1.5.0"], "does not ship: upgrade: a downgrade: 1.5.0 is running and newer than 1.4.3"),
        (
            {"Scan": "critical 0, within 1h else hold"},
            [],
            "waits: scan: no scan has come within 1 h; held until one comes",
        ),
        ({"MinAge": "1d"}, [], "waits: age: pushed 06:37 UTC, must be 24 h old; "),
        ({"Freeze": "2026-11-24"}, [], "waits: freeze: "),
        ({"Window": "Sat 09:00-17:00 Europe/London"}, [], "waits: window: "),
        ({"Approvers": "2 of leads"}, [], "waits: approvers: needs 2 of leads"),
        ({"Mode": "observe"}, [], "would ship to rg-shop/ca-web; its row only observes"),
        ({"Mode": "off"}, [], "does not ship: policy: its Mode is off"),
        ({"Steps": "5"}, [], 'does not ship: its row is broken: Steps: expected "N% for D", found "5"'),
    ],
)
def test_every_reason_not_to_ship_is_the_conclusion(tmp_path, capsys, cells, more, conclusion):
    code, out = explain(tmp_path, capsys, [{**ROW, **cells}], *more)
    assert code == 1
    assert out.splitlines()[3].strip().startswith(conclusion)


def test_a_scan_among_the_evidence_decides(tmp_path, capsys):
    row = {**ROW, "Scan": "critical 0"}
    clean, _ = explain(tmp_path, capsys, [row], evidence=[scan(0)])
    dirty, said = explain(tmp_path, capsys, [row], evidence=[scan(1)])
    assert (clean, dirty) == (0, 1)
    assert "1 critical, allowed 0" in said.splitlines()[3]


def test_a_tag_that_moved_on_by_a_later_push_is_known(tmp_path, capsys):
    later = push("latest", "sha256:" + "0" * 64, "2026-11-24T08:00:00Z")
    row = {**ROW, "Tags": "exact: latest"}
    code, out = explain(tmp_path, capsys, [row], event=push("latest"), evidence=[later])
    assert code == 1
    assert out.splitlines()[3].strip() == "does not ship: tag: latest names sha256:000000000000… now"


def test_json_is_the_whole_tree(tmp_path, capsys):
    _, out = explain(tmp_path, capsys, [{**ROW, "Scan": "critical 0"}], "--json")
    found = json.loads(out)
    (row,) = found["policies"]
    assert found["image"]["digest"] == DIGEST
    assert (row["policy"], row["ships"]) == ("contoso.azurecr.io|shop|web/production", False)
    assert {gate["gate"] for gate in row["finding"]["children"]} >= {"policy", "tag", "upgrade", "scan"}
    assert row["assumed"] == ["switch", "manifest", "quarantine"]


def test_a_repository_without_a_row_is_said(tmp_path, capsys):
    code, out = explain(tmp_path, capsys, [{**ROW, "PartitionKey": "contoso.azurecr.io|shop|api"}])
    assert code == 1
    assert "no row is about shop/web: nothing ships it" in out


def test_forms_of_the_event_are_read_alike(tmp_path, capsys):
    grid = push()
    cloud = {"specversion": "1.0", "id": "1", "type": PUSHED, "source": TOPIC, "data": grid["data"]}
    hook = {**grid["data"], "request": {"host": "contoso.azurecr.io"}}
    answers = {explain(tmp_path, capsys, [ROW], event=event)[1] for event in (grid, cloud, hook, [grid])}
    assert len(answers) == 1


def test_what_cannot_be_read_exits_2_and_says_where(tmp_path, capsys):
    rows, event = tmp_path / "rows.json", tmp_path / "event.json"
    rows.write_text(json.dumps([ROW]))
    event.write_text(json.dumps({**push(), "data": {"target": {}}}))
    assert main(["explain", "--rows", str(rows), "--event", str(event)]) == 2
    assert "event 1: data.timestamp: expected a text, found None" in capsys.readouterr().err
    event.write_text("nonsense")
    assert main(["explain", "--rows", str(rows), "--event", str(event)]) == 2
    assert "line 1: expected an event as JSON" in capsys.readouterr().err
