"""The Functions host: what it refuses to start, what it answers by HTTP and to Event Grid, its timers, its end."""

from __future__ import annotations

import asyncio
import io
import json
import signal
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import aiohttp
import pytest
import pytest_asyncio

from localcloud.functions import Functions, FunctionsError
from localcloud.host import timers
from localcloud.host.indexing import IndexingError, load
from localcloud.host.occurrences import due
from localcloud.host.queues import QueueOptions, connection, options
from tests.localcloud.hosts import KEY, LIMIT_SECONDS, hosted, listens, write_app

ROOT = Path(__file__).parents[2]
here = pytest.mark.asyncio(loop_scope="module")

# ---- indexing

QUEUE = "@app.queue_trigger(arg_name='message', queue_name='work', connection=STORAGE)\n"
TIMER = "@app.timer_trigger(arg_name='timer', schedule={!r})\nasync def clock(timer: func.TimerRequest): pass\n"


@pytest.mark.parametrize(
    ("program", "why"),
    [
        (QUEUE + "def run(message: func.EventGridEvent): pass", "run: message: EventGridEvent does not fit"),
        (QUEUE + "def run(message: list[str]): pass", "run: message: list.* does not fit a queueTrigger"),
        (QUEUE + "def run(message: 'Unknown'): pass", "expected an annotation known at run time, name 'Unknown'"),
        (QUEUE + "def run(other: str): pass", "expected one parameter 'message', found other"),
        (QUEUE + "def run(): pass", "expected one parameter 'message', found none"),
        (QUEUE + "def run(message: str, more: int): pass", "expected one parameter 'message', found message, more"),
        (TIMER.format("0 * * * * *").replace("func.TimerRequest", "str"), "timer: str does not fit a timerTrigger"),
        (2 * (QUEUE + "def run(message: str): pass\n"), "run does not have a unique function name"),
        ("other = func.FunctionApp()", "expected one FunctionApp at its top level, found 2"),
        ("del app", "expected one FunctionApp at its top level, found 0"),
        ("blueprint = func.Blueprint()", "expected functions, found none"),
        (
            "@app.blob_trigger(arg_name='blob', path='a/b', connection=STORAGE)\ndef run(blob: func.InputStream): pass",
            "expected one of eventGridTrigger, queueTrigger, timerTrigger, httpTrigger, found blobTrigger",
        ),
        (
            "@app.queue_output(arg_name='$return', queue_name='out', connection=STORAGE)\n"
            + QUEUE
            + "def run(message: str): pass",
            "expected no binding but its trigger, found queue",
        ),
        ("import no_such_module", "found ModuleNotFoundError: No module named 'no_such_module'"),
        ("raise RuntimeError('no settings')", "found RuntimeError: no settings"),
        ("def broken(:", "found SyntaxError"),
    ],
)
def test_an_app_the_worker_would_refuse_or_the_host_cannot_run_is_refused_with_the_reason(indexed, program, why):
    with pytest.raises(IndexingError, match=why):
        indexed(program)


def test_a_folder_without_an_app_is_refused_although_another_app_could_be_imported(tmp_path, monkeypatch):
    monkeypatch.setattr(sys, "path", [str(ROOT), *sys.path])
    with pytest.raises(IndexingError, match=f"function_app: expected {tmp_path}/function_app.py, found none"):
        load(tmp_path)


@pytest.mark.parametrize(
    "schedule",
    ["* * * * *", "0 0 0 31 2 *", "61 * * * * *", "@hourly", "0 * * * * * 2030", "00:05:00", "0 0 0 L * *", "never"],
)
def test_a_schedule_that_is_no_ncrontab_or_never_comes_is_refused(indexed, schedule):
    (clock,) = indexed(TIMER.format(schedule))
    with pytest.raises(IndexingError, match="clock: schedule: expected six NCRONTAB fields, found"):
        timers.check(clock)


def test_a_schedule_counts_seconds_first():
    monday = datetime(2024, 5, 6, 11, 59, 58, tzinfo=UTC)

    assert due("30 */5 * * * *", monday) == datetime(2024, 5, 6, 12, 0, 30, tzinfo=UTC)
    assert due("0 0 9 * * Tue-Fri", monday) == datetime(2024, 5, 7, 9, 0, 0, tzinfo=UTC)
    assert due("59 * * * * *", due("59 * * * * *", monday)) == datetime(2024, 5, 6, 12, 0, 59, tzinfo=UTC)


