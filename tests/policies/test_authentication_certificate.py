"""authentication-certificate: the certificate that the backend sees."""

from __future__ import annotations

import datetime

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import BestAvailableEncryption, Encoding, NoEncryption, PrivateFormat
from cryptography.hazmat.primitives.serialization.pkcs12 import serialize_key_and_certificates
from cryptography.x509.oid import NameOID

from gateway.wire.upstream.way import StoredCertificate
from tests.policies.bench import Bench
from tests.policies.outgoing import Http, send
from tests.tokens.minting import rsa_key

pytestmark = pytest.mark.usefixtures("outgoing")


def _certificate() -> x509.Certificate:
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "client")])
    now = datetime.datetime(2026, 1, 1)
    builder = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(rsa_key().public_key())
    builder = builder.serial_number(1).not_valid_before(now).not_valid_after(now + datetime.timedelta(days=9))
    return builder.sign(rsa_key(), hashes.SHA256())


def _stored() -> StoredCertificate:
    key = rsa_key().private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    return StoredCertificate(_certificate().public_bytes(Encoding.PEM), key)


@pytest.mark.parametrize(
    "attributes",
    [
        'certificate-id="mine"',
        'thumbprint="aa bb"',
        'certificate-id="@("mi" + "ne")"',
        'body="@((byte[])context.Variables["pfx"])" password="word"',
    ],
    ids="id thumbprint expression body".split(),
)
def test_client_certificates(bench: Bench, http: Http, attributes: str) -> None:
    """The certificate is shown to the backend, and by send-request."""
    bench.use(certificates={"mine": _stored(), "AABB": _stored()})
    pfx = serialize_key_and_certificates(b"c", rsa_key(), _certificate(), None, BestAvailableEncryption(b"word"))
    ran = bench.run(f"<authentication-certificate {attributes}/>", pfx=pfx)
    assert ran.request.client_certificate == _stored()
    bench.run(send(f"<set-url>https://a.test</set-url><authentication-certificate {attributes}/>"), pfx=pfx)
    assert http.calls[0].certificate == _stored()
