"""
Keys that verify signatures: what each may be used for, decided once, when it is loaded.

A key carries the set of algorithms that it may verify. An algorithm that its type, curve or own ``alg`` does not allow
is not in the set, so a public key can never serve as an HMAC secret.

Source: RFC 7517 section 4, RFC 7518 sections 3 and 6, RFC 8037, RFC 8725 sections 3.1 and 3.5.
"""

from __future__ import annotations

import base64
import hashlib
from dataclasses import dataclass, field

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePublicKey
from cryptography.hazmat.primitives.asymmetric.ed448 import Ed448PublicKey
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey, RSAPublicNumbers
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from gateway.tokens.base64url import decode_text
from gateway.tokens.weak_rsa import MIN_RSA_BITS, refuse_weak_rsa

RSA_ALGORITHMS = frozenset({"RS256", "RS384", "RS512", "PS256", "PS384", "PS512"})
HMAC_ALGORITHMS = frozenset({"HS256", "HS384", "HS512"})
CURVE_ALGORITHMS = {
    "secp256r1": frozenset({"ES256"}),
    "secp384r1": frozenset({"ES384"}),
    "secp521r1": frozenset({"ES512"}),
}
EDWARDS_ALGORITHMS = frozenset({"EdDSA"})
MIN_SECRET_BITS = 128

KeyIdentity = tuple[bytes, str | None, str | None, str | None, frozenset[str]]
PublicKey = RSAPublicKey | EllipticCurvePublicKey | Ed25519PublicKey | Ed448PublicKey


@dataclass(frozen=True, slots=True, eq=False)
class Key:
    """
    A key that may verify signatures.

    Attributes:
        kid: Key id, or None.
        algorithms: JWS ``alg`` values that this key may verify; never empty.
        material: Public key, or the bytes of a shared secret; never in a repr.
        fingerprint: SHA-256 of the material, which identifies the key whatever its name.
        issuer: The key's own ``issuer`` member (Entra): the only issuer, or issuer template, for which it signs.
        x5t: Certificate thumbprint, which a token may have in place of a ``kid``.
    """

    kid: str | None
    algorithms: frozenset[str]
    material: PublicKey | bytes = field(repr=False)
    fingerprint: bytes = field(repr=False)
    issuer: str | None = None
    x5t: str | None = None

    @property
    def identity(self) -> KeyIdentity:
        """The members that make two published keys the same key."""
        return self.fingerprint, self.kid, self.x5t, self.issuer, self.algorithms


def key_from_secret(text: str, kid: str | None = None) -> Key:
    """
    An inline HMAC secret as APIM writes it: Base64 in the standard alphabet.

    Raises:
        ValueError: Not Base64, or shorter than 128 bits.
    """
    try:
        secret = base64.b64decode("".join(text.split()), validate=True)
    except ValueError:
        raise ValueError("the secret is not Base64 text") from None
    return secret_key(secret, kid)


def secret_key(secret: bytes, kid: str | None = None) -> Key:
    """``key_from_secret`` for bytes."""
    if len(secret) * 8 < MIN_SECRET_BITS:
        raise ValueError(f"the secret has {len(secret) * 8} bits; {MIN_SECRET_BITS} is the least")
    return Key(kid, HMAC_ALGORITHMS, secret, hashlib.sha256(b"secret" + secret).digest())


def key_from_modulus(n: str, e: str, kid: str | None = None, min_rsa_bits: int = MIN_RSA_BITS) -> Key:
    """
    An inline RSA key from ``n`` and ``e``, base64url.

    Raises:
        ValueError: Not base64url, or a weak key.
    """
    numbers = RSAPublicNumbers(int.from_bytes(decode_text(e)), int.from_bytes(decode_text(n)))
    refuse_weak_rsa(numbers.n, numbers.e, min_rsa_bits)
    return public_key(numbers.public_key(), kid, min_rsa_bits=min_rsa_bits)


def key_from_certificate(pem_or_der: bytes, kid: str | None = None, min_rsa_bits: int = MIN_RSA_BITS) -> Key:
    """
    The public key of a certificate, PEM or DER; its thumbprint also matches a token's ``x5t`` or ``kid``.

    Its dates are not checked; nor does APIM's library check them by default (ValidateIssuerSigningKey is off).

    Raises:
        ValueError: Not a certificate, or a key that cannot verify.
    """
    is_pem = pem_or_der.lstrip().startswith(b"-----")
    certificate = x509.load_pem_x509_certificate(pem_or_der) if is_pem else x509.load_der_x509_certificate(pem_or_der)
    thumbprint = certificate_thumbprint(certificate)
    return public_key(certificate.public_key(), kid or thumbprint, x5t=thumbprint, min_rsa_bits=min_rsa_bits)


def certificate_thumbprint(certificate: x509.Certificate) -> str:
    """``x5t``: base64url of the SHA-1 of the certificate's DER form (a name here, not a protection)."""
    digest = hashlib.sha1(certificate.public_bytes(Encoding.DER), usedforsecurity=False).digest()
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()


def public_key(
    material: object,
    kid: str | None = None,
    issuer: str | None = None,
    x5t: str | None = None,
    min_rsa_bits: int = MIN_RSA_BITS,
) -> Key:
    """
    A key around a ``cryptography`` public key.

    Raises:
        ValueError: A type or curve that no supported algorithm uses, or a weak RSA key.
    """
    algorithms = _algorithms_of(material, min_rsa_bits)
    assert isinstance(material, RSAPublicKey | EllipticCurvePublicKey | Ed25519PublicKey | Ed448PublicKey)  # noqa: S101
    der = material.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return Key(kid, algorithms, material, hashlib.sha256(der).digest(), issuer, x5t)


def _algorithms_of(material: object, min_rsa_bits: int) -> frozenset[str]:
    match material:
        case RSAPublicKey():
            numbers = material.public_numbers()
            refuse_weak_rsa(numbers.n, numbers.e, min_rsa_bits)
            return RSA_ALGORITHMS
        case EllipticCurvePublicKey() if material.curve.name in CURVE_ALGORITHMS:
            return CURVE_ALGORITHMS[material.curve.name]
        case Ed25519PublicKey() | Ed448PublicKey():
            return EDWARDS_ALGORITHMS
    raise ValueError("the key's type or curve suits no supported signature algorithm")