def test_a_queue_needs_a_name_storage_would_take_and_a_connection_that_is_set(indexed):
    (run,) = indexed(QUEUE.replace("'work'", "'Work'") + "def run(message: str): pass")
    with pytest.raises(IndexingError, match="run: queue_name: expected small letters, digits and dashes, found 'Work'"):
        connection(run, {"AzureWebJobsStorage": "a"})


def test_a_connection_is_an_app_setting(indexed):
    (run,) = indexed(QUEUE.replace("STORAGE", "'Other'") + "def run(message: str): pass")
    assert connection(run, {"AzureWebJobsStorage": "a", "Other": "b"}) == "b"
    with pytest.raises(IndexingError, match="run: connection: expected a connection string in Other, found none"):
        connection(run, {"AzureWebJobsStorage": "a"})


def test_host_json_is_read_and_what_it_leaves_out_is_as_azure_has_it(tmp_path):
    queues = {
        "maxPollingInterval": "00:00:02",
        "visibilityTimeout": "00:01:30",
        "batchSize": 4,
        "messageEncoding": "none",
    }
    assert options(write_app(tmp_path / "a", "", queues)) == QueueOptions(
        longest_wait=2.0, retry_after=90, batch=4, threshold=2, encoded=False, lease=600.0
    )
    assert options(write_app(tmp_path / "b", "")) == QueueOptions(longest_wait=60.0, retry_after=0, most_tries=5)


async def test_a_host_that_does_not_start_is_gone_and_its_reason_told(tmp_path):
    app = write_app(tmp_path / "app", QUEUE + "def run(wrong: str): pass")
    functions = Functions(app, {"FOLDER": str(app)}, KEY, tmp_path / "log")
    with pytest.raises(FunctionsError, match=r"found: run: expected one parameter 'message', found wrong$"):
        await functions.start()
    assert not functions.running


# ---- by HTTP

PROGRAM = """
    print("x" * 200_000, flush=True)  # more than a pipe holds

    @app.route(route="echo/{one}/{two}", methods=["GET", "POST"], auth_level=func.AuthLevel.FUNCTION)
    async def echo(req: func.HttpRequest) -> func.HttpResponse:
        body = {"method": req.method, "route": dict(req.route_params), "query": dict(req.params),
                "header": req.headers.get("x-one"), "body": req.get_body().decode()}
        return func.HttpResponse(json.dumps(body), status_code=201, mimetype="application/json", headers={"x-two": "2"})

    @app.route(auth_level=func.AuthLevel.ANONYMOUS)
    def plain(req: func.HttpRequest):
        return "text" if req.params.get("text") else None

    @app.route(auth_level=func.AuthLevel.ANONYMOUS)
    async def broken(req: func.HttpRequest):
        raise ValueError("secret")

    @app.route(auth_level=func.AuthLevel.ANONYMOUS)
    async def wrong(req: func.HttpRequest):
        return 5

    here = set()

    @app.event_grid_trigger(arg_name="event")
    async def together(event: str):
        '''Ends when as many as the event says are here at once.'''
        found = json.loads(event)
        here.add(found["id"])
        await asyncio.wait_for(until(lambda: len(here) >= found["data"]["of"]), 10)
        tell(together=found["id"])

    @app.event_grid_trigger(arg_name="event")
    def typed(event: func.EventGridEvent):
        tell(typed=event.id, type=event.event_type, data=event.get_json())
        if event.get_json().get("fails"):
            raise ValueError("on order")

    @app.timer_trigger(arg_name="timer", schedule="* * * * * *")
    async def failing(timer: func.TimerRequest):
        tell(timer="failing", late=timer.past_due)
        raise ValueError("every time")

    @app.timer_trigger(arg_name="timer", schedule="* * * * * *")
    def slow(timer: func.TimerRequest):
        tell(timer="slow", edge="begins")
        time.sleep(1.2)
        tell(timer="slow", edge="ends")

    @app.timer_trigger(arg_name="timer", schedule="0 0 0 1 1 *", run_on_startup=True)
    async def at_start(timer: func.TimerRequest):
        tell(timer="at start")
"""


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def host(tmp_path_factory):
    async with hosted(tmp_path_factory.mktemp("host") / "app", PROGRAM) as running:
        yield running


def event(number: str, **data: Any) -> dict[str, Any]:
    time = "2024-05-06T12:00:00Z"
    return {"id": number, "eventType": "Tested", "subject": "s", "data": data, "dataVersion": "1", "eventTime": time}


@here
async def test_it_lists_its_functions_and_says_that_it_runs(host):
    assert set(host.functions.names) >= {"echo", "plain", "together", "typed", "failing", "slow", "at_start"}
    status, text, _ = await host.call("GET", "/admin/host/status", key=host.functions.keys.master)
    assert (status, json.loads(text)["state"]) == (200, "Running")


