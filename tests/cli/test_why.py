"""`weighbridge why`: the service's own answer over HTTP, and nothing of the key when there is none."""

from __future__ import annotations

import asyncio
import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

import pytest

from delivery import explain
from policies.render import finding, finding_of
from rollouts.findings import Answer as Word
from rollouts.findings import Finding
from tests.cli.run import run
from tests.delivery.shop import PARTITION, REGISTRY, REPOSITORY, ROW, Shop

if TYPE_CHECKING:
    from collections.abc import Mapping

IMAGE = f"{REGISTRY}/{REPOSITORY}:1.1.0"
SECRET = "function-key-9b1e"


async def answered(row: Mapping[str, object]) -> dict[str, Any]:
    """What the service says of an image that was pushed and run to its end."""
    shop = await Shop(row=row).open()
    await shop.push(1)
    await shop.run()
    found: dict[str, Any] = await explain.why(shop.ports, IMAGE)
    return found


class Stand:
    """A function app that answers everything alike, and remembers what it was asked."""

    def __init__(self) -> None:
        self.status, self.body = 200, b"{}"
        self.asked: list[tuple[str, str]] = []
        stand = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                stand.asked.append((self.path, self.headers.get("x-functions-key", "")))
                self.send_response(stand.status)
                self.send_header("location", "https://elsewhere.test/")
                self.send_header("content-length", str(len(stand.body)))
                self.end_headers()
                self.wfile.write(stand.body)

            def log_message(self, *_: object) -> None:
                return

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"


@pytest.fixture
def stand(monkeypatch):
    monkeypatch.setenv("WEIGHBRIDGE_KEY", SECRET)
    stand = Stand()
    thread = threading.Thread(target=stand.server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    yield stand
    stand.server.shutdown()
    stand.server.server_close()
    thread.join()


def test_the_services_answer_is_shown_as_a_tree(stand, capsys):
    stand.body = json.dumps(asyncio.run(answered({**ROW, "Tags": "semver: <1"}))).encode()
    answer = run(capsys, "why", IMAGE, "--url", stand.url)
    assert (answer.code, answer.err) == (1, "")
    lines = answer.out.splitlines()
    refused = "1.1.0 is not selected by semver: <1: outside <1"
    assert lines[0] == f"{PARTITION}/production: does not ship: tag: {refused}"
    assert [line.split()[:2] for line in lines if line.lstrip().startswith("✗")] == [["✗", "tag"]]
    assert stand.asked == [("/api/explain?image=contoso.azurecr.io%2Fshop%2Fweb%3A1.1.0", SECRET)]


def test_what_became_of_it_stands_before_its_gates(stand, capsys):
    stand.body = json.dumps(asyncio.run(answered(ROW))).encode()
    answer = run(capsys, "why", IMAGE, "--url", stand.url)
    assert answer.out.splitlines()[1].startswith("  rollout 1 promoted at ")


def test_the_address_may_stand_in_the_environment(stand, capsys, monkeypatch):
    monkeypatch.setenv("WEIGHBRIDGE_URL", f"{stand.url}/")
    fine = {"ships": True, "policy": "p", "conclusion": "ships", "before": [], "finding": finding(_tree(1))}
    stand.body = json.dumps({"notes": ["the registry has no tag 1"], "policies": [fine]}).encode()
    answer = run(capsys, "why", IMAGE)
    assert (answer.code, answer.out) == (0, "note: the registry has no tag 1\n\np: ships\n  ✓ g  b\n")


def test_programs_get_the_answer_as_it_came(stand, capsys):
    stand.body = b'{"notes": [], "policies": []}'
    answer = run(capsys, "why", IMAGE, "--url", stand.url, "--json")
    assert (answer.code, json.loads(answer.out)) == (1, {"notes": [], "policies": []})


@pytest.mark.parametrize(
    ("status", "body", "said"),
    [
        (400, b'{"error": "image: expected an image as in x, found y"}', "127.0.0.1: 400: image: expected an image as"),
        (401, b"", "127.0.0.1: 401: the key in WEIGHBRIDGE_KEY is not one of this installation"),
        (302, b"{}", "127.0.0.1: 302"),
        (503, b"<html>", "127.0.0.1: expected JSON of the service, found 503 and something else"),
        (200, b"[" * 100_000, "127.0.0.1: expected JSON of the service"),
        (200, b"{}", "expected the answer of /api/explain, found another (ValueError)"),
        (200, b'{"notes": [], "policies": [{}]}', "expected the answer of /api/explain, found another (KeyError)"),
        (500, b'{"error": "\\u001b[2J"}', "127.0.0.1: 500\n"),
    ],
)
def test_what_is_no_answer_is_said_without_the_key(stand, capsys, status, body, said):
    stand.status, stand.body = status, body
    answer = run(capsys, "why", IMAGE, "--url", stand.url)
    assert (answer.code, answer.out) == (2, "")
    assert answer.err.startswith(said)
    assert SECRET not in answer.err
    assert len(stand.asked) == 1


@pytest.mark.parametrize(
    ("url", "key", "said"),
    [
        ("", SECRET, "--url: expected https://<function app>, found none, and WEIGHBRIDGE_URL is not set"),
        ("http://fn.test", SECRET, "--url: expected https://<function app>, found an address"),
        ("https://a:b@fn.test", SECRET, "--url: expected https://<function app>, found an address"),
        ("https://fn.test:x", SECRET, "--url: expected https://<function app>, found something else"),
        ("https://fn.test", "", "WEIGHBRIDGE_KEY: expected a function key of the installation in this variable"),
        ("https://fn.test", "a\nb", "WEIGHBRIDGE_KEY: expected a function key of the installation in this variable"),
    ],
)
def test_the_key_goes_nowhere_it_does_not_belong(capsys, monkeypatch, url, key, said):
    monkeypatch.setenv("WEIGHBRIDGE_KEY", key)
    answer = run(capsys, "why", IMAGE, "--url", url)
    assert answer.code == 2
    assert answer.err.startswith(said)


def test_nobody_there_is_said(capsys, monkeypatch, stand):
    stand.server.server_close()
    monkeypatch.setenv("WEIGHBRIDGE_KEY", SECRET)
    answer = run(capsys, "why", IMAGE, "--url", "http://127.0.0.1:1")
    assert (answer.code, answer.err) == (2, "127.0.0.1: expected an answer, found ConnectionRefusedError\n")


def _tree(depth: int) -> Finding:
    tree = Finding(gate="g", answer=Word.OPEN, because="b")
    for _ in range(depth):
        tree = Finding(gate="g", answer=Word.OPEN, because="b", children=(tree,))
    return tree


def test_a_tree_is_read_as_it_was_written_and_no_deeper_than_it_is_shown():
    assert finding_of(finding(_tree(19))) == _tree(19)
    for bad in (finding(_tree(20)), None, {**finding(_tree(0)), "answer": "maybe"}, {"gate": 1}):
        with pytest.raises(ValueError, match=r"finding|maybe"):
            finding_of(bad)
