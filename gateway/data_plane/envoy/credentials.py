"""
The listener's certificate, which a reload renews.

Source: gRPC Python, ``dynamic_ssl_server_credentials``: the configuration is asked for at each handshake.
"""

from __future__ import annotations

import ssl

import grpc
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)

from gateway.data_plane.envoy.settings import EnvoyTls
from gateway.reading.values import revealed


class EnvoyCredentials:
    """What Envoy is shown, and which certificates it must show itself."""

    def __init__(self, tls: EnvoyTls) -> None:
        self._tls = tls
        self._current = self._read()

    def for_server(self) -> grpc.ServerCredentials:
        """For ``add_secure_port``."""
        asks = self._tls.client_ca is not None
        return grpc.dynamic_ssl_server_credentials(self._current, lambda: self._current, asks)

    def renew(self) -> None:
        """Read the files again. Raises OSError, ValueError: they cannot be used; those before are presented."""
        self._current = self._read()

    def _read(self) -> grpc.ServerCertificateConfiguration:
        tls = self._tls
        password = revealed(tls.key_password) or ""
        ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(tls.certificate, tls.key, lambda: password)
        pem = tls.key.read_bytes()
        key = load_pem_private_key(pem, password.encode() if b"ENCRYPTED" in pem else None)
        plain = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        authorities = None if tls.client_ca is None else tls.client_ca.read_bytes()
        return grpc.ssl_server_certificate_configuration([(plain, tls.certificate.read_bytes())], authorities)
