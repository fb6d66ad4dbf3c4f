"""A real HTTPS server on loopback that answers as it is told and remembers what it was asked."""

from __future__ import annotations

import asyncio
import datetime as dt
import functools
import ipaddress
import json
import ssl
import tempfile
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Self

from aiohttp import web
from azure.core.credentials import AccessToken
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from delivery.settings import Settings

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Mapping

RECORDINGS = Path(__file__).parent / "recordings"
TOKEN = "token-of-the-tests"
NAMES = ("localhost", "contoso.azurecr.io", "web--wb1-abcdef.env.example", "web.env.example")


def recorded(name: str, n: int) -> Answer:
    """The n-th interaction of a recording, as an answer."""
    file = json.loads((RECORDINGS / name).read_text(encoding="utf-8"))
    response = next(i["response"] for i in file["interactions"] if i["n"] == n)
    kept = {k: v for k, v in response["headers"].items() if k in ("location", "azure-asyncoperation")}
    return Answer(response["status"], response["body"], headers=kept)


def recorded_file(name: str) -> dict[str, object]:
    found: dict[str, object] = json.loads((RECORDINGS / name).read_text(encoding="utf-8"))
    return found


@dataclass(frozen=True, slots=True)
class Asked:
    method: str
    path: str
    target: str  # with the query, as it came
    headers: Mapping[str, str]
    body: bytes

    @property
    def json(self) -> dict[str, object]:
        found: dict[str, object] = json.loads(self.body)
        return found


@dataclass(frozen=True, slots=True)
class Answer:
    """body: JSON when it is not bytes; None is no body."""

    status: int
    body: object = None
    headers: Mapping[str, str] = field(default_factory=dict)

    def response(self) -> web.Response:
        if self.body is None:
            return web.Response(status=self.status, headers=self.headers)
        raw = self.body if isinstance(self.body, bytes) else json.dumps(self.body).encode()
        return web.Response(status=self.status, body=raw, headers={"Content-Type": "application/json", **self.headers})


class Loopback:
    """Rules are tried in the order they were given; a rule with several answers keeps giving its last."""

    def __init__(self) -> None:
        self.asked: list[Asked] = []
        self.connections: set[object] = set()
        self.sni: list[str] = []
        self.url = ""
        self.hang = asyncio.Event()  # a request that must not be answered waits for this
        self._changed = asyncio.Condition()
        self._rules: list[tuple[str, str, list[Answer | Callable[[Asked], Answer]]]] = []

    def on(self, method: str, ends: str, *answers: Answer | Callable[[Asked], Answer]) -> None:
        """Answer `method` on paths that end with `ends`."""
        self._rules.append((method, ends, list(answers)))

    def of(self, method: str) -> list[Asked]:
        return [a for a in self.asked if a.method == method]

    async def until_asked(self, times: int) -> None:
        async with asyncio.timeout(10), self._changed:
            await self._changed.wait_for(lambda: len(self.asked) >= times)

    async def handle(self, request: web.Request) -> web.StreamResponse:
        seen = Asked(request.method, request.path, request.raw_path, request.headers, await request.read())
        async with self._changed:
            self.asked.append(seen)
            self._changed.notify_all()
        self.connections.add(request.transport)
        for method, ends, answers in self._rules:
            if seen.method == method and seen.path.endswith(ends):
                chosen = answers.pop(0) if len(answers) > 1 else answers[0]
                found = chosen if isinstance(chosen, Answer) else chosen(seen)
                if found.status == HANG:
                    await self.hang.wait()
                if found.status == DROP:
                    assert request.transport is not None
                    request.transport.abort()
                return found.response() if found.status > DROP else web.Response()
        return web.Response(status=404)


HANG, DROP = 0, 1  # statuses of the tests alone: never answer; cut the connection after the request was read
SILENT, CUT = Answer(HANG), Answer(DROP)


class FakeCredential:
    """An `AsyncTokenCredential` that counts, and fails when told to."""

    def __init__(self, error: Exception | None = None) -> None:
        self.scopes: list[tuple[str, ...]] = []
        self._error = error

    async def get_token(self, *scopes: str, **_: object) -> AccessToken:
        self.scopes.append(scopes)
        if self._error is not None:
            raise self._error
        return AccessToken(TOKEN, 4_102_444_800)

    async def close(self) -> None: ...

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None: ...


@functools.cache
def authority() -> tuple[str, ssl.SSLContext]:
    """A CA file, and the TLS context of a server it vouches for."""
    folder = Path(tempfile.mkdtemp(prefix="weighbridge-tests-"))
    now = dt.datetime.now(dt.UTC)
    root = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "tests")])
    root_key, key = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())

    def certificate(name: x509.Name, public: ec.EllipticCurvePublicKey) -> x509.CertificateBuilder:
        begins, ends = now - dt.timedelta(hours=1), now + dt.timedelta(days=1)
        built = x509.CertificateBuilder().subject_name(name).issuer_name(root).public_key(public)
        return built.serial_number(x509.random_serial_number()).not_valid_before(begins).not_valid_after(ends)

    names = [*map(x509.DNSName, NAMES), x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]
    ca = certificate(root, root_key.public_key())
    ca = ca.add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
    leaf = certificate(x509.Name([]), key.public_key())
    leaf = leaf.add_extension(x509.SubjectAlternativeName(names), critical=True)
    ca_file, leaf_file = folder / "ca.pem", folder / "leaf.pem"
    pem = serialization.Encoding.PEM
    ca_file.write_bytes(ca.sign(root_key, hashes.SHA256()).public_bytes(pem))
    secret = key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    leaf_file.write_bytes(secret + leaf.sign(root_key, hashes.SHA256()).public_bytes(pem))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(leaf_file)
    return str(ca_file), context


@asynccontextmanager
async def loopback() -> AsyncIterator[Loopback]:
    """A server on a free port of 127.0.0.1, trusted by `settings`."""
    server, (_, context) = Loopback(), authority()
    context.sni_callback = lambda _, name, __: server.sni.append(name)
    app = web.Application(client_max_size=2**24)
    app.router.add_route("*", "/{path:.*}", server.handle)
    runner = web.AppRunner(app, shutdown_timeout=0.1, max_line_size=16384, max_field_size=16384)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0, ssl_context=context)
    await site.start()
    server.url = f"https://127.0.0.1:{runner.addresses[0][1]}"
    try:
        yield server
    finally:
        server.hang.set()
        await runner.cleanup()


def settings(**changed: object) -> Settings:
    given: dict[str, object] = {"registries": {}, "ca_file": authority()[0], **changed}
    return Settings(**given)  # type: ignore[arg-type] # the fields a test names
