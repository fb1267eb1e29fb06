"""The authorities of the listener's client certificates, made of the configuration."""

from __future__ import annotations

import time

from cryptography import x509

from gateway.config import Config
from gateway.errors import LoadError
from gateway.revocation.authorities import Authorities
from gateway.revocation.crl import parse_list
from gateway.revocation.fetching import Fetcher
from gateway.revocation.lookup import RevocationLookup


def client_authorities(config: Config) -> RevocationLookup | None:
    """
    None where the listener asks for no certificates.

    Raises:
        LoadError: `client-ca` holds no certificate, or a revocation list is none.
    """
    tls = config.tls
    if tls is None or tls.client_ca is None:
        return None
    try:
        certificates = x509.load_pem_x509_certificates(tls.client_ca.read_bytes())
    except (OSError, ValueError) as error:
        where = config.location("tls", "client-ca")
        raise LoadError.at(where, "bad-certificate", f"client-ca cannot be read: {error}", "give a PEM file") from None
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
            message = f"{file.name} is no revocation list: {error}"
            raise LoadError.at(where, "bad-revocation-list", message, "give a CRL, PEM or DER") from None
