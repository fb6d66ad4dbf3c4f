"""Apps the real worker does not load, for the reasons it has (docs/localcloud-host.md, Indexing)."""

from __future__ import annotations

import pytest

from localcloud.host.indexing import IndexingError

QUEUE = "@app.queue_trigger(arg_name='message', queue_name='work', connection=STORAGE)\n"
OUT = "@app.queue_output(arg_name='out', queue_name='out', connection=STORAGE)\n" + QUEUE
TIMER = "@app.timer_trigger(arg_name='timer', schedule='0 0 0 * * *')\n"
GRID = "@app.event_grid_trigger(arg_name='event')\n"
RETURN = "@app.queue_output(arg_name='$return', queue_name='out', connection=STORAGE)\n" + QUEUE
# Of what the worker loads, this host runs no outputs, and says so.
NO_OUTPUTS = "run: expected no binding but its trigger, found queue"


@pytest.mark.parametrize(
    ("program", "why"),
    [
        (
            TIMER + QUEUE + "def run(message: str): pass",
            "ValueError: A trigger was already registered to this function",
        ),
        (
            "async def run(): pass\nmade = run()\ntry: asyncio.run(made)\nfinally: made.close()",
            r"RuntimeError: asyncio.run\(\) cannot be called from a running event loop",
        ),
        (OUT + "def run(message: str, out: func.Out[list[str]]): pass", r"out: list\[str\] .*expected .* typing.List"),
        (OUT + "def run(message: str, out: func.Out[str | None]): pass", r"out: str \| None does not fit a queue"),
        (OUT + "def run(message: str, out: func.Out[int]): pass", "out: int does not fit a queue$"),
        (OUT + "def run(message: str, out: func.Out): pass", "out: Out does not fit a queue: expected what it holds"),
        (OUT + "def run(message: str, out: str): pass", "out: str does not fit a queue: func.Out is for outputs"),
        (OUT + "def run(message: str): pass", "run: expected parameters 'message', 'out', found message$"),
        (OUT + "def run(message: str, out: func.Out[str], more: int): pass", "found message, out, more$"),
        (
            QUEUE + "def run(message: func.Out[str]): pass",
            "message: .*Out.* does not fit a queueTrigger: func.Out is for",
        ),
        (
            QUEUE + "def run(message: typing.List[str]): pass",
            r"message: typing.List\[str\] does not fit a queueTrigger",
        ),
        (QUEUE + "def run(message: str | None): pass", r"message: str \| None does not fit a queueTrigger"),
        (GRID + "def run(event: typing.List[func.EventGridEvent]): pass", "event: .* does not fit a eventGridTrigger"),
        (GRID + "def run(event: func.QueueMessage): pass", "event: QueueMessage does not fit a eventGridTrigger$"),
        (
            RETURN + "def run(message: str) -> func.Out[str]: pass",
            "return: .*Out.* does not fit a queue: func.Out is for",
        ),
        (RETURN + "def run(message: str) -> list[str]: pass", r"return: list\[str\] does not fit a queue"),
        (RETURN + "def run(message: str) -> int: pass", "return: int does not fit a queue$"),
        ("@app.route()\ndef run(req: func.HttpRequest) -> int: pass", "return: int does not fit a http$"),
        ("@app.route()\ndef run(req: func.HttpRequest) -> None: pass", "return: NoneType does not fit a http$"),
    ],
)
async def test_what_the_worker_does_not_load_is_refused_for_the_same_reason(indexed, program, why):
    """Within a running loop, as there."""
    with pytest.raises(IndexingError, match=why):
        indexed(program)


@pytest.mark.parametrize(
    "program",
    [
        OUT + "def run(message: str, out: func.Out[str]): pass",
        OUT + "def run(out: func.Out[typing.List[str]], message): pass",
        OUT + "def run(message: func.QueueMessage, out: func.Out[func.QueueMessage]): pass",
        OUT + "def run(message: str, out): pass",
        RETURN + "def run(message: str) -> str: pass",
        RETURN + "def run(message: str): pass",
    ],
)
def test_an_output_the_worker_would_load_is_refused_as_what_this_host_cannot_run(indexed, program):
    with pytest.raises(IndexingError, match=NO_OUTPUTS):
        indexed(program)


@pytest.mark.parametrize(
    "program",
    [
        QUEUE + "def run(message): pass",
        GRID + "def run(event: func.EventGridEvent) -> None: pass",
        TIMER + "def run(timer: 'func.TimerRequest'): pass",
        "@app.route()\ndef run(req: func.HttpRequest) -> func.HttpResponse: pass",
        "@app.route()\ndef run(req: func.HttpRequest) -> str: pass",
    ],
)
def test_what_the_worker_loads_and_this_host_runs_is_indexed(indexed, program):
    assert [one.name for one in indexed(program)] == ["run"]
