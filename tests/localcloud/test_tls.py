"""The certificate is trusted for the machine's own names, strictly checked, and for nothing else."""

from __future__ import annotations

import ssl
import stat
from typing import TYPE_CHECKING

import pytest
from cryptography import x509

from localcloud.tls import Ca, make_ca

if TYPE_CHECKING:
    from pathlib import Path


def handshake(server: ssl.SSLContext, client: ssl.SSLContext, name: str) -> None:
    """In memory, to the end or to the first error."""
    to_client, to_server = ssl.MemoryBIO(), ssl.MemoryBIO()
    ends = [
        client.wrap_bio(to_client, to_server, server_hostname=name),
        server.wrap_bio(to_server, to_client, server_side=True),
    ]
    for _ in range(10):
        waiting = []
        for end in ends:
            try:
                end.do_handshake()
            except ssl.SSLWantReadError:
                waiting.append(end)
        if not waiting:
            return
    raise AssertionError("the handshake did not end")


def contexts(ca: Ca) -> tuple[ssl.SSLContext, ssl.SSLContext]:
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(ca.cert_file, ca.key_file)
    client = ssl.create_default_context(cafile=str(ca.ca_file))
    client.verify_flags |= ssl.VERIFY_X509_STRICT  # the default from Python 3.13
    return server, client


@pytest.mark.parametrize("name", ["localhost", "127.0.0.1", "wb.localhost", "web.wb.localhost", "a--b.env.localhost"])
def test_its_own_names_are_trusted(tmp_path: Path, name: str) -> None:
    handshake(*contexts(make_ca(tmp_path, ["wb.localhost", "env.localhost"])), name)


@pytest.mark.parametrize("name", ["example.org", "a.b.wb.localhost", "127.0.0.2"])
def test_other_names_are_not(tmp_path: Path, name: str) -> None:
    with pytest.raises(ssl.SSLCertVerificationError):
        handshake(*contexts(make_ca(tmp_path, ["wb.localhost"])), name)


def test_one_machine_is_not_trusted_by_another(tmp_path: Path) -> None:
    server, _ = contexts(make_ca(tmp_path / "one", []))
    _, client = contexts(make_ca(tmp_path / "two", []))

    with pytest.raises(ssl.SSLCertVerificationError):
        handshake(server, client, "localhost")


def test_only_its_owner_reads_the_key_and_the_signing_key_is_nowhere(tmp_path: Path) -> None:
    ca = make_ca(tmp_path, [])

    assert stat.S_IMODE(ca.key_file.stat().st_mode) == 0o600
    assert sorted(path.name for path in tmp_path.iterdir()) == ["ca.pem", "cert.pem", "key.pem"]
    authority = x509.load_pem_x509_certificate(ca.ca_file.read_bytes())
    key = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    with pytest.raises(ssl.SSLError):
        key.load_cert_chain(ca.ca_file, ca.key_file)
    assert authority.extensions.get_extension_for_class(x509.BasicConstraints).value.path_length == 0


def test_made_again_it_replaces_what_was_there(tmp_path: Path) -> None:
    first = make_ca(tmp_path, []).ca_file.read_bytes()

    again = make_ca(tmp_path, ["wb.localhost"])

    assert again.ca_file.read_bytes() != first
    handshake(*contexts(again), "web.wb.localhost")
