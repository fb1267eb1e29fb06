"""What can be said of a certificate without asking anybody: its thumbprint, and whose key has signed it."""

from __future__ import annotations

from functools import lru_cache

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes


def thumbprint(certificate: x509.Certificate) -> str:
    """SHA-1 of the DER form, upper-case hexadecimal. Source: X509Certificate2.Thumbprint."""
    return certificate.fingerprint(hashes.SHA1()).hex().upper()  # noqa: S303 (a name, not a protection)


@lru_cache(maxsize=4096)  # asked again for every request of a connection, and a signature takes its time
def issued_by(certificate: x509.Certificate, issuer: x509.Certificate) -> bool:
    """Whether *issuer*'s key has signed *certificate*, and the names agree."""
    try:
        certificate.verify_directly_issued_by(issuer)
    except (ValueError, TypeError, InvalidSignature):
        return False
    return True
