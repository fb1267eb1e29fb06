"""
Keys that a token policy writes down: shared secrets, moduli and certificates.

Source: APIM "validate-jwt", key; docs/reference/apim.md.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from cryptography.hazmat.primitives.serialization import load_pem_private_key

from gateway.documents.shape import Attribute, Child, Content, Element
from gateway.tokens.decrypt import decryption_key_from_private, decryption_key_from_secret
from gateway.tokens.key_management import DecryptionKey, PrivateKey
from gateway.tokens.keys import Key, key_from_certificate, key_from_modulus, key_from_secret

if TYPE_CHECKING:
    from gateway.pipeline.settings import Settings
    from gateway.wire.upstream.way import StoredCertificate

_CERTIFICATE_ID = Attribute("certificate-id", "A certificate of the configuration.", expression=False)

_SIGNING_KEY = Element(
    "key",
    "A key: Base64 text of a secret, or `n` and `e`, or `certificate-id`.",
    attributes=(
        Attribute("id", "Compared with the token's `kid`; a hint, not a filter.", expression=False),
        _CERTIFICATE_ID,
        Attribute("n", "RSA modulus, base64url.", expression=False),
        Attribute("e", "RSA exponent, base64url.", expression=False),
    ),
    content=Content.TEXT,
    expression=False,
)
ISSUER_SIGNING_KEYS = Element(
    "issuer-signing-keys", "Keys that verify tokens.", children=(Child(_SIGNING_KEY, minimum=1, maximum=None),)
)

_DECRYPTION_KEY = Element(
    "key",
    "A key: Base64 text of a shared secret, or `certificate-id` of a certificate with its private key.",
    attributes=(Attribute("id", "Compared with the token's `kid`.", expression=False), _CERTIFICATE_ID),
    content=Content.TEXT,
    expression=False,
)
DECRYPTION_KEYS = Element(
    "decryption-keys",
    "Keys that decrypt encrypted tokens.",
    children=(Child(_DECRYPTION_KEY, minimum=1, maximum=None),),
)


def signing_keys(settings: Settings | None) -> tuple[Key, ...]:
    """The keys of ``<issuer-signing-keys>``. Raises LoadError: one cannot be used."""
    return tuple(map(_signing_key, settings.all("key"))) if settings else ()


def _signing_key(settings: Settings) -> Key:
    given = [name for name in ("certificate-id", "n") if settings.has(name)]
    if settings.has("n") != settings.has("e") or len(given) + bool(settings.constant_content()) != 1:
        remedy = "write a Base64 secret, or n and e, or certificate-id"
        raise settings.error("bad-key", "this is not exactly one key", remedy)
    try:
        return _read(settings, given[0] if given else "secret")
    except ValueError as error:
        raise settings.error("bad-key", f"the key cannot be used: {error}", "check its form and length") from None


def _read(settings: Settings, form: str) -> Key:
    kid = settings.maybe(settings.constant, "id")
    if form == "secret":
        return key_from_secret(settings.constant_content(), kid)
    if form == "n":
        return key_from_modulus(settings.constant("n"), settings.constant("e"), kid)
    return key_from_certificate(stored_certificate(settings).pem, kid)


def stored_certificate(settings: Settings) -> StoredCertificate:
    """The certificate that ``certificate-id`` names. Raises LoadError: unknown."""
    name = settings.constant("certificate-id")
    stored = settings.services.certificates.get(name)
    if stored is None:
        remedy = "add it under certificates in the configuration"
        raise settings.error("unknown-certificate", f"no certificate {name!r}", remedy, at="certificate-id")
    return stored


def decryption_keys(settings: Settings | None) -> tuple[DecryptionKey, ...]:
    """The keys of ``<decryption-keys>``. Raises LoadError: one cannot be used."""
    return tuple(map(_decryption_key, settings.all("key"))) if settings else ()


def _decryption_key(settings: Settings) -> DecryptionKey:
    if settings.has("certificate-id") == bool(settings.constant_content()):
        raise settings.error("bad-key", "this is not exactly one key", "write a Base64 secret, or certificate-id")
    kid = settings.maybe(settings.constant, "id")
    try:
        if not settings.has("certificate-id"):
            return decryption_key_from_secret(settings.constant_content(), kid)
        return decryption_key_from_private(_private_key(settings), kid)
    except ValueError as error:
        raise settings.error("bad-key", f"the key cannot be used: {error}", "check its form and length") from None


def _private_key(settings: Settings) -> PrivateKey:
    stored = stored_certificate(settings)
    private = load_pem_private_key(stored.private_key, None) if stored.private_key else None
    if not isinstance(private, PrivateKey):
        raise ValueError("the certificate has no private key that decrypts")
    return private
