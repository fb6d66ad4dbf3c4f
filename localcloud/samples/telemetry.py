"""Tells Application Insights of requests as an SDK would: in batches, in the background, never in a request's way."""

import contextlib
import http.client
import json
import os
import queue
import threading
import time
from datetime import UTC, datetime, timedelta
from urllib.parse import urlsplit

EVERY = 0.2  # seconds
WITHIN = 5.0


class Telemetry:
    """connection: a connection string of Application Insights."""

    def __init__(self, connection: str) -> None:
        parts = dict(part.split("=", 1) for part in connection.split(";") if part)
        self.key, self.endpoint = parts["InstrumentationKey"], urlsplit(parts["IngestionEndpoint"])
        self.waiting: queue.SimpleQueue[dict[str, object]] = queue.SimpleQueue()
        threading.Thread(target=self.send, daemon=True).start()

    def request(self, name: str, status: int, began: float, seconds: float) -> None:
        """Note one. began: seconds since the epoch."""
        data: dict[str, object] = {
            "ver": 2,
            "id": f"{time.monotonic_ns():016x}",
            "name": name,
            "duration": duration(seconds),
            "responseCode": str(status),
            "success": status < 400,  # noqa: PLR2004 - HTTP's own number
        }
        # The SDKs take the host's name, which is the replica's in Container Apps and not on one machine.
        tags = {"ai.cloud.roleInstance": os.environ.get("CONTAINER_APP_REPLICA_NAME", "")}
        envelope: dict[str, object] = {
            "name": "Microsoft.ApplicationInsights.Request",
            "time": datetime.fromtimestamp(began, UTC).isoformat(),
            "iKey": self.key,
            "tags": {**tags, "ai.cloud.role": os.environ.get("CONTAINER_APP_NAME", "")},
            "data": {"baseType": "RequestData", "baseData": data},
        }
        self.waiting.put(envelope)

    def send(self) -> None:
        """For ever. What cannot be sent is lost."""
        while True:
            time.sleep(EVERY)
            lines = [json.dumps(self.waiting.get()) for _ in range(self.waiting.qsize())]
            if lines:
                with contextlib.suppress(OSError, http.client.HTTPException):
                    self.post("\n".join(lines).encode())

    def post(self, body: bytes) -> None:
        """One request of its own."""
        to = http.client.HTTPConnection(self.endpoint.hostname or "", self.endpoint.port, timeout=WITHIN)
        try:
            to.request("POST", "/v2.1/track", body, {"Content-Type": "application/x-json-stream"})
            to.getresponse().read()
        finally:
            to.close()


def duration(seconds: float) -> str:
    """`d.hh:mm:ss.ffffff`."""
    length = timedelta(seconds=seconds)
    minutes, left = divmod(length.seconds, 60)
    return f"{length.days}.{minutes // 60:02d}:{minutes % 60:02d}:{left:02d}.{length.microseconds:06d}"
