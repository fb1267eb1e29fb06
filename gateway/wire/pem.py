"""PEM files for TLS, tried at load: a broken one is reported before anything listens; nothing asks for a password."""

from __future__ import annotations

import ssl
from pathlib import Path

from pydantic import SecretStr

from gateway.reading.settings import mistake


def require_pair(certificate: Path, key: Path | None, password: SecretStr | None) -> None:
    """Refuse a certificate and a key that TLS could not use together; *key* None: both are in one file."""
    text = password.get_secret_value() if password else ""
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(certificate, key, lambda: text)
    except (OSError, ValueError) as error:  # ssl.SSLError is an OSError
        remedy = "give PEM files that belong together, and the key's password where it has one"
        raise mistake("bad-certificate", f"certificate and key cannot be used: {_reason(error)}", remedy) from None


def require_bundle(path: Path) -> None:
    """Refuse a bundle without a certificate."""
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_verify_locations(path)
    except (OSError, ValueError) as error:
        message = f"{path.name} holds no certificate that can be read: {_reason(error)}"
        raise mistake("bad-certificate", message, "give a PEM bundle") from None


def _reason(error: Exception) -> str:
    """OpenSSL's reason; without one, the text was not PEM or could not be decrypted."""
    reason = (error.reason if isinstance(error, ssl.SSLError) else None) or "not PEM, or a wrong password"
    return reason.replace("_", " ").lower()
