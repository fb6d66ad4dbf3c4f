"""Stands in for a public sample image: answers every request, on the target port, with what it is.

PORT: where it listens. STANDS_FOR: the image it is not.
"""

import os
import signal
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

IMAGE = os.environ["STANDS_FOR"]
PAGE = (
    f"This is the local cloud's stand-in for {IMAGE}.\nThe image itself was not pulled; it needs Azure, or a container "
    "engine: python -m localcloud up --engine docker\n"
).encode()


class Handler(BaseHTTPRequestHandler):
    """Answers in one piece, so that no answer waits for an acknowledgement."""

    protocol_version = "HTTP/1.1"
    wbufsize = -1

    def do_GET(self) -> None:
        """One request."""
        self.send_response(200)
        self.send_header("Content-Type", "text/plain; charset=utf-8")
        self.send_header("Content-Length", str(len(PAGE)))
        self.send_header("X-Stand-In-For", IMAGE)
        self.end_headers()
        self.wfile.write(PAGE)

    def log_message(self, *_: object) -> None:
        """Nothing: a busy app would fill the disk."""


def main() -> None:
    """Until SIGTERM."""
    server = ThreadingHTTPServer(("127.0.0.1", int(os.environ.get("PORT", "8080"))), Handler)
    server.daemon_threads = True
    # In a thread: `shutdown` waits for the loop that this handler interrupts.
    signal.signal(signal.SIGTERM, lambda *_: threading.Thread(target=server.shutdown).start())
    server.serve_forever(poll_interval=0.05)
    server.server_close()


if __name__ == "__main__":
    main()
