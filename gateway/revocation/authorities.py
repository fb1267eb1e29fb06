"""
The authorities that client certificates lead to: those of the listener's ``client-ca``.

Source: RFC 5280 §6.1.
"""

from __future__ import annotations

from collections.abc import Iterable

from cryptography import x509

from gateway.revocation.certificate_facts import issued_by
from gateway.revocation.evidence import Undecided

MAX_PATH = 8


class Authorities:
    """Certificates of authorities, found by what they have issued."""

    def __init__(self, certificates: Iterable[x509.Certificate]) -> None:
        self._by_subject: dict[x509.Name, list[x509.Certificate]] = {}
        for certificate in certificates:
            self._by_subject.setdefault(certificate.subject, []).append(certificate)

    def issuer_of(self, certificate: x509.Certificate) -> x509.Certificate | None:
        """The authority whose key has signed *certificate*; None: it is not known here."""
        candidates = self._by_subject.get(certificate.issuer, ())
        return next((candidate for candidate in candidates if issued_by(certificate, candidate)), None)

    def path(self, certificate: x509.Certificate) -> list[tuple[x509.Certificate, x509.Certificate]]:
        """
        *certificate* and every authority below the root, each with its issuer.

        Raises:
            Undecided: An issuer is not known.
        """
        pairs: list[tuple[x509.Certificate, x509.Certificate]] = []
        while len(pairs) < MAX_PATH:
            issuer = self.issuer_of(certificate)
            if issuer is None:
                raise Undecided("an issuer on its path is not in client-ca")
            if issuer == certificate:
                return pairs
            pairs.append((certificate, issuer))
            certificate = issuer
        raise Undecided(f"its path is longer than {MAX_PATH} certificates")


def is_ca(certificate: x509.Certificate) -> bool:
    """Whether the certificate says that it belongs to an authority. Source: RFC 5280 §4.2.1.9."""
    try:
        return certificate.extensions.get_extension_for_class(x509.BasicConstraints).value.ca
    except x509.ExtensionNotFound:
        return False
