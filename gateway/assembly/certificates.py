"""Certificates of the configuration: those that policies use, and the authorities of the clients' certificates."""

from __future__ import annotations

import time
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.serialization import pkcs12

from gateway.config import Config
from gateway.config.materials import Certificate
from gateway.errors import LoadError
from gateway.revocation import certificate_facts
from gateway.revocation.authorities import Authorities
from gateway.revocation.crl import parse_list
from gateway.revocation.fetching import Fetcher
from gateway.revocation.lookup import RevocationLookup
from gateway.wire.upstream.way import StoredCertificate

_PLAIN = (serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())


def load_certificates(config: Config) -> dict[str, StoredCertificate]:
    """
    Every certificate by its id and by its upper-case SHA-1 thumbprint, the name that APIM's expressions use.

    Raises:
        LoadError: A file is not a certificate, or its password is wrong.
    """
    certificates: dict[str, StoredCertificate] = {}
    for name, entry in config.certificates.items():
        stored = _load(name, entry, config)
        certificates[name] = certificates[thumbprint(stored)] = stored
    return certificates


def thumbprint(stored: StoredCertificate) -> str:
    """SHA-1 of the DER form, upper-case hexadecimal."""
    return certificate_facts.thumbprint(x509.load_pem_x509_certificate(stored.pem))


def _load(name: str, entry: Certificate, config: Config) -> StoredCertificate:
    password = entry.password.get_secret_value().encode() if entry.password else None
    try:
        content = entry.file.read_bytes()
        if b"-----BEGIN" in content:
            return StoredCertificate(_certificates(content), _private_key(content, entry.key, password))
        return _from_pkcs12(content, password)
    except (ValueError, TypeError, OSError) as error:
        where = config.location("certificates", name)
        message = f"certificate {name!r} cannot be read: {_reason(error)}"
        raise LoadError.at(where, "bad-certificate", message, "give a PEM or PKCS#12 file and its password") from None


# What the library says that means something to whoever configures; the rest is about its own parts.
_PLAIN_REASONS = ("password", "holds no certificate")


def _reason(error: Exception) -> str:
    if isinstance(error, OSError):
        return error.strerror or "unreadable"
    text = str(error).rstrip(".")
    is_plain = any(words in text.lower() for words in _PLAIN_REASONS)
    return text[:1].lower() + text[1:] if is_plain else "it is not in this form, or cut off"


def _certificates(content: bytes) -> bytes:
    chain = x509.load_pem_x509_certificates(content)
    return b"".join(certificate.public_bytes(serialization.Encoding.PEM) for certificate in chain)


def _private_key(content: bytes, key_file: Path | None, password: bytes | None) -> bytes | None:
    text = key_file.read_bytes() if key_file else content
    if b"PRIVATE KEY-----" not in text:
        return None
    return serialization.load_pem_private_key(text, password).private_bytes(*_PLAIN)


def _from_pkcs12(content: bytes, password: bytes | None) -> StoredCertificate:
    bundle = pkcs12.load_pkcs12(content, password)
    if bundle.cert is None:
        raise ValueError("the file holds no certificate")
    chain = [bundle.cert.certificate, *(extra.certificate for extra in bundle.additional_certs)]
    pem = b"".join(certificate.public_bytes(serialization.Encoding.PEM) for certificate in chain)
    return StoredCertificate(pem, bundle.key.private_bytes(*_PLAIN) if bundle.key else None)


def client_authorities(config: Config) -> RevocationLookup | None:
    """
    None where the listener asks for no certificates.

    Raises:
        LoadError: `client-ca` holds no certificate, or a file is not a revocation list.
    """
    tls = config.tls
    if tls is None or tls.client_ca is None:
        return None
    try:
        certificates = x509.load_pem_x509_certificates(tls.client_ca.read_bytes())
    except (OSError, ValueError) as error:
        where = config.location("tls", "client-ca")
        raise LoadError.at(
            where, "bad-certificate", f"client-ca cannot be read: {_reason(error)}", "give a PEM file"
        ) from None
    _require_lists(config)
    settings = tls.revocation
    fetcher = Fetcher(settings.timeout_s, settings.allow_private_networks)
    return RevocationLookup(Authorities(certificates), fetcher, settings.crl_files, time.time)


def _require_lists(config: Config) -> None:
    """Raises LoadError."""
    files = config.tls.revocation.crl_files if config.tls else ()
    for index, file in enumerate(files):
        try:
            parse_list(file.read_bytes())
        except (OSError, ValueError) as error:
            where = config.location("tls", "revocation", "crl-files", index)
            message = f"{file.name} is not a revocation list: {_reason(error)}"
            raise LoadError.at(where, "bad-revocation-list", message, "give a CRL, PEM or DER") from None
