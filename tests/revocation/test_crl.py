"""Revocation lists: what is believed, and what is not."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes

from gateway.revocation.crl import WEAK_HASHES, list_urls, read_list
from gateway.revocation.evidence import Undecided
from tests.revocation.pki import DAY, NOW, Authority, uri

CA = Authority()
OTHER = Authority("Other CA")
URL = "http://crl.test/ca.crl"
CLIENT = CA.issue("client", crl_url=URL)
REVOKED = CA.issue("revoked", crl_url=URL)
T = NOW.timestamp()


def scope(**given: object) -> x509.IssuingDistributionPoint:
    """An issuing distribution point."""
    absent = dict.fromkeys("full_name relative_name only_some_reasons".split())
    flags = dict.fromkeys(
        "only_contains_user_certs only_contains_ca_certs indirect_crl only_contains_attribute_certs".split(), False
    )
    return x509.IssuingDistributionPoint(**{**absent, **flags, **given})  # type: ignore[arg-type]


def test_says_who_is_revoked() -> None:
    """A serial number on the list is revoked, any other is not, until nextUpdate."""
    found = read_list(CA.crl([REVOKED]), CA.own.certificate)
    assert found.evidence(REVOKED.certificate, T).revoked
    good = found.evidence(CLIENT.certificate, T)
    assert (good.revoked, good.holds_until) == (False, (NOW + DAY).timestamp())


USABLE = [
    [],
    [(scope(only_contains_user_certs=True), True)],
    [(scope(full_name=[uri(URL)]), True)],
    [(x509.CRLNumber(7), False)],
]


@pytest.mark.parametrize("extensions", USABLE)
def test_lists_that_are_about_the_certificate(extensions: list[tuple[x509.ExtensionType, bool]]) -> None:
    """A list of users' certificates, or of the certificate's own distribution point, decides."""
    found = read_list(CA.crl([REVOKED], extensions=extensions), CA.own.certificate)
    assert found.evidence(REVOKED.certificate, T).revoked


MISTAKES: list[tuple[str, Callable[[], bytes]]] = [
    ("another authority", lambda: OTHER.crl()),
    ("not signed", lambda: CA.crl(key=OTHER.own.key)),
    ("not current", lambda: CA.crl(ends=NOW - DAY / 2)),
    ("not current", lambda: CA.crl(begins=NOW + DAY / 2)),
    ("other certificates", lambda: CA.crl(extensions=[(scope(only_contains_ca_certs=True), True)])),
    ("other certificates", lambda: CA.crl(extensions=[(scope(full_name=[uri("http://x.test/b.crl")]), True)])),
    ("indirect", lambda: CA.crl(extensions=[(scope(indirect_crl=True), True)])),
    (
        "incomplete",
        lambda: CA.crl(extensions=[(scope(only_some_reasons=frozenset({x509.ReasonFlags.key_compromise})), True)]),
    ),
    ("critical extension", lambda: CA.crl(extensions=[(x509.DeltaCRLIndicator(1), True)])),
    ("cannot be read", lambda: b"<html>not found</html>"),
    ("cannot be read", lambda: CA.crl()[:-40]),
    ("cannot be read", lambda: b"-----BEGIN X509 CRL-----\nAAAA\n-----END X509 CRL-----\n"),
    ("cannot be read", lambda: b""),
]


@pytest.mark.parametrize(("reason", "make"), MISTAKES)
def test_lists_that_decide_nothing(reason: str, make: Callable[[], bytes]) -> None:
    """A list that is forged, outdated, of the wrong kind or broken decides nothing."""
    with pytest.raises(Undecided, match=reason.replace("another authority", "another authority's")):
        read_list(make(), CA.own.certificate).evidence(CLIENT.certificate, T)


def test_the_authority_must_be_allowed_to_sign_lists() -> None:
    """An issuer whose key usage leaves lists out cannot publish one."""
    usage = x509.KeyUsage(True, False, False, False, False, True, False, False, False)
    weak = Authority("Test CA")
    weak.own.certificate = CA.issue("Test CA", more=[usage]).certificate
    with pytest.raises(Undecided, match="not signed"):
        read_list(weak.crl(), weak.own.certificate)


def test_weak_hashes_are_known_by_their_names() -> None:
    """The names that refuse a signature are those that the library gives."""
    assert {hashes.MD5().name, hashes.SHA1().name} == WEAK_HASHES


def test_where_lists_are() -> None:
    """URLs come from the certificate; points on behalf of others, or of some reasons only, are left out."""
    point = x509.DistributionPoint([uri("http://a.test/r")], None, frozenset({x509.ReasonFlags.key_compromise}), None)
    partial = CA.issue("partial", more=[x509.CRLDistributionPoints([point])])
    assert (list_urls(CLIENT.certificate), list_urls(partial.certificate)) == ([URL], [])
    assert list_urls(CA.issue("none").certificate) == []
