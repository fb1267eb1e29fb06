"""Responders' answers: what is believed, and what is not."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ed25519, rsa
from cryptography.x509 import ocsp
from cryptography.x509.oid import ExtendedKeyUsageOID

from gateway.revocation.evidence import Undecided
from gateway.revocation.ocsp import SHORT_LIFE_S, question, read_answer, responder_urls
from tests.revocation.pki import DAY, NOW, Authority, Identity, named

CA = Authority()
OTHER = Authority("Other CA")
CLIENT = CA.issue("client", ocsp_url="http://ocsp.test/")
NEIGHBOUR = CA.issue("neighbour")
T = NOW.timestamp()
ASKED = question(CLIENT.certificate, CA.own.certificate)
GOOD, REVOKED, UNKNOWN = ocsp.OCSPCertStatus.GOOD, ocsp.OCSPCertStatus.REVOKED, ocsp.OCSPCertStatus.UNKNOWN


@dataclass(frozen=True)
class Answer:
    """An answer in the making."""

    status: ocsp.OCSPCertStatus = GOOD
    about: Identity = CLIENT
    issuer: Authority = CA
    signer: Identity = CA.own
    begins: datetime = NOW
    ends: datetime | None = NOW + DAY
    enclosed: tuple[Identity, ...] = ()

    def encode(self) -> bytes:
        """DER."""
        gone = self.status is REVOKED
        builder = ocsp.OCSPResponseBuilder().add_response(
            cert=self.about.certificate,
            issuer=self.issuer.own.certificate,
            algorithm=hashes.SHA1(),
            cert_status=self.status,
            this_update=self.begins,
            next_update=self.ends,
            revocation_time=NOW - DAY if gone else None,
            revocation_reason=None,
        )
        builder = builder.responder_id(ocsp.OCSPResponderEncoding.HASH, self.signer.certificate)
        if self.enclosed:
            builder = builder.certificates([each.certificate for each in self.enclosed])
        return builder.sign(self.signer.key, hashes.SHA256()).public_bytes(serialization.Encoding.DER)


def purposes(*wanted: x509.ObjectIdentifier) -> list[x509.ExtensionType]:
    """An extended key usage."""
    return [x509.ExtendedKeyUsage(wanted)]


DELEGATE = CA.responder()
FOREIGN = OTHER.responder()
WEB = CA.issue("web", more=purposes(ExtendedKeyUsageOID.CLIENT_AUTH))


@pytest.mark.parametrize(("status", "revoked"), [(GOOD, False), (REVOKED, True)])
@pytest.mark.parametrize("by", [Answer(), Answer(signer=DELEGATE, enclosed=(DELEGATE,))], ids=["authority", "delegate"])
def test_what_an_answer_says(status: ocsp.OCSPCertStatus, revoked: bool, by: Answer) -> None:
    """The authority, or a responder that it has named, is believed until nextUpdate."""
    found = read_answer(replace(by, status=status).encode(), ASKED, CA.own.certificate, T)
    assert (found.revoked, found.holds_until) == (revoked, (NOW + DAY).timestamp())


def test_an_answer_without_next_update_is_short_lived() -> None:
    """An answer without nextUpdate is asked for again soon, and an old one is ignored."""
    found = read_answer(Answer(ends=None).encode(), ASKED, CA.own.certificate, T)
    assert found.holds_until == T + SHORT_LIFE_S
    with pytest.raises(Undecided, match="not current"):
        read_answer(Answer(ends=None, begins=NOW - DAY).encode(), ASKED, CA.own.certificate, T)


MISTAKES = [
    ("does not know", Answer(status=UNKNOWN)),
    ("about other", Answer(about=NEIGHBOUR)),
    ("about other", Answer(issuer=OTHER)),
    ("not current", Answer(begins=NOW - 2 * DAY, ends=NOW - DAY)),
    ("not current", Answer(begins=NOW + DAY / 2)),
    ("not signed", Answer(signer=OTHER.own)),
    ("not signed", Answer(signer=FOREIGN, enclosed=(FOREIGN,))),
    ("not signed", Answer(signer=WEB, enclosed=(WEB,))),
    ("not signed", Answer(signer=CLIENT, enclosed=(CLIENT,))),
    ("not signed", Answer(signer=DELEGATE)),
]


@pytest.mark.parametrize(("reason", "answer"), MISTAKES)
def test_answers_that_prove_nothing(reason: str, answer: Answer) -> None:
    """An answer about others, out of time, or signed by somebody else says neither yes nor no."""
    with pytest.raises(Undecided, match=reason):
        read_answer(answer.encode(), ASKED, CA.own.certificate, T)


@pytest.mark.parametrize("data", [b"", b"<html>", Answer().encode()[:-9], b"\x30\x03\x0a\x01\x06"], ids=range(4))
def test_answers_that_are_none(data: bytes) -> None:
    """Noise, a broken answer and the responder's own error prove nothing."""
    with pytest.raises(Undecided):
        read_answer(data, ASKED, CA.own.certificate, T)


def test_a_bit_that_flips_is_noticed() -> None:
    """An answer changed on its way is not believed."""
    data = bytearray(Answer(status=REVOKED).encode())
    data[-3] ^= 1
    with pytest.raises(Undecided):
        read_answer(bytes(data), ASKED, CA.own.certificate, T)


KEYS = [rsa.generate_private_key(65537, 2048), ed25519.Ed25519PrivateKey.generate()]


@pytest.mark.parametrize("key", KEYS, ids=["rsa", "ed25519"])
def test_authorities_with_other_keys(key: rsa.RSAPrivateKey | ed25519.Ed25519PrivateKey) -> None:
    """RSA and Ed25519 authorities are believed like those with elliptic curves."""
    algorithm = hashes.SHA256() if isinstance(key, rsa.RSAPrivateKey) else None
    builder = x509.CertificateBuilder().subject_name(named("K")).issuer_name(named("K")).public_key(key.public_key())
    builder = builder.serial_number(1).not_valid_before(NOW - DAY).not_valid_after(NOW + DAY)
    issuer = builder.sign(key, algorithm)
    answer = ocsp.OCSPResponseBuilder().add_response(
        CLIENT.certificate, issuer, hashes.SHA1(), GOOD, NOW, NOW + DAY, None, None
    )
    signed = answer.responder_id(ocsp.OCSPResponderEncoding.NAME, issuer).sign(key, algorithm)
    data = signed.public_bytes(serialization.Encoding.DER)
    assert not read_answer(data, question(CLIENT.certificate, issuer), issuer, T).revoked


def test_where_responders_are() -> None:
    """URLs come from the certificate."""
    assert (responder_urls(CLIENT.certificate), responder_urls(NEIGHBOUR.certificate)) == (["http://ocsp.test/"], [])
