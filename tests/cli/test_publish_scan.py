"""A report becomes one event on a topic, as our own service reads it; what goes wrong is said, with what to do."""

from __future__ import annotations

import asyncio
import io
import json
from typing import TYPE_CHECKING, Any

import pytest
from aiohttp import web

from cli import topic
from cli.__main__ import main
from cli.topic import NotSent, Topic
from handlers import decode
from localcloud.clock import Clock
from localcloud.eventgrid import EventGrid
from policies import events
from policies.evidence import ScanEvidence
from tests.localcloud.serving import serving
from tests.policies.scans.reports import DEFENDER_ROW, DIGEST, MDVM, OTHER, TRIVY, changed

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

KEY = "t0pic-key"
IMAGE = ["--digest", DIGEST, "--registry", "contoso.azurecr.io", "--repository", "shop/web"]


@pytest.fixture
def report(tmp_path: Path) -> str:
    file = tmp_path / "report.json"
    file.write_text(json.dumps(TRIVY))
    return str(file)


class Subscriber:
    """An endpoint of Event Grid's that remembers the events it was sent."""

    def __init__(self) -> None:
        self.events: list[dict[str, Any]] = []

    def app(self) -> web.Application:
        app = web.Application()
        app.router.add_route("*", "/hook", self.handle)
        return app

    async def handle(self, request: web.Request) -> web.Response:
        if request.method == "OPTIONS":
            return web.Response(headers={"WebHook-Allowed-Origin": "eventgrid.azure.net"})
        found = await request.json()
        self.events += found if isinstance(found, list) else [found]
        return web.Response()


@pytest.fixture
async def local() -> AsyncIterator[tuple[EventGrid, Subscriber, str]]:
    grid, subscriber = EventGrid(clock=Clock(), schedule=0.0001, key=KEY, handshake_every=0.001), Subscriber()
    async with serving(subscriber.app()) as hook, serving(grid.app()) as base:
        grid.subscribe("scans", "scans", endpoint=f"{hook}/hook", schema="CloudEventSchemaV1_0")
        try:
            yield grid, subscriber, f"{base}/topics/scans/api/events"
        finally:
            await grid.close()


async def publish(*arguments: str) -> int:
    """The exit code; in a thread, for the topic is served by this one."""
    return await asyncio.to_thread(main, ["publish-scan", *arguments])


async def test_a_report_arrives_as_the_evidence_that_the_service_reads(
    local: tuple[EventGrid, Subscriber, str],
    report: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    grid, subscriber, endpoint = local
    monkeypatch.setenv("TOPIC_KEY", KEY)
    assert await publish(report, *IMAGE, "--tag", "1.4.3", "--topic", endpoint, "--key-from", "TOPIC_KEY") == 0
    await grid.settle(10)
    (event,) = subscriber.events
    evidence = decode.scan_completed(json.dumps(event))
    assert isinstance(evidence, ScanEvidence)
    assert (evidence.scanner, evidence.digest, evidence.platform) == ("trivy", DIGEST, "linux/amd64")
    assert evidence.counts is not None
    assert (evidence.counts.critical, evidence.counts.medium) == (1, 1)
    assert {finding.id for finding in evidence.findings} == {"CVE-2026-3141", "CVE-2019-1549"}
    assert (event["source"], event["subject"]) == ("https://contoso.azurecr.io", f"shop/web@{DIGEST}")
    assert capsys.readouterr().out == (
        f"sent {event['id']}: shop/web@{DIGEST}: trivy completed, found 1 critical, 1 medium\n"
    )


async def test_the_same_report_published_again_is_the_same_event(
    local: tuple[EventGrid, Subscriber, str], report: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    grid, subscriber, endpoint = local
    monkeypatch.setenv("TOPIC_KEY", KEY)
    for _ in range(2):
        assert await publish(report, *IMAGE, "--topic", endpoint, "--key-from", "TOPIC_KEY") == 0
    await grid.settle(10)
    assert len(subscriber.events) == 2
    assert len({event["id"] for event in subscriber.events}) == 1


def test_a_dry_run_prints_the_event_and_needs_no_topic(report: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["publish-scan", report, *IMAGE, "--index-digest", OTHER, "--dry-run"]) == 0
    event = json.loads(capsys.readouterr().out)
    assert event["type"] == events.SCANNED
    assert event["data"]["image"]["indexDigest"] == OTHER


def test_a_dash_is_standard_input(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(b"\xef\xbb\xbf" + json.dumps(TRIVY).encode())))
    assert main(["publish-scan", "-", *IMAGE, "--dry-run"]) == 0
    assert json.loads(capsys.readouterr().out)["data"]["scanner"]["name"] == "trivy"


def test_defender_s_assessment_can_be_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "rows.json"
    file.write_text(json.dumps({"data": [changed(DEFENDER_ROW, "id", DEFENDER_ROW["id"].replace(MDVM, "new-key"))]}))
    assert main(["publish-scan", str(file), *IMAGE, "--defender-key", "new-key", "--dry-run"]) == 0
    assert json.loads(capsys.readouterr().out)["data"]["summary"]["total"]["high"] == 1


BAD_REPORTS = {
    b"": "report: expected JSON, found nothing\n",
    b"{": "report: expected JSON, found something else (JSONDecodeError)\n",
    b"\xff\xfe": "report: expected JSON, found something else (UnicodeDecodeError)\n",
    b"[" * 100_000: "report: expected JSON, found something else (RecursionError)\n",
    b"{}": (
        "report: expected a report of trivy, grype, sarif, harbor, defender, generic, found an object with no fields\n"
    ),
    json.dumps(changed(TRIVY, "Metadata/RepoDigests", [f"a/b@{OTHER}"])).encode(): (
        f'report: Metadata.RepoDigests: expected {DIGEST}, found "{OTHER}"\n'
    ),
}


@pytest.mark.parametrize(("content", "said"), BAD_REPORTS.items(), ids=range(len(BAD_REPORTS)))
def test_a_bad_report_is_said_and_nothing_is_sent(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], content: bytes, said: str
) -> None:
    file = tmp_path / "report.json"
    file.write_bytes(content)
    assert main(["publish-scan", str(file), *IMAGE, "--dry-run"]) == 2
    assert capsys.readouterr() == ("", said)


