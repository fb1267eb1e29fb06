"""TLS contexts towards backends, made at load."""

from __future__ import annotations

import ssl

from gateway.wire.settings import TlsSettings


def client_context(settings: TlsSettings) -> ssl.SSLContext:
    """
    The context for one backend: chain and name are checked unless the settings say otherwise.

    Raises:
        OSError: A file is missing or holds no usable certificate (``ssl.SSLError`` is one).
    """
    context = ssl.create_default_context(cafile=settings.ca_file or None)
    context.check_hostname = settings.verify_name and settings.verify_chain
    if not settings.verify_chain:
        context.verify_mode = ssl.CERT_NONE
    if settings.certificate_file:
        password = settings.key_password or None
        context.load_cert_chain(settings.certificate_file, settings.key_file or None, password)
    context.set_alpn_protocols(["http/1.1"])
    return context