@here
async def test_a_function_gets_the_request_and_its_answer_is_sent(host):
    status, text, headers = await host.call(
        "POST", "/api/echo/a%7Cb/2?x=1&empty=", data=b"hello", headers={"X-One": "1"}
    )
    assert (status, headers["x-two"], headers["content-type"]) == (201, "2", "application/json")
    assert json.loads(text) == {
        "method": "POST",
        "route": {"one": "a|b", "two": "2"},
        "query": {"x": "1"},
        "header": "1",
        "body": "hello",
    }


@here
@pytest.mark.parametrize(("method", "path"), [("HEAD", "/api/echo/1/2"), ("PUT", "/api/echo/1/2"), ("GET", "/api/no")])
async def test_another_method_is_as_unknown_as_another_route(host, method, path):
    assert (await host.call(method, path))[0] == 404


@here
async def test_a_function_that_answers_text_nothing_or_nonsense(host):
    assert (await host.call("DELETE", "/api/plain?text=1", key=None))[:2] == (200, "text")
    assert (await host.call("GET", "/api/plain", key=None))[:2] == (204, "")
    assert (await host.call("GET", "/api/wrong", key=None))[0] == 500


@here
async def test_what_a_function_raises_is_a_500_for_the_caller_and_a_line_in_the_log(host):
    assert (await host.call("GET", "/api/broken", key=None))[:2] == (500, "")
    assert "ValueError: secret" in host.log()


@here
@pytest.mark.parametrize("path", ["/api/echo/1/2", "/runtime/webhooks/EventGrid?functionName=typed"])
async def test_a_missing_or_wrong_key_is_refused(host, path):
    assert (await host.call("POST", path, key=None))[0] == 401
    assert (await host.call("POST", path, key="wrong"))[0] == 401
    assert (await host.call("POST", path, key="ключ".encode().decode("latin-1")))[0] == 401


@here
async def test_the_key_may_be_in_the_address(host):
    assert (await host.call("GET", "/api/echo/1/2", params={"code": KEY}, key=None))[0] == 201


# ---- Event Grid


async def notify(host: Any, function: str, body: Any, kind: str = "Notification", **more: Any) -> tuple[int, str]:
    sent = {"data": io.BytesIO(body)} if isinstance(body, bytes) else {"json": body}
    headers = {"aeg-event-type": kind}
    path = f"/runtime/webhooks/EventGrid?functionName={function}"
    key = host.functions.keys.eventgrid
    status, text, _ = await host.call("POST", path, headers=headers, key=key, **sent, **more)
    return status, text


@here
async def test_an_unknown_function_is_not_found(host):
    assert await notify(host, "nobody", [event("1")]) == (404, "cannot find function: 'nobody'")


@here
async def test_every_event_of_a_request_is_one_invocation_and_they_run_at_once(host):
    assert (await notify(host, "together", [event(f"t{n}", of=3) for n in range(3)]))[0] == 202
    assert sorted(one["together"] for one in host.told() if "together" in one) == ["t0", "t1", "t2"]


@here
async def test_one_failure_is_a_500_for_the_whole_request_and_the_others_have_run(host):
    status, text = await notify(host, "TYPED", [event("f1"), event("f2", fails=True), event("f3")])
    assert (status, text) == (500, "on order")
    assert {one["typed"] for one in host.told(type="Tested")} >= {"f1", "f2", "f3"}


@here
async def test_a_single_event_needs_no_list(host):
    assert await notify(host, "typed", event("single", a=1)) == (202, "")
    assert [one["data"] for one in host.told(typed="single")] == [{"a": 1}]


@here
@pytest.mark.parametrize(
    "body",
    [
        [{"id": "v", "data": {"validationCode": "512d"}}],
        {"specversion": "1.0", "data": json.dumps({"validationCode": "512d"})},
    ],
)
async def test_the_handshake_of_event_grid_is_answered(host, body):
    status, text = await notify(host, "typed", body, "SubscriptionValidation")
    assert (status, json.loads(text)) == (200, {"validationResponse": "512d"})


@here
@pytest.mark.parametrize("body", [[], [{}], [[]], {"data": "no code"}, {"data": None}, b"{", 5])
async def test_a_handshake_without_a_code_is_refused(host, body):
    assert (await notify(host, "typed", body, "SubscriptionValidation"))[0] == 400


@here
async def test_the_handshake_of_cloud_events_is_answered(host):
    status, _, headers = await host.call(
        "OPTIONS",
        "/runtime/webhooks/eventgrid?functionName=typed",
        key=host.functions.keys.eventgrid,
        headers={"WebHook-Request-Origin": "eventgrid.azure.net"},
    )
    assert (status, headers["WebHook-Allowed-Origin"]) == (200, "eventgrid.azure.net")