def test_a_report_that_is_not_there_is_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    missing = str(tmp_path / "none.json")
    assert main(["publish-scan", missing, *IMAGE, "--dry-run"]) == 2
    assert capsys.readouterr().err == f"{missing}: expected a file, found No such file or directory\n"


def test_without_a_topic_there_is_nowhere_to_send(report: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["publish-scan", report, *IMAGE]) == 2
    assert "--topic: expected" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("--digest", "1.4.3"),
        ("--registry", "https://contoso.azurecr.io"),
        ("--repository", "Shop/Web"),
        ("--platform", "amd64"),
        ("--index-digest", "x"),
        ("--key-from", "$KEY"),
    ],
)
def test_an_argument_of_the_wrong_shape_is_named(
    report: str, capsys: pytest.CaptureFixture[str], name: str, value: str
) -> None:
    with pytest.raises(SystemExit) as caught:
        main(["publish-scan", report, *IMAGE, name, value, "--dry-run"])
    assert caught.value.code == 2
    assert f"argument {name}: expected one as in" in capsys.readouterr().err


async def test_a_key_that_is_not_the_topic_s_is_said_and_never_shown(
    local: tuple[EventGrid, Subscriber, str],
    report: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    _, subscriber, endpoint = local
    monkeypatch.setenv("TOPIC_KEY", "an0ther-key")
    assert await publish(report, *IMAGE, "--topic", endpoint, "--key-from", "TOPIC_KEY") == 1
    said = capsys.readouterr()
    assert said.err == (
        "not sent to 127.0.0.1: 401: the key in TOPIC_KEY is not this topic's; "
        "read it again from the topic's access keys\n"
    )
    assert "an0ther-key" not in said.out + said.err
    assert subscriber.events == []


async def test_a_topic_that_is_not_there_is_said(
    local: tuple[EventGrid, Subscriber, str],
    report: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("TOPIC_KEY", KEY)
    elsewhere = local[2].replace("/scans/", "/none/")
    assert await publish(report, *IMAGE, "--topic", elsewhere, "--key-from", "TOPIC_KEY") == 1
    assert "404: there is no such topic" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("status", "said"),
    [
        (400, "400: the topic's input schema must be Cloud Event Schema v1.0"),
        (403, "403: the key in TOPIC_KEY is not this topic's"),
        (413, "413: expected 200; publish the same report again later, it is the same event"),
        (302, "302: expected 200"),
        (307, "307: expected 200"),
        (308, "308: expected 200"),
    ],
)
async def test_what_a_topic_answers_is_said_without_its_body(
    report: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], status: int, said: str
) -> None:
    async def answer(_request: web.Request) -> web.Response:
        return web.Response(status=status, text="s3cret", headers={"Location": "/elsewhere"})

    monkeypatch.setenv("TOPIC_KEY", KEY)
    app = web.Application()
    app.router.add_post("/api/events", answer)
    async with serving(app) as base:
        assert await publish(report, *IMAGE, "--topic", f"{base}/api/events", "--key-from", "TOPIC_KEY") == 1
    err = capsys.readouterr().err
    assert said in err
    assert "s3cret" not in err


