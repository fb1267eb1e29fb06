"""
The question to an OCSP responder, and what its answer proves.

There is no nonce: answers are shared by all callers that show the certificate, and carry their own times.

Source: RFC 6960; RFC 5019 for the hash of the question.
"""

from __future__ import annotations

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed448, ed25519, padding, rsa
from cryptography.x509 import ocsp
from cryptography.x509.oid import AuthorityInformationAccessOID, ExtendedKeyUsageOID

from gateway.revocation.certificate_facts import issued_by
from gateway.revocation.crl import SKEW_S, WEAK_HASHES
from gateway.revocation.evidence import Evidence, Undecided

SHORT_LIFE_S = 60.0  # of an answer that does not state how long it is valid


def responder_urls(certificate: x509.Certificate) -> list[str]:
    """Where the authority answers for *certificate*. Source: RFC 5280 §4.2.2.1."""
    try:
        access = certificate.extensions.get_extension_for_class(x509.AuthorityInformationAccess).value
    except (x509.ExtensionNotFound, ValueError):
        return []
    places = [
        description.access_location
        for description in access
        if description.access_method == AuthorityInformationAccessOID.OCSP
    ]
    return [place.value for place in places if isinstance(place, x509.UniformResourceIdentifier)]


def question(certificate: x509.Certificate, issuer: x509.Certificate) -> ocsp.OCSPRequest:
    """The question about *certificate*; SHA-1 only identifies it, and every responder supports it."""
    builder = ocsp.OCSPRequestBuilder().add_certificate(certificate, issuer, hashes.SHA1())  # noqa: S303
    return builder.build()


def encoded(asked: ocsp.OCSPRequest) -> bytes:
    """The question as it is posted: DER."""
    return asked.public_bytes(serialization.Encoding.DER)


def read_answer(data: bytes, asked: ocsp.OCSPRequest, issuer: x509.Certificate, now: float) -> Evidence:
    """What *data*, DER, proves. Raises Undecided: nothing."""
    try:
        response = ocsp.load_der_ocsp_response(data)
        if response.response_status is not ocsp.OCSPResponseStatus.SUCCESSFUL:
            raise Undecided(f"the responder answered {response.response_status.name.lower()}")
        _require_signature(response, issuer, now)
        single = next((candidate for candidate in response.responses if _is_about(candidate, asked)), None)
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise Undecided(f"the responder's answer cannot be read: {error}") from None
    if single is None:
        raise Undecided("the responder's answer is about other certificates")
    return _evidence(single, now)


def _evidence(single: ocsp.OCSPSingleResponse, now: float) -> Evidence:
    if single.certificate_status is ocsp.OCSPCertStatus.UNKNOWN:
        raise Undecided("the responder does not know the certificate")
    begins, ends = single.this_update_utc.timestamp(), single.next_update_utc
    until = begins + SKEW_S if ends is None else ends.timestamp()
    if not begins - SKEW_S <= now < until:
        raise Undecided("the responder's answer is not current")
    until = now + SHORT_LIFE_S if ends is None else until
    return Evidence(single.certificate_status is ocsp.OCSPCertStatus.REVOKED, until)


def _is_about(single: ocsp.OCSPSingleResponse, asked: ocsp.OCSPRequest) -> bool:
    return (
        single.serial_number == asked.serial_number
        and single.hash_algorithm.name == asked.hash_algorithm.name
        and single.issuer_key_hash == asked.issuer_key_hash
        and single.issuer_name_hash == asked.issuer_name_hash
    )


def _require_signature(response: ocsp.OCSPResponse, issuer: x509.Certificate, now: float) -> None:
    """The authority itself has signed, or a responder that it has authorised. Source: RFC 6960 §4.2.2.2."""
    delegates = [certificate for certificate in response.certificates if _is_delegate(certificate, issuer, now)]
    if not any(_has_signed(signer, response) for signer in (issuer, *delegates)):
        raise Undecided("the responder's answer is not signed by the authority or its responder")


def _is_delegate(certificate: x509.Certificate, issuer: x509.Certificate, now: float) -> bool:
    try:
        purposes = certificate.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    except x509.ExtensionNotFound:
        return False
    begins, ends = certificate.not_valid_before_utc.timestamp(), certificate.not_valid_after_utc.timestamp()
    return ExtendedKeyUsageOID.OCSP_SIGNING in purposes and begins <= now <= ends and issued_by(certificate, issuer)


def _has_signed(signer: x509.Certificate, response: ocsp.OCSPResponse) -> bool:
    algorithm = response.signature_hash_algorithm
    if algorithm is not None and algorithm.name in WEAK_HASHES:
        raise Undecided(f"the responder's answer is signed with {algorithm.name}")
    try:
        _verify(signer.public_key(), response, algorithm)
    except InvalidSignature:
        return False
    return True


def _verify(key: object, response: ocsp.OCSPResponse, algorithm: hashes.HashAlgorithm | None) -> None:
    """Raises InvalidSignature, also where key and algorithm do not go together."""
    signature, content = response.signature, response.tbs_response_bytes
    match key:
        case rsa.RSAPublicKey() if algorithm is not None:
            key.verify(signature, content, padding.PKCS1v15(), algorithm)
        case ec.EllipticCurvePublicKey() if algorithm is not None:
            key.verify(signature, content, ec.ECDSA(algorithm))
        case ed25519.Ed25519PublicKey() | ed448.Ed448PublicKey() if algorithm is None:
            key.verify(signature, content)
        case _:
            raise InvalidSignature
