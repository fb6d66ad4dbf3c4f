"""`weighbridge explain`: every row about an image, every gate of it, and nothing guessed that nobody was asked."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.cli.run import Answer, feed, run

D, OLD = "sha256:" + "a" * 64, "sha256:" + "b" * 64
WEB = "contoso.azurecr.io|shop|web"
IMAGE = f"contoso.azurecr.io/shop/web:1.4.3@{D}"
PUSH: dict[str, Any] = {"time": "2026-11-24T09:00:00Z", "push": {"image": IMAGE}}
AT = "2026-11-24T09:30:00Z"


def row(name: str, partition: str = WEB, **cells: str) -> dict[str, str]:
    return {"PartitionKey": partition, "RowKey": name, "App": "rg-shop/ca-web", **cells}


def scan(**counts: int) -> dict[str, Any]:
    return {"time": "2026-11-24T09:04:00Z", "scan": {"image": IMAGE, "scanner": "trivy", "counts": counts}}


def verdict(policy: str, outcome: str, image: str = IMAGE, time: str = "2026-11-24T09:10:00Z") -> dict[str, Any]:
    return {"time": time, "verdict": {"image": image, "policy": policy, "outcome": outcome, "because": "errors 6.1 %"}}


@pytest.fixture
def explain(tmp_path, capsys):
    def ask(rows: list[dict[str, str]], *more: str, evidence: Any = None, push: Any = PUSH, at: str = AT) -> Answer:
        (tmp_path / "rows.json").write_text(json.dumps(rows), encoding="utf-8")
        (tmp_path / "push.json").write_text(json.dumps(push), encoding="utf-8")
        given = []
        if evidence is not None:
            (tmp_path / "evidence.jsonl").write_text("\n".join(map(json.dumps, evidence)), encoding="utf-8")
            given = ["--evidence", str(tmp_path / "evidence.jsonl")]
        files = ["--rows", tmp_path / "rows.json", "--event", tmp_path / "push.json", *given]
        return run(capsys, "explain", *files, "--at", at, *more)

    return ask


def conclusions(answer: Answer) -> list[str]:
    return [line for line in answer.out.splitlines() if "|" in line and not line.startswith(" ")]


def test_a_row_whose_gates_are_open_ships_and_says_what_was_not_asked(explain):
    answer = explain([row("production", Tags="semver: >=1.4 <2")])
    assert (answer.code, answer.err) == (0, "")
    assert answer.out == (
        "contoso.azurecr.io/shop/web:1.4.3 (sha256:aaaaaaaaaaaa…) at 2026-11-24 09:30 UTC\n"
        "\n"
        "contoso.azurecr.io|shop|web/production: ships to rg-shop/ca-web: every gate is open\n"
        "  ✓ policy      its Mode is on\n"
        "  - switch      not asked: nothing is taken to be stopped\n"
        "  - manifest    not asked: taken to be an image that Container Apps can run\n"
        "  ✓ tag         1.4.3 is taken by semver: >=1.4 <2\n"
        "  - upgrade     not asked: nothing is known of what runs now; --running TAG tells\n"
        "  - quarantine  not asked: the digest is taken to be in none\n"
        "  ✓ lanes       no other row orders this container otherwise\n"
        "\n"
        "Not asked offline, and taken to be open: manifest, quarantine, switch, upgrade.\n"
    )


@pytest.mark.parametrize(
    ("cells", "evidence", "more", "code", "conclusion"),
    [
        ({"Tags": "semver: >=2"}, None, (), 1, "does not ship: tag: 1.4.3 is not selected by semver: >=2: outside >=2"),
        ({"Scan": "critical 0"}, None, (), 1, "waits: scan: no scan has come"),
        ({"Scan": "critical 0"}, [scan(high=4)], (), 0, "ships to rg-shop/ca-web: every gate is open"),
        (
            {"Scan": "critical 0"},
            [scan(critical=1)],
            (),
            1,
            "does not ship: scan: trivy at 09:04 UTC: 1 critical, allowed 0",
        ),
        (
            {"MinAge": "24h"},
            None,
            (),
            1,
            "waits: age: pushed 09:00 UTC, must be 24 h old; opens Wed 09:00 UTC; asked again 2026-11-25 09:00 UTC",
        ),
        ({}, None, ("--running", "1.4.2"), 0, "ships to rg-shop/ca-web: every gate is open"),
        (
            {},
            None,
            ("--running", "1.5.0"),
            1,
            "does not ship: upgrade: a downgrade: 1.5.0 is running and newer than 1.4.3",
        ),
        (
            {},
            [verdict("production", "rolled back")],
            (),
            1,
            (
                "does not ship: quarantine: in quarantine: rolled back at 2026-11-24 09:10 UTC, errors 6.1 %; "
                "a person may release the digest"
            ),
        ),
        (
            {},
            [verdict("production", "promoted", IMAGE.replace("1.4.3", "1.5.0").replace(D, OLD))],
            (),
            1,
            "does not ship: upgrade: a downgrade: 1.5.0 is running and newer than 1.4.3",
        ),
        (
            {"Mode": "observe"},
            None,
            (),
            1,
            "would ship to rg-shop/ca-web: every gate is open, and the row only observes",
        ),
        ({"Mode": "off"}, None, (), 1, "does not ship: policy: its Mode is off"),
        ({"Tags": "exact: 1.4.3"}, None, (), 0, "ships to rg-shop/ca-web: every gate is open"),
        (
            {"Tags": "exact: 1.4.3"},
            [{"time": AT, "push": {"image": IMAGE.replace(D, OLD)}}],
            (),
            1,
            "does not ship: tag: 1.4.3 names sha256:bbbbbbbbbbbb… now",
        ),
        (
            {"After": "staging for 2h"},
            None,
            (),
            1,
            "waits: after: cannot tell: nobody can be asked offline; give the messages of its rollouts as evidence",
        ),
        (
            {"After": "staging, test"},
            None,
            (),
            1,
            (
                "waits: after: after: cannot tell: nobody can be asked offline; "
                "give the messages of its rollouts as evidence"
            ),
        ),
        (
            {"After": "staging for 2h"},
            [verdict("staging", "promoted")],
            (),
            1,
            (
                "waits: after: promoted by staging; soaks 2 h, until 2026-11-24 11:10 UTC; "
                "asked again 2026-11-24 11:10 UTC"
            ),
        ),
        (
            {"After": "staging"},
            [verdict("staging", "promoted")],
            (),
            0,
            "ships to rg-shop/ca-web: every gate is open",
        ),
        (
            {"After": "staging"},
            [verdict("staging", "promoted"), verdict("staging", "rolled back", time="2026-11-24T09:20:00Z")],
            (),
            1,
            (
                "waits: after: staging took it back: rolled back at 2026-11-24 09:20 UTC; "
                "a retry that is promoted there opens this"
            ),
        ),
    ],
)
def test_the_answer_of_a_row(explain, cells, evidence, more, code, conclusion):
    others = [row(name, App=f"rg-{name}/ca-web", Mode="observe") for name in ("staging", "test")]
    answer = explain([row("production", **cells), *others], *more, evidence=evidence)
    assert conclusions(answer)[0] == f"{WEB}/production: {conclusion}"
    assert answer.code == code


def test_evidence_of_later_than_the_time_that_is_asked_about_is_not_known_then(explain):
    answer = explain([row("production", Scan="critical 0")], evidence=[scan(critical=0)], at="2026-11-24T09:03:00Z")
    assert conclusions(answer) == [f"{WEB}/production: waits: scan: no scan has come"]
    assert answer.err == "note: evidence of after 2026-11-24 09:03 UTC is left out: 1 of 1\n"


def test_every_row_about_the_image_answers_and_a_broken_one_says_why(explain):
    rows = [
        row("production"),
        row("bad", Steps="5,25,50"),
        row("fleet", "contoso.azurecr.io|*", App="rg-{name}/ca-{name}", Repository="shop/*", Tags="exact: 9"),
        row("badfleet", "contoso.azurecr.io|*", App="x", Repository="hr/*"),
        row("other", "contoso.azurecr.io|shop|api"),
    ]
    found = conclusions(explain(rows))
    assert [line.partition(":")[0] for line in found] == [
        f"{WEB}/production",
        f"{WEB}/bad",
        "contoso.azurecr.io|*/fleet",
    ]
    assert found[1].startswith(f"{WEB}/bad: does not ship: policy: the row is broken, so nothing ships from it: Steps:")


def test_rows_that_share_a_container_are_held_against_each_other(explain):
    rows = [row("production"), row("twin")]
    answer = explain(rows)
    assert answer.code == 1
    assert f"lanes: selected by {WEB}/production and by {WEB}/twin; one of them must let go" in answer.out


def test_no_row_is_about_it(explain):
    answer = explain([row("other", "contoso.azurecr.io|shop|api")])
    assert answer.code == 1
    assert answer.out.endswith("\n\nno row is about contoso.azurecr.io/shop/web\n")


def test_programs_read_the_same_as_json(explain):
    answer = explain([row("production", Scan="critical 0")], "--json")
    found = json.loads(answer.out)
    (only,) = found["rows"]
    assert (answer.code, found["ships"], only["answer"], only["app"]) == (1, False, "waiting", "rg-shop/ca-web")
    assert only["not_asked"] == ["manifest", "quarantine", "switch", "upgrade"]
    assert [gate["gate"] for gate in only["finding"]["children"]][-1] == "scan"


def test_an_event_of_the_registry_on_standard_input(tmp_path, capsys, monkeypatch):
    (tmp_path / "rows.json").write_text(json.dumps([row("production")]), encoding="utf-8")
    data = {
        "timestamp": "2026-11-24T09:00:00.1234567Z",
        "action": "push",
        "target": {"repository": "shop/web", "tag": "1.4.3", "digest": D},
        "request": {"host": "contoso.azurecr.io"},
    }
    feed(monkeypatch, json.dumps(data).encode())
    answer = run(capsys, "explain", "--rows", tmp_path / "rows.json", "--event", "-", "--at", AT)
    assert (answer.code, conclusions(answer)[0].partition(": ")[2].partition(":")[0]) == (0, "ships to rg-shop/ca-web")


@pytest.mark.parametrize(
    ("push", "said"),
    [
        (scan(high=1), "push.json: expected one push, found another event"),
        ([PUSH, PUSH], "push.json: expected one push, found 2 events"),
        ({"a": 1}, 'push.json: expected an event, or "time" and one of push, scan, verdict, found a'),
        (
            {"specversion": "1.0", "type": "x.y", "source": "/s", "data": {}},
            "push.json: left out, it is a x.y",
        ),
    ],
)
def test_an_event_that_is_no_push_is_said(explain, push, said):
    answer = explain([row("production")], push=push)
    assert (answer.code, answer.out) == (2, "")
    assert said in answer.err


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ('{"time": 1\n{"time": 2', "line 2, column 1: expected JSON: Expecting"),
        ('{"time": "x"}\n{oops', "line 2: column 2: expected JSON: Expecting property name"),
        ("", "expected JSON events, found nothing"),
        ("[" * 100_000, "nested too deeply"),
        ('[{"time": 1}, {"time": 2}]', "event 2: expected an event"),
    ],
)
def test_evidence_that_cannot_be_read_says_where(tmp_path, capsys, content, said):
    for name, text in (("rows.json", json.dumps([row("p")])), ("push.json", json.dumps(PUSH)), ("bad", content)):
        (tmp_path / name).write_text(text, encoding="utf-8")
    files = ["--rows", tmp_path / "rows.json", "--event", tmp_path / "push.json", "--evidence", tmp_path / "bad"]
    answer = run(capsys, "explain", *files)
    assert answer.code == 2
    assert said in answer.err


@pytest.mark.parametrize("arguments", [("--at", "noon"), ("--running", "a b"), ("--running", "1.4@sha256:1")])
def test_an_argument_that_cannot_be_read_is_said(explain, capsys, arguments):
    with pytest.raises(SystemExit) as ended:
        explain([row("production")], *arguments)
    assert ended.value.code == 2
    assert "expected a" in capsys.readouterr().err
