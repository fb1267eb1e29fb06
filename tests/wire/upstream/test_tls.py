"""TLS contexts towards backends: which share one."""

from __future__ import annotations

import gc
import ssl
import weakref
from pathlib import Path

import pytest
import trustme

from gateway.wire.settings import TlsSettings
from gateway.wire.upstream.tls import client_context, library_context
from gateway.wire.upstream.way import StoredCertificate

ISSUER = trustme.CA()
LEAF = ISSUER.issue_cert("backend.test")
CERTIFICATE = StoredCertificate(b"".join(pem.bytes() for pem in LEAF.cert_chain_pems), LEAF.private_key_pem.bytes())
PLAIN = TlsSettings()

OTHERS = {
    "another chain check": (TlsSettings(verify_chain=False), ("http/1.1",), None),
    "another name check": (TlsSettings(verify_name=False), ("http/1.1",), None),
    "other protocols": (PLAIN, ("h2", "http/1.1"), None),
    "a client certificate": (PLAIN, ("http/1.1",), CERTIFICATE),
}


def test_backends_that_trust_alike_share_one_context() -> None:
    """A thousand https backends read the system's authorities once; the name to expect is not part of it."""
    context = client_context(PLAIN)
    assert client_context(TlsSettings()) is context
    assert client_context(TlsSettings(server_name="other.test")) is context


@pytest.mark.parametrize(("settings", "protocols", "certificate"), OTHERS.values(), ids=OTHERS.keys())
def test_what_differs_is_not_shared(
    settings: TlsSettings, protocols: tuple[str, ...], certificate: StoredCertificate | None
) -> None:
    """A relaxed check, or a client's certificate, never reaches a backend that has not asked for it."""
    context = client_context(PLAIN)
    assert client_context(settings, protocols, certificate) is not context


def test_changed_authorities_are_read_again(tmp_path: Path) -> None:
    """Whoever replaces a bundle and reloads has the new one, even while the old one is in use."""
    bundle = tmp_path / "authorities.pem"
    ISSUER.cert_pem.write_to_path(bundle)
    settings = TlsSettings(ca_file=bundle)
    context = client_context(settings)
    assert client_context(settings) is context
    bundle.unlink()
    trustme.CA().cert_pem.write_to_path(bundle)
    assert client_context(settings).get_ca_certs() != context.get_ca_certs()


def test_contexts_end_with_their_backends() -> None:
    """Reloads with ever other settings leave nothing behind."""
    gone = weakref.ref(client_context(PLAIN, ("a protocol of its own",)))
    gc.collect()
    assert gone() is None


def test_libraries_share_a_context_that_no_backend_has(tmp_path: Path) -> None:
    """Keys, send-request, callbacks and proxies trust alike; who presents a certificate, or trusts a file, does not."""
    bundle = tmp_path / "authorities.pem"
    ISSUER.cert_pem.write_to_path(bundle)
    context = library_context()
    others = library_context(bundle), library_context(certificate=CERTIFICATE), client_context(PLAIN)
    assert library_context() is context
    assert library_context(bundle) is others[0]
    assert len({context, *others}) == 4
    assert all(other.check_hostname and other.verify_mode == ssl.CERT_REQUIRED for other in (context, *others))


def test_sessions_of_a_library_see_the_end_of_what_is_received() -> None:
    """Libraries that make sessions themselves would wait forever for more, where a paced one waits for asyncio."""
    received = ssl.MemoryBIO()
    session = library_context().wrap_bio(received, ssl.MemoryBIO(), server_hostname="localhost")
    received.write_eof()
    with pytest.raises(ssl.SSLEOFError):
        session.do_handshake()
