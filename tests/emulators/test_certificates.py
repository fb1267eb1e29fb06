"""Throw-away certificates and private files."""

from __future__ import annotations

import ssl
from contextlib import suppress
from pathlib import Path

from cryptography import x509

from gateway.emulators.certificates import throw_away, write_private


def test_private_key_is_private(tmp_path: Path) -> None:
    """The file with the private key is readable by its owner only."""
    throw_away(tmp_path)
    assert (tmp_path / "server.pem").stat().st_mode & 0o777 == 0o600


def test_hosts(tmp_path: Path) -> None:
    """The certificate names the hosts that were asked for, addresses as addresses."""
    throw_away(tmp_path, ("emulator.test", "127.0.0.2"))
    certificate = x509.load_pem_x509_certificate(
        (tmp_path / "server.pem").read_bytes().split(b"-----END PRIVATE KEY-----")[1]
    )
    names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert names.get_values_for_type(x509.DNSName) == ["emulator.test"]
    assert [str(address) for address in names.get_values_for_type(x509.IPAddress)] == ["127.0.0.2"]


def test_write_private_replaces(tmp_path: Path) -> None:
    """An existing file with a wider mode is replaced by a private one, and no temporary file is left."""
    path = tmp_path / "keys.json"
    path.write_text("old")
    path.chmod(0o644)
    write_private(path, b"new")
    assert (path.read_bytes(), path.stat().st_mode & 0o777) == (b"new", 0o600)
    assert list(tmp_path.iterdir()) == [path]


def test_strict_clients_accept_it(tmp_path: Path) -> None:
    """A client that checks as Python 3.13 does by default completes the handshake."""
    tls = throw_away(tmp_path)
    strict = ssl.create_default_context(cafile=tls.ca_file)
    strict.verify_flags |= ssl.VERIFY_X509_STRICT
    to_server, to_client = ssl.MemoryBIO(), ssl.MemoryBIO()
    client = strict.wrap_bio(to_client, to_server, server_hostname="localhost")
    server = tls.context.wrap_bio(to_server, to_client, server_side=True)
    for side in (client, server, client, server):
        with suppress(ssl.SSLWantReadError):
            side.do_handshake()
    assert client.getpeercert()
