"""Azure Monitor over an emulator with a fake data plane, served over https as its clients insist, or over http."""

from __future__ import annotations

import ssl
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self

from azure.core.credentials import AccessToken

from localcloud import identity
from localcloud.monitor.service import Monitor
from localcloud.tls import make_ca
from tests.localcloud.arm.cloud import GROUP, Answer, Cloud, cloud, served

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

LOGS = "https://api.loganalytics.io"
METRICS = "https://metrics.monitor.azure.com"
PROMETHEUS = "https://prometheus.monitor.azure.com"


class Credential:
    """Tokens of this cloud's identity, for whatever they are asked."""

    async def get_token(self, *scopes: str, **_: object) -> AccessToken:
        return AccessToken(identity.token(scopes[0].removesuffix("/.default")), 4_102_444_800)

    async def close(self) -> None: ...

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None: ...


@dataclass(kw_only=True)
class Served:
    """arm, logs, metrics, prometheus, ingestion: where they are served; the cloud's own client speaks plain HTTP."""

    cloud: Cloud
    monitor: Monitor
    folder: Path
    arm: str
    logs: str
    metrics: str
    prometheus: str
    ingestion: str

    async def ask(
        self, method: str, url: str, body: object = None, *, audience: str = "", headers: dict[str, str] | None = None
    ) -> Answer:
        """audience: of the token; "" sends none."""
        sent = {"Authorization": self.bearer(audience)} if audience else {}
        more: dict[str, Any] = {} if body is None else {"json": body}
        async with self.cloud.http.request(method, url, headers={**sent, **(headers or {})}, **more) as got:
            return Answer(got.status, dict(got.headers), await got.json())

    def bearer(self, audience: str) -> str:
        """What the header Authorization holds."""
        return f"Bearer {identity.token(audience)}"

    async def query(self, kql: str, timespan: str = "", *, component: bool = False) -> Answer:
        """A query of the workspace or of the component."""
        place = self.monitor.component if component else f"/workspaces/{self.monitor.workspace_id}"
        body = {"query": kql, **({"timespan": timespan} if timespan else {})}
        return await self.ask("POST", f"{self.logs}/v1{place}/query", body, audience=LOGS)

    async def rows(self, kql: str, timespan: str = "", *, component: bool = False) -> list[list[Any]]:
        answer = await self.query(kql, timespan, component=component)
        assert answer.status == 200, answer.body
        found: list[list[Any]] = answer.body["tables"][0]["rows"]
        return found


@asynccontextmanager
async def monitor(folder: Path, *, context: ssl.SSLContext | None = None, delay: float = 0) -> AsyncIterator[Served]:
    """delay: seconds until rows can be queried."""
    async with cloud() as it:
        revisions = folder / "revisions"
        revisions.mkdir(parents=True, exist_ok=True)
        service = Monitor(
            store=it.arm.store,
            sampler=it.arm.sampler,
            plane=it.plane,
            clock=it.clock,
            folder=revisions,
            group=GROUP,
            delay=delay,
        )
        async with (
            served(it.arm.app(), context) as arm,
            served(service.logs(), context) as logs,
            served(service.metrics(), context) as metrics,
            served(service.prometheus(), context) as prometheus,
            served(service.ingestion()) as ingestion,
        ):
            yield Served(
                cloud=it,
                monitor=service,
                folder=revisions,
                arm=arm,
                logs=logs,
                metrics=metrics,
                prometheus=prometheus,
                ingestion=ingestion,
            )


@asynccontextmanager
async def https(folder: Path) -> AsyncIterator[tuple[Served, str]]:
    """Over https; and the file of the authority to trust."""
    ca = make_ca(folder / "ca", ["wb.localhost"])
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(ca.cert_file, ca.key_file)
    async with monitor(folder, context=context) as it:
        yield it, str(ca.ca_file)
