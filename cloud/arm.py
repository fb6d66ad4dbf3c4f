"""The way to Azure Resource Manager: one pipeline, one pool of connections, one token for the whole process."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast
from urllib.parse import urlsplit

from cloud.session import CONNECT_WITHIN, open_session
from cloud.tokens import Tokens
from delivery.errors import Refused

if TYPE_CHECKING:
    from collections.abc import Callable

    from aiohttp import ClientSession
    from azure.core.pipeline import AsyncPipeline, PipelineRequest
    from azure.core.rest import AsyncHttpResponse, HttpRequest
    from azure.mgmt.appcontainers.aio import ContainerAppsAPIClient

    from cloud.tokens import Credential
    from delivery.settings import Settings

READ_WITHIN = 10.0  # seconds: what was read must be young enough for the write that rests on it
WRITE_WITHIN = 30.0  # seconds
AGENT = "weighbridge"


def _origin(url: str) -> tuple[str, str, int | None]:
    """Scheme, host and port; nothing that equals a real origin when the address is odd."""
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        return "", "", None
    return parts.scheme, "" if "@" in parts.netloc else (parts.hostname or "").lower(), port


def _stay_on(arm: str) -> Callable[[PipelineRequest[HttpRequest]], None]:
    """Refuse every request that leaves the ARM host, so that its token goes nowhere else."""
    home = _origin(arm)

    def check(request: PipelineRequest[HttpRequest]) -> None:
        found = _origin(request.http_request.url)
        if found != home:
            raise Refused(f"Azure Resource Manager: expected an address on {home[1]}, found one on {found[1]!r}")

    return check


def _verbatim(request: PipelineRequest[HttpRequest]) -> None:
    """Keep aiohttp from quoting the address anew: one that Azure signed is good only as it was given."""
    from yarl import URL  # noqa: PLC0415 - not on the way of a cold start

    request.http_request.url = cast("str", URL(request.http_request.url, encoded=True))


class Arm:
    """Opened in the running loop by its first use, closed by `close`.

    Its pipeline has no retries (the tick is the only retry loop), no redirects, and no registration of resource
    providers (which would be a write nobody decided).
    """

    def __init__(self, settings: Settings, credential: Credential) -> None:
        self._settings = settings
        self._credential = credential
        self._session: ClientSession | None = None
        self._pipeline: AsyncPipeline[HttpRequest, AsyncHttpResponse] | None = None
        self._apps: dict[str, ContainerAppsAPIClient] = {}

    async def send(self, request: HttpRequest) -> AsyncHttpResponse:
        """Send one request to a path, or to an absolute address on the ARM host; any status is an answer.

        The address is used as it is: its query is already quoted.
        """
        if request.url.startswith("/"):
            request.url = self._settings.arm + request.url
        return (await self._opened().run(request)).http_response

    def apps(self, subscription: str) -> ContainerAppsAPIClient:
        """The Container Apps client of one subscription; all of them share the pipeline."""
        from azure.mgmt.appcontainers.aio import ContainerAppsAPIClient  # noqa: PLC0415 - the heaviest import there is

        client = self._apps.get(subscription)
        if client is None:
            client = self._apps[subscription] = ContainerAppsAPIClient(
                self._credential(), subscription, base_url=self._settings.arm, policies=[], pipeline=self._opened()
            )
        return client

    async def close(self) -> None:
        """Close the connections."""
        if self._session is not None:
            await self._session.close()

    def _opened(self) -> AsyncPipeline[HttpRequest, AsyncHttpResponse]:
        if self._pipeline is not None:
            return self._pipeline
        from azure.core.pipeline import AsyncPipeline, policies  # noqa: PLC0415 - not on the way of a cold start
        from azure.core.pipeline.transport import AioHttpTransport  # noqa: PLC0415 - same
        from azure.mgmt.core.policies import AsyncARMChallengeAuthenticationPolicy  # noqa: PLC0415 - same

        self._session = open_session(self._settings.ca_file)
        # azure-core types its own plain policies for the synchronous pipeline only.
        checks: list[Any] = [
            policies.CustomHookPolicy(raw_request_hook=_stay_on(self._settings.arm)),
            policies.RequestIdPolicy(),
            policies.UserAgentPolicy(AGENT),
        ]
        authentication = AsyncARMChallengeAuthenticationPolicy(Tokens(self._credential()), self._settings.arm_audience)
        last: list[Any] = [policies.CustomHookPolicy(raw_request_hook=_verbatim)]
        self._pipeline = AsyncPipeline(
            AioHttpTransport(
                session=self._session, session_owner=False, connection_timeout=CONNECT_WITHIN, read_timeout=WRITE_WITHIN
            ),
            [*checks, authentication, *last],
        )
        return self._pipeline