@here
async def test_malformed_json_another_kind_and_a_body_too_large_are_refused(host):
    assert (await notify(host, "typed", b'[{"id":'))[0] == 400
    assert (await notify(host, "typed", b"\xff\xfe\x00"))[0] == 400
    assert (await notify(host, "typed", [event("1")], kind="Something"))[0] == 400
    assert (await notify(host, "typed", [event("1")], kind=""))[0] == 400
    assert (await notify(host, "typed", b"[" + b" " * 4_200_000 + b"]"))[0] == 413
    assert (await notify(host, "typed", [], "Unsubscribe"))[0] == 202


# ---- timers


@here
async def test_a_timer_goes_on_after_an_exception_and_never_runs_before_its_time_or_twice_for_it(host):
    await host.until(lambda: len(host.told(timer="failing")) >= 3)
    seconds = [int(one["at"]) for one in host.told(timer="failing")]
    assert len(set(seconds)) == len(seconds)
    assert host.log().count("ValueError: every time") >= 2
    assert len(host.told(timer="at start")) == 1


@here
async def test_runs_of_one_timer_do_not_overlap(host):
    await host.until(lambda: len(host.told(timer="slow", edge="ends")) >= 2)
    edges = [one["edge"] for one in host.told(timer="slow")]
    assert edges[:4] == ["begins", "ends", "begins", "ends"]


# ---- the end


async def test_the_end_waits_for_what_runs_and_takes_nothing_new(tmp_path):
    program = """
        @app.route(auth_level=func.AuthLevel.ANONYMOUS)
        async def run(req: func.HttpRequest):
            tell(edge="begins")
            await until((FOLDER / "go").exists)
            return "done"
    """
    async with hosted(tmp_path / "app", program) as host:
        call = asyncio.create_task(host.call("GET", "/api/run"))
        await host.until(lambda: host.told(edge="begins"))
        ending = asyncio.create_task(host.functions.stop())
        await host.until(lambda: not listens(host.functions.port))
        (host.folder / "go").touch()
        assert (await call)[:2] == (200, "done")
        await ending
        assert host.log() == ""


async def test_a_function_that_does_not_end_is_cut_after_a_while_also_in_a_thread(tmp_path):
    program = """
        @app.route(auth_level=func.AuthLevel.ANONYMOUS)
        def run(req: func.HttpRequest):
            tell(edge="begins")
            threading.Event().wait()
    """
    async with hosted(tmp_path / "app", program, arguments=("--grace", "0.2")) as host:
        call = asyncio.create_task(host.call("POST", "/api/run"))
        await host.until(lambda: host.told(edge="begins"))
        process = host.functions._process
        assert process is not None
        await host.functions.stop()
        assert process.returncode == 0
        assert "functions still ran after 0.2 s and were cut" in host.log()
        with pytest.raises(aiohttp.ClientError):
            await call


async def test_a_host_that_was_killed_starts_again_on_the_same_port_and_starting_twice_is_once(tmp_path):
    async with hosted(tmp_path / "app", TIMER.format("0 0 0 1 1 *")) as host:
        port = host.functions.port
        await host.functions.kill()
        assert not listens(port)
        await host.functions.start()
        process = host.functions._process
        await host.functions.start()
        assert host.functions._process is process
        assert host.functions.port == port
        assert (await host.call("GET", "/admin/host/ping"))[0] == 200


@pytest.mark.parametrize("blocked", [False, True])
def test_it_leaves_with_its_parent_even_when_a_function_blocks_everything(tmp_path, blocked):
    program = "@app.timer_trigger(arg_name='timer', schedule='0 0 0 1 1 *', run_on_startup=True)\n"
    program += "async def clock(timer: func.TimerRequest):\n"
    program += f"    time.sleep({3600 if blocked else 0})\n"
    app = write_app(tmp_path / "app", program)
    command = [
        sys.executable,
        "-m",
        "localcloud.host",
        "--app",
        str(app),
        "--shared",
        str(app),
        "--key=k",
        "--grace=0.2",
    ]
    with subprocess.Popen(
        command,
        cwd=ROOT,
        env={"FOLDER": str(app)},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    ) as process:
        try:
            assert process.stdin is not None
            assert process.stdout is not None
            assert process.stdout.readline()
            process.stdin.close()
            assert process.wait(LIMIT_SECONDS) == (1 if blocked else 0)
        finally:
            process.send_signal(signal.SIGKILL)
