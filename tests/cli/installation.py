"""An installation on a loopback port: every HTTP route of the product, over the fakes, for a client to ask.

The product runs in an event loop of its own; `do` runs something beside it there.
"""

from __future__ import annotations

import asyncio
import re
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any, Self, TypeVar
from urllib.parse import parse_qsl, unquote, urlsplit

import azure.functions as func

from handlers import answers, api, doctor, told
from tests.delivery.shop import ROW, Shop

if TYPE_CHECKING:
    from collections.abc import Coroutine, Iterator, Mapping

    from delivery.ports import Ports

T = TypeVar("T")
SECRET = "function-key-9b1e"


class Installation:
    """asked: `METHOD path` of every request, in order. keys: those that came with them."""

    def __init__(self, row: Mapping[str, object] = ROW) -> None:
        self.loop = asyncio.new_event_loop()
        self.asked: list[str] = []
        self.keys: set[str] = set()
        self.shop = Shop(row=row)
        self.threads = [threading.Thread(target=self.loop.run_forever, daemon=True)]
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        self.server.daemon_threads = True
        self.threads.append(threading.Thread(target=self.server.serve_forever, args=(0.01,), daemon=True))
        self.url = f"http://127.0.0.1:{self.server.server_port}"

    def __enter__(self) -> Self:
        for thread in self.threads:
            thread.start()
        self.do(self.shop.open())
        return self

    def __exit__(self, *_: object) -> None:
        self.server.shutdown()
        self.server.server_close()
        self.loop.call_soon_threadsafe(self.loop.stop)
        for thread in self.threads:
            thread.join()
        self.loop.close()

    def do(self, work: Coroutine[Any, Any, T]) -> T:
        """Run it where the product runs."""
        return asyncio.run_coroutine_threadsafe(work, self.loop).result(30)

    def ports(self) -> Ports:
        """What every route is given."""
        return self.shop.ports

    async def answer(self, method: str, path: str, body: bytes) -> func.HttpResponse:
        app = func.FunctionApp()
        for trigger in (api, answers, told, doctor):
            app.register_functions(trigger.blueprint(self.ports))
        parts = urlsplit(path)
        for one, methods, route in _routes(app):
            match = re.fullmatch(f"/api/{route}", parts.path)
            if match and method in methods:
                # The host hands parts of a path over as they stand in it (functions.md B).
                request = func.HttpRequest(
                    method=method,
                    url=path,
                    params=dict(parse_qsl(parts.query)),
                    route_params={name: unquote(value) for name, value in match.groupdict().items()},
                    body=body,
                )
                found: func.HttpResponse = await one.get_user_function()(request)
                return found
        return func.HttpResponse(status_code=404)


def _routes(app: func.FunctionApp) -> Iterator[tuple[Any, set[str], str]]:
    for one in app.get_functions():
        trigger = one.get_trigger().get_dict_repr()  # type: ignore[union-attr]  # every function of ours has one
        pattern = re.sub(r"\{(\w+)\}", r"(?P<\1>[^/]+)", str(trigger["route"]))
        yield one, {getattr(method, "value", method) for method in trigger["methods"]}, pattern


def _handler(installation: Installation) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def answer(self) -> None:
            length = int(self.headers.get("content-length") or 0)
            installation.asked.append(f"{self.command} {self.path}")
            installation.keys.add(self.headers.get("x-functions-key", ""))
            body = self.rfile.read(length)
            answer = installation.do(installation.answer(self.command, self.path, body))
            self.send_response(answer.status_code)
            self.send_header("content-length", str(len(answer.get_body())))
            self.end_headers()
            self.wfile.write(answer.get_body())

        do_GET = do_POST = answer  # noqa: N815 - http.server looks for these names

        def log_message(self, *_: object) -> None:
            return

    return Handler
