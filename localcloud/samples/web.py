"""The demo's web app. It answers `/` with its version, `/healthz` always with 200, and fails as it is told.

Every answer names its version in `X-Version`.

PORT: where it listens. VERSION: what `/` says. FAIL_SHARE (or the first argument): the share of requests to `/`
answered 500, spread evenly: 0.2 is every fifth. SLOW_START: seconds before it listens. DELAY: seconds an answer takes.
CRASH: when set, it ends instead of listening. OTHER_PORT: when set, it listens where nobody expects it.
APPLICATIONINSIGHTS_CONNECTION_STRING: when set, it is told of every request. A request that fails is a line of the log.
"""

import importlib
import itertools
import os
import signal
import sys
import threading
import time
from fractions import Fraction
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, ClassVar

VERSION = os.environ.get("VERSION", "0.0.0")
FAIL_SHARE = Fraction(sys.argv[1] if len(sys.argv) > 1 else os.environ.get("FAIL_SHARE", "0"))
DELAY = float(os.environ.get("DELAY", "0"))
INSIGHTS = os.environ.get("APPLICATIONINSIGHTS_CONNECTION_STRING", "")
REQUESTS = itertools.count(1)


class Server(ThreadingHTTPServer):
    """Takes a burst of connections; requests in flight do not keep it from ending."""

    request_queue_size = 1024
    daemon_threads = True


class Handler(BaseHTTPRequestHandler):
    """Answers in one piece, so that no answer waits for an acknowledgement."""

    protocol_version = "HTTP/1.1"
    wbufsize = -1
    disable_nagle_algorithm = True

    telemetry: ClassVar[Any] = None

    def do_GET(self) -> None:
        """One request."""
        began, clock = time.time(), time.monotonic()
        status = self.respond()
        if self.telemetry is not None:
            self.telemetry.request(f"GET {self.path}", status, began, time.monotonic() - clock)

    def respond(self) -> int:
        """Answer it; the status."""
        if self.path == "/healthz":
            return self.answer(200, "ok")
        if self.path != "/":
            return self.answer(404, "not found")
        if fails(next(REQUESTS)):
            sys.stderr.write("GET / failed as told\n")
            return self.answer(500, "failed as told")
        time.sleep(DELAY)
        return self.answer(200, VERSION)

    def answer(self, status: int, text: str) -> int:
        """Send it; the status."""
        body = f"{text}\n".encode()
        self.send_response(status)
        self.send_header("Content-Type", "text/plain; charset=utf-8")
        self.send_header("Content-Length", str(len(body)))
        self.send_header("X-Version", VERSION)
        self.end_headers()
        self.wfile.write(body)
        return status

    def log_message(self, *_: object) -> None:
        """Nothing: a busy app would fill the disk."""


def fails(number: int) -> bool:
    """Whether the request with this number is one of the share."""
    return int(number * FAIL_SHARE) > int((number - 1) * FAIL_SHARE)


def main() -> None:
    """Until SIGTERM."""
    time.sleep(float(os.environ.get("SLOW_START", "0")))
    if os.environ.get("CRASH"):
        sys.exit("crashed as told")
    if INSIGHTS:
        Handler.telemetry = importlib.import_module("telemetry").Telemetry(INSIGHTS)  # beside it in the image
    port = 0 if os.environ.get("OTHER_PORT") else int(os.environ.get("PORT", "8080"))
    server = Server(("127.0.0.1", port), Handler)
    # In a thread: `shutdown` waits for the loop that this handler interrupts.
    signal.signal(signal.SIGTERM, lambda *_: threading.Thread(target=server.shutdown).start())
    server.serve_forever(poll_interval=0.05)
    server.server_close()


if __name__ == "__main__":
    main()
