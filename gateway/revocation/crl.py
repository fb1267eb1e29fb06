"""
Certificate revocation lists: read, verified, and asked about one certificate.

Only what is understood whole is used: no deltas, no lists on behalf of other authorities, no lists of some reasons.

Source: RFC 5280 §5 and §6.3.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from cryptography import x509

from gateway.revocation.authorities import is_ca
from gateway.revocation.evidence import Evidence, Undecided

WEAK_HASHES = frozenset({"md5", "sha1"})  # TLS would not accept a certificate signed with them either
SKEW_S = 300.0


@dataclass(frozen=True, slots=True)
class RevocationList:
    """
    A list whose signature has been verified.

    Attributes:
        serials: Serial numbers of what is revoked or on hold.
        begins, holds_until: thisUpdate and nextUpdate, seconds since the epoch.
        scope: What it is about; None: everything that its authority has issued.
    """

    serials: frozenset[int]
    begins: float
    holds_until: float
    scope: x509.IssuingDistributionPoint | None

    def evidence(self, certificate: x509.Certificate, now: float) -> Evidence:
        """What the list says. Raises Undecided: it is about other certificates, or not current."""
        if not self.begins - SKEW_S <= now < self.holds_until:
            raise Undecided("the revocation list is not current")
        if self.scope is not None and not _covers(self.scope, certificate):
            raise Undecided("the revocation list covers other certificates")
        return Evidence(certificate.serial_number in self.serials, self.holds_until)


def read_list(data: bytes, issuer: x509.Certificate) -> RevocationList:
    """The list in *data*, PEM or DER. Raises Undecided: it is none, or *issuer* has not signed it."""
    try:
        crl = parse_list(data)
        _require_signature(crl, issuer)
        ends = crl.next_update_utc
        if ends is None:
            raise Undecided("the revocation list does not state how long it is valid")
        serials = frozenset(entry.serial_number for entry in crl)
        return RevocationList(serials, crl.last_update_utc.timestamp(), ends.timestamp(), _scope(crl))
    except (ValueError, TypeError) as error:
        raise Undecided(f"the revocation list cannot be read: {error}") from None


def parse_list(data: bytes) -> x509.CertificateRevocationList:
    """PEM or DER. Raises ValueError."""
    load = x509.load_pem_x509_crl if b"-----BEGIN" in data[:1024] else x509.load_der_x509_crl
    return load(data)


def list_urls(certificate: x509.Certificate) -> list[str]:
    """Where the authority publishes the list for *certificate*. Source: RFC 5280 §4.2.1.13."""
    return [name.value for name in _points(certificate) if isinstance(name, x509.UniformResourceIdentifier)]


def _points(certificate: x509.Certificate) -> Iterator[x509.GeneralName]:
    """Names of the points whose list is complete and the issuer's own."""
    try:
        points = certificate.extensions.get_extension_for_class(x509.CRLDistributionPoints).value
    except (x509.ExtensionNotFound, ValueError):
        return
    for point in points:
        if point.reasons is None and point.crl_issuer is None:
            yield from point.full_name or ()


def _require_signature(crl: x509.CertificateRevocationList, issuer: x509.Certificate) -> None:
    if crl.issuer != issuer.subject:
        raise Undecided("the revocation list is another authority's")
    algorithm = crl.signature_hash_algorithm
    if algorithm is not None and algorithm.name in WEAK_HASHES:
        raise Undecided(f"the revocation list is signed with {algorithm.name}")
    if not _may_sign_lists(issuer) or not crl.is_signature_valid(issuer.public_key()):  # type: ignore[arg-type]
        raise Undecided("the revocation list is not signed by its authority")


def _may_sign_lists(issuer: x509.Certificate) -> bool:
    try:
        return issuer.extensions.get_extension_for_class(x509.KeyUsage).value.crl_sign
    except x509.ExtensionNotFound:
        return True


def _scope(crl: x509.CertificateRevocationList) -> x509.IssuingDistributionPoint | None:
    """What the list is about. Raises Undecided: it is of a kind that is not used here, such as a delta."""
    scope = None
    for extension in crl.extensions:
        if isinstance(extension.value, x509.IssuingDistributionPoint):
            scope = extension.value
        elif extension.critical:
            raise Undecided(f"the revocation list has the critical extension {extension.oid.dotted_string}")
    if scope is not None and _is_partial(scope):
        raise Undecided("the revocation list is indirect or incomplete")
    return scope


def _is_partial(scope: x509.IssuingDistributionPoint) -> bool:
    return any((scope.indirect_crl, scope.only_some_reasons, scope.only_contains_attribute_certs, scope.relative_name))


def _covers(scope: x509.IssuingDistributionPoint, certificate: x509.Certificate) -> bool:
    """Source: RFC 5280 §6.3.3 (b)(2)."""
    if is_ca(certificate) and scope.only_contains_user_certs:
        return False
    if not is_ca(certificate) and scope.only_contains_ca_certs:
        return False
    return scope.full_name is None or not set(scope.full_name).isdisjoint(_points(certificate))
