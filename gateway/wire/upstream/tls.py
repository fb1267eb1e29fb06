"""TLS contexts towards backends."""

from __future__ import annotations

import ssl
import tempfile
from collections.abc import Sequence

from gateway.reading.values import revealed
from gateway.wire.paced_tls import paced
from gateway.wire.settings import TlsSettings
from gateway.wire.upstream.way import StoredCertificate


def client_context(
    settings: TlsSettings, protocols: Sequence[str] = ("http/1.1",), certificate: StoredCertificate | None = None
) -> ssl.SSLContext:
    """
    The context for one backend: chain and name are checked unless the settings relax that.

    Args:
        protocols: What the handshake offers (ALPN), most preferred first.
        certificate: Presented instead of the settings' own.

    Raises:
        OSError: A file is missing or holds no usable certificate (``ssl.SSLError`` is one).
    """
    context = paced(ssl.create_default_context(cafile=settings.ca_file))
    context.check_hostname = settings.verify_name and settings.verify_chain
    if not settings.verify_chain:
        context.verify_mode = ssl.CERT_NONE
    if certificate is not None:
        present(context, certificate)
    elif settings.certificate_file is not None:
        context.load_cert_chain(settings.certificate_file, settings.key_file, revealed(settings.key_password))
    context.set_alpn_protocols(list(protocols))
    return context


def present(context: ssl.SSLContext, certificate: StoredCertificate) -> None:
    """Let *context* present *certificate*. Raises ssl.SSLError: key and certificate do not match."""
    # The ssl module reads certificates from files only; only this user can read this one, and it is deleted after.
    with tempfile.NamedTemporaryFile(suffix=".pem") as file:
        file.write(certificate.pem + (certificate.private_key or b""))
        file.flush()
        context.load_cert_chain(file.name)
