"""Functions hosts for tests: an app in a folder, run by a host of its own, that tells what it did; and its queues."""

from __future__ import annotations

import asyncio
import json
import socket
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from textwrap import dedent
from typing import TYPE_CHECKING, Any

import aiohttp
from azure.core.exceptions import ResourceExistsError
from azure.storage.queue import TextBase64EncodePolicy
from azure.storage.queue.aio import QueueClient

from localcloud.functions import Functions

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Mapping

KEY = "-beginsWithADash"
LIMIT_SECONDS = 20.0
PRELUDE = """\
import asyncio, json, os, pathlib, threading, time, typing
import azure.functions as func

app = func.FunctionApp()
STORAGE = "AzureWebJobsStorage"
FOLDER = pathlib.Path(os.environ["FOLDER"])

def tell(**what):
    with open(FOLDER / "told", "a") as out:
        out.write(json.dumps({**what, "at": time.time()}) + "\\n")

async def until(condition):
    while not condition():
        await asyncio.sleep(0.01)
"""


def write_app(
    folder: Path, program: str, queues: Mapping[str, Any] | None = None, http: Mapping[str, Any] | None = None
) -> Path:
    folder.mkdir(exist_ok=True)
    (folder / "function_app.py").write_text(PRELUDE + dedent(program))
    extensions = {"queues": dict(queues or {}), "http": dict(http or {})}
    (folder / "host.json").write_text(json.dumps({"version": "2.0", "extensions": extensions}))
    return folder


def listens(port: int) -> bool:
    with socket.socket() as client:
        return client.connect_ex(("127.0.0.1", port)) == 0


@dataclass(frozen=True, kw_only=True)
class Hosted:
    """A running host. folder: the app's, where it tells what it did."""

    functions: Functions
    folder: Path
    http: aiohttp.ClientSession

    def told(self, **like: Any) -> list[dict[str, Any]]:
        """What the app told, oldest first, with these members."""
        file = self.folder / "told"
        lines = file.read_text().splitlines() if file.exists() else []
        entries = [json.loads(line) for line in lines]
        return [one for one in entries if like.items() <= one.items()]

    def log(self) -> str:
        return self.functions.log.read_text()

    async def until(self, condition: Callable[[], Any]) -> None:
        """Wait for a condition, not for a time."""
        async with asyncio.timeout(LIMIT_SECONDS):
            while not condition():  # noqa: ASYNC110 - the condition is another process's state
                await asyncio.sleep(0.02)

    async def call(self, method: str, path: str, *, key: str | None = KEY, **more: Any) -> tuple[int, str, Any]:
        """Status, text and headers of an answer."""
        headers = {**({"x-functions-key": key} if key is not None else {}), **more.pop("headers", {})}
        async with self.http.request(method, f"{self.functions.base}{path}", headers=headers, **more) as answer:
            return answer.status, await answer.text(), answer.headers


@asynccontextmanager
async def hosted(
    folder: Path,
    program: str,
    *,
    storage: str = "",
    queues: Mapping[str, Any] | None = None,
    http: Mapping[str, Any] | None = None,
    arguments: tuple[str, ...] = (),
    shared: Path | None = None,
) -> AsyncIterator[Hosted]:
    """A host of this program. queues, http: `extensions` of host.json; arguments: of the host.

    shared: what it has in common with other hosts of the program.
    """
    app = write_app(folder, program, queues, http)
    settings = {"AzureWebJobsStorage": storage, "FOLDER": str(app)}
    functions = Functions(app, settings, KEY, app / "log", arguments, shared=shared)
    try:
        await functions.start()
        async with aiohttp.ClientSession() as client:
            yield Hosted(functions=functions, folder=app, http=client)
    finally:
        await functions.stop()


@asynccontextmanager
async def queue(azurite: Any, name: str, *, encoded: bool = True) -> AsyncIterator[QueueClient]:
    policy = TextBase64EncodePolicy() if encoded else None
    async with QueueClient.from_connection_string(
        azurite.connection_string, name, message_encode_policy=policy
    ) as client:
        with suppress(ResourceExistsError):
            await client.create_queue()
        yield client


async def until_empty(client: QueueClient) -> None:
    async with asyncio.timeout(LIMIT_SECONDS):
        while (await client.get_queue_properties()).approximate_message_count:  # noqa: ASYNC110 - it is storage's
            await asyncio.sleep(0.05)