async def test_a_busy_topic_is_tried_again(
    report: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    answers = [503, 429, 500, 200]

    async def answer(_request: web.Request) -> web.Response:
        return web.Response(status=answers.pop(0), headers={"Retry-After": "0"})

    monkeypatch.setenv("TOPIC_KEY", KEY)
    monkeypatch.setattr(topic, "BACKOFF", 0.001)
    app = web.Application()
    app.router.add_post("/api/events", answer)
    async with serving(app) as base:
        assert await publish(report, *IMAGE, "--topic", f"{base}/api/events", "--key-from", "TOPIC_KEY") == 0
    assert answers == []
    assert capsys.readouterr().out.startswith("sent ")


async def test_a_topic_that_stays_busy_is_given_up_after_four_tries(
    report: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    asked: list[str] = []

    async def answer(request: web.Request) -> web.Response:
        asked.append(request.path)
        return web.Response(status=503)

    monkeypatch.setenv("TOPIC_KEY", KEY)
    monkeypatch.setattr(topic, "BACKOFF", 0.001)
    app = web.Application()
    app.router.add_post("/api/events", answer)
    async with serving(app) as base:
        assert await publish(report, *IMAGE, "--topic", f"{base}/api/events", "--key-from", "TOPIC_KEY") == 1
    assert asked == ["/api/events"] * 4
    assert "503: expected 200" in capsys.readouterr().err


async def test_nobody_there_is_said(
    report: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("TOPIC_KEY", KEY)
    monkeypatch.setattr(topic, "BACKOFF", 0.001)
    async with serving(web.Application()) as base:
        gone = base
    assert await publish(report, *IMAGE, "--topic", f"{gone}/api/events", "--key-from", "TOPIC_KEY") == 1
    assert "expected an answer, found ServiceRequestError; publish the same report again" in capsys.readouterr().err


TOPIC = "https://scans.westeurope-1.eventgrid.azure.net/api/events"


@pytest.mark.parametrize(
    ("endpoint", "variable", "said"),
    [
        ("http://scans.westeurope-1.eventgrid.azure.net/api/events", "KEY", "expected an https:// address, found http"),
        ("scans.westeurope-1.eventgrid.azure.net", "KEY", "expected an https:// address, found none"),
        ("https://[", "KEY", "expected an https:// address, found something else"),
        ("https://scans.westeurope-1.eventgrid.azure.net/", "KEY", "the endpoint that ends in /api/events"),
        (f"{TOPIC}?code=x", "KEY", "the endpoint that ends in /api/events"),
        ("https://user:x@elsewhere.test/api/events", "KEY", "the endpoint that ends in /api/events"),
        (TOPIC, "NO_KEY", "--key-from: expected the topic's key in the variable NO_KEY, found nothing"),
        (TOPIC, "BLANK", "--key-from: expected the topic's key in the variable BLANK, found nothing"),
        ("https://elsewhere.test/api/events", "", "--topic: expected a host under .eventgrid.azure.net"),
        ("https://eventgrid.azure.net.elsewhere.test/api/events", "", "--topic: expected a host under"),
        ("http://127.0.0.1:1/api/events", "", "--topic: expected a host under .eventgrid.azure.net"),
    ],
)
def test_a_topic_that_must_not_be_trusted_with_a_key_or_a_token_is_refused(
    endpoint: str, variable: str, said: str
) -> None:
    with pytest.raises(NotSent) as caught:
        Topic.of(endpoint, variable, {"KEY": KEY, "BLANK": " "})
    assert said in str(caught.value)


@pytest.mark.parametrize("cloud", ["net", "us", "cn"])
def test_a_topic_of_any_cloud_may_see_a_token(cloud: str) -> None:
    endpoint = f"https://scans.westeurope-1.eventgrid.azure.{cloud}/api/events"
    assert Topic.of(endpoint, "", {}) == Topic(endpoint=endpoint)


def test_a_key_is_never_an_argument(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["publish-scan", "--help"])
    help_ = capsys.readouterr().out
    assert "--key-from ENV" in help_
    assert "--key " not in help_
