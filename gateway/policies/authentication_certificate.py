"""
authentication-certificate: a client certificate for the backend.

Source: APIM policy reference, "authentication-certificate".
"""

from __future__ import annotations

import base64
import binascii
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Self

from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, pkcs12

from gateway.documents.model import Section
from gateway.documents.shape import ID, Attribute, Element
from gateway.errors import ExpressionError
from gateway.expressions import to_text
from gateway.pipeline.policy import PolicyType
from gateway.pipeline.values import Constant, combined
from gateway.wire.upstream.way import StoredCertificate

if TYPE_CHECKING:
    from gateway.pipeline.context import Context
    from gateway.pipeline.settings import Settings
    from gateway.pipeline.step import Value

FORMS = ("thumbprint", "certificate-id", "body")

SHAPE = Element(
    "authentication-certificate",
    "Authenticates to the backend with a client certificate.",
    attributes=(
        ID,
        Attribute("thumbprint", "SHA-1 thumbprint of a certificate of the configuration."),
        Attribute("certificate-id", "Its id."),
        Attribute("body", "PKCS#12 content: bytes, or Base64 text."),
        Attribute("password", "Password of `body`."),
    ),
)


@dataclass(frozen=True, slots=True)
class AuthenticationCertificate(PolicyType):
    """One compiled authentication-certificate."""

    shape: ClassVar[Element] = SHAPE
    sections: ClassVar[frozenset[Section]] = frozenset({Section.INBOUND})
    changes: ClassVar[None] = None

    certificate: Value[StoredCertificate]

    @classmethod
    def compile(cls, settings: Settings) -> Self:
        """From ``<authentication-certificate>``. Raises LoadError: not one certificate, or an unknown one."""
        return cls(client_certificate(settings))

    def apply(self, context: Context) -> None:
        """The connection to the backend will show the certificate. Raises ExpressionError: there is none."""
        context.request.client_certificate = self.certificate(context)


def client_certificate(settings: Settings) -> Value[StoredCertificate]:
    """The certificate that the element names; known at load where it is literal. Raises LoadError."""
    given = [name for name in FORMS if settings.has(name)]
    if len(given) != 1:
        raise settings.error("conflict", f"exactly one of {', '.join(FORMS)} must be given")
    try:
        return _certificate(settings, given[0])
    except ExpressionError as error:
        remedy = "add it under certificates in the configuration"
        raise settings.error("unknown-certificate", error.message, remedy, at=given[0]) from None


def _certificate(settings: Settings, form: str) -> Value[StoredCertificate]:
    if form == "body":
        password = settings.maybe(settings.text, "password") or Constant("")
        return combined((settings.anything("body"), password), lambda parts: _from_pkcs12(parts[0], str(parts[1])))
    known = settings.services.certificates

    def find(names: tuple[str, ...]) -> StoredCertificate:
        name = names[0].strip()
        stored = known.get(name if form == "certificate-id" else name.replace(" ", "").upper())
        if stored is None or stored.private_key is None:
            raise ExpressionError("KeyNotFoundException", f"no certificate {name!r} with a private key")
        return stored

    return combined([settings.text(form)], find)


def _from_pkcs12(body: object, password: str) -> StoredCertificate:
    try:
        content = bytes(body) if isinstance(body, bytes | bytearray) else base64.b64decode(to_text(body))
        bundle = pkcs12.load_pkcs12(content, password.encode() or None)
    except (ValueError, binascii.Error):
        raise ExpressionError(
            "CryptographicException", "body is not PKCS#12 content, or the password is wrong"
        ) from None
    if bundle.cert is None or bundle.key is None:
        raise ExpressionError("CryptographicException", "body holds no certificate with its key")
    chain = [bundle.cert.certificate, *(extra.certificate for extra in bundle.additional_certs)]
    pem = b"".join(certificate.public_bytes(Encoding.PEM) for certificate in chain)
    key = bundle.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    return StoredCertificate(pem, key)
