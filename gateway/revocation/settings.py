"""Settings of the revocation checks of client certificates."""

from __future__ import annotations

from gateway.reading.settings import Block
from gateway.reading.values import Duration, File


class RevocationSettings(Block):
    """Where validate-client-certificate looks up whether a client certificate has been revoked."""

    crl_files: tuple[File, ...] = ()
    """Revocation lists, PEM or DER, of authorities in *client-ca*; asked first, and read again every 15 minutes."""
    timeout_s: Duration = 5.0
    """One fetch of a list or of a responder's answer; a whole look-up may take three times as long."""
    allow_private_networks: bool = False
    """Whether URLs in certificates may point to private networks and this machine: for a closed network."""
