"""X509Certificate2: its fields. Its private key can sign through RSA, but never be read."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache

from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import pkcs12

from gateway.expressions.formatting.text import TEXT
from gateway.expressions.moments import DateTime, from_python
from gateway.expressions.runtime import represent
from gateway.expressions.signatures import define
from gateway.expressions.thrown import thrown
from gateway.expressions.types.objects import enumeration
from gateway.expressions.values import EnumValue
from gateway.revocation.certificate_facts import issued_by, thumbprint
from gateway.wire.upstream.way import StoredCertificate

NAME_TYPE = enumeration(
    "System.Security.Cryptography.X509Certificates.X509NameType",
    SimpleName=0, EmailName=1, UpnName=2, DnsName=3, DnsFromAlternativeName=4, UrlName=5,
)  # fmt: skip
CONTENT_TYPE = enumeration(
    "System.Security.Cryptography.X509Certificates.X509ContentType",
    Unknown=0,
    Cert=1,
    SerializedCert=2,
    Pfx=3,
    Pkcs12=3,
)


@dataclass(frozen=True, slots=True)
class CertificateValue:
    """``X509Certificate2``: the certificate and, if it is one of the deployment's, its private key."""

    certificate: x509.Certificate
    key: object = None


def wrap_certificate(value: x509.Certificate | StoredCertificate | None) -> CertificateValue | None:
    """A certificate of the pipeline, with or without its key, as an expression sees it."""
    if isinstance(value, x509.Certificate):
        return CertificateValue(value)
    return None if value is None else _from_pem(value.pem, value.private_key)


@lru_cache(maxsize=64)
def _from_pem(certificate: bytes, key: bytes | None) -> CertificateValue:
    private = None if key is None else serialization.load_pem_private_key(key, None)
    return CertificateValue(x509.load_pem_x509_certificate(certificate), private)


# .NET's abbreviations of the attributes of a distinguished name; others appear as OID.x.y.
_SHORT = {
    "commonName": "CN", "countryName": "C", "localityName": "L", "stateOrProvinceName": "S", "organizationName": "O",
    "organizationalUnitName": "OU", "emailAddress": "E", "domainComponent": "DC", "serialNumber": "SERIALNUMBER",
    "streetAddress": "STREET", "title": "T", "givenName": "G", "surname": "SN",
}  # fmt: skip


def distinguished_name(name: x509.Name) -> str:
    """``CN=a, O=b``: the most specific attribute first, as Windows writes it."""
    parts = []
    for attribute in reversed(list(name)):
        label = _SHORT.get(attribute.oid._name, f"OID.{attribute.oid.dotted_string}")
        value = str(attribute.value)
        quoted = f'"{value.replace(chr(34), chr(34) * 2)}"' if any(mark in value for mark in ',+="\n<>#;') else value
        parts.append(f"{label}={quoted}")
    return ", ".join(parts)


def _thumbprint(value: CertificateValue) -> str:
    return thumbprint(value.certificate)


def _hash(value: CertificateValue, name: str) -> str:
    from gateway.expressions.types.hashing import algorithm

    return value.certificate.fingerprint(algorithm(name)).hex().upper()


def _common_name(name: x509.Name) -> str:
    attributes = name.get_attributes_for_oid(x509.NameOID.COMMON_NAME)
    return str(attributes[0].value) if attributes else ""


def _name_info(value: CertificateValue, kind: EnumValue, issuer: bool) -> str:
    name = value.certificate.issuer if issuer else value.certificate.subject
    names = _alternative_names(value)
    if kind.value in (3, 4):
        return str((names.get_values_for_type(x509.DNSName) or [""])[0]) if names else _common_name(name)
    if kind.value == 1:
        return str((names.get_values_for_type(x509.RFC822Name) or [""])[0]) if names else ""
    return _common_name(name)


def _alternative_names(value: CertificateValue) -> x509.SubjectAlternativeName | None:
    try:
        return value.certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return None


def _local(moment: datetime) -> DateTime:
    return DateTime(from_python(moment).ticks, 2)


def _verify(value: CertificateValue) -> bool:
    """
    Whether the certificate is within its validity period and signed by one that the deployment trusts.

    The roots that this process trusts are set at start (:func:`trust_roots`); without any, nothing verifies.
    """
    certificate, now = value.certificate, datetime.now(UTC)
    if not certificate.not_valid_before_utc <= now <= certificate.not_valid_after_utc:
        return False
    return any(issued_by(certificate, root) for root in _ROOTS)


_ROOTS: list[x509.Certificate] = []


def trust_roots(roots: Iterable[x509.Certificate]) -> None:
    """Set the issuers that ``Verify()`` accepts."""
    _ROOTS[:] = roots


def _algorithm(value: CertificateValue) -> str:
    oid = value.certificate.signature_algorithm_oid
    return {"sha256WithRSAEncryption": "sha256RSA", "sha1WithRSAEncryption": "sha1RSA"}.get(oid._name, oid._name)


FLAGS = enumeration(
    "System.Security.Cryptography.X509Certificates.X509KeyStorageFlags",
    DefaultKeySet=0, UserKeySet=1, MachineKeySet=2, Exportable=4, UserProtected=8, PersistKeySet=16, EphemeralKeySet=32,
)  # fmt: skip


def _load(data: object, *password: object) -> CertificateValue:
    raw = bytes(data)  # type: ignore[call-overload]
    if password:
        return _load_pfx(raw, password[0])
    try:
        loader = x509.load_pem_x509_certificate if raw.startswith(b"-----") else x509.load_der_x509_certificate
        return CertificateValue(loader(raw))
    except ValueError:
        raise thrown("CryptographicException", "Cannot find the requested object.") from None


def _load_pfx(data: bytes, password: object) -> CertificateValue:
    try:
        key, certificate, _ = pkcs12.load_key_and_certificates(data, str(password).encode() if password else None)
    except ValueError:
        raise thrown("CryptographicException", "The specified network password is not correct.") from None
    if certificate is None:
        raise thrown("CryptographicException", "Cannot find the requested object.")
    return CertificateValue(certificate, key)


def _public_key(value: CertificateValue) -> bytearray:
    key = value.certificate.public_key()
    return bytearray(key.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo))


def _rsa(value: CertificateValue, private: bool) -> object:
    key = value.key if private else value.certificate.public_key()
    if not isinstance(key, rsa.RSAPrivateKey | rsa.RSAPublicKey):
        return None
    from gateway.expressions.types.ciphers import RsaValue

    return RsaValue(key)


_X = "System.Security.Cryptography.X509Certificates"
define(f"{_X}.X500DistinguishedName", {"string Name": lambda name: distinguished_name(name)})
define(f"{_X}.PublicKey", {"RSA Key": lambda value: _rsa(value, False)})
CERTIFICATE = define(f"{_X}.X509Certificate", {
    "string Subject": lambda value: distinguished_name(value.certificate.subject),
    "string Issuer": lambda value: distinguished_name(value.certificate.issuer),
    "string GetCertHashString()": _thumbprint,
    "string GetCertHashString(HashAlgorithmName hashAlgorithm)": _hash,
    "byte[] GetCertHash()": lambda value: bytearray.fromhex(_thumbprint(value)),
    "string GetSerialNumberString()": lambda value: serial_number(value.certificate),
    "string GetEffectiveDateString()": lambda value: TEXT[DateTime](_local(value.certificate.not_valid_before_utc)),
    "string GetExpirationDateString()": lambda value: TEXT[DateTime](_local(value.certificate.not_valid_after_utc)),
    "byte[] GetRawCertData()": lambda value: raw(value),
    "string GetRawCertDataString()": lambda value: raw(value).hex().upper(),
    "byte[] GetPublicKey()": _public_key,
    "string GetPublicKeyString()": lambda value: _public_key(value).hex().upper(),
    "byte[] Export(X509ContentType contentType)": lambda value, _kind: raw(value),
})  # fmt: skip
CERTIFICATE2 = define(f"{_X}.X509Certificate2", {
    "new(byte[] rawData)": _load,
    "new(byte[] rawData, string password)": _load,
    "new(byte[] rawData, string password, X509KeyStorageFlags keyStorageFlags)": _load,
    "string Thumbprint": _thumbprint,
    "string SerialNumber": lambda value: serial_number(value.certificate),
    "string FriendlyName": lambda _value: "",
    "DateTime NotBefore": lambda value: _local(value.certificate.not_valid_before_utc),
    "DateTime NotAfter": lambda value: _local(value.certificate.not_valid_after_utc),
    "X500DistinguishedName SubjectName": lambda value: value.certificate.subject,
    "X500DistinguishedName IssuerName": lambda value: value.certificate.issuer,
    "Oid SignatureAlgorithm": _algorithm,
    "int Version": lambda value: value.certificate.version.value + 1,
    "byte[] RawData": lambda value: raw(value),
    "bool HasPrivateKey": lambda value: value.key is not None,
    "PublicKey PublicKey": lambda value: value,
    "string GetNameInfo(X509NameType nameType, bool forIssuer)": _name_info,
    "bool Verify()": _verify,
    "bool VerifyNoRevocation()": _verify,
}, parents=("X509Certificate",))  # fmt: skip
define("System.Security.Cryptography.Oid", {
    "string FriendlyName": lambda name: name,
    "string Value": lambda name: name,
})  # fmt: skip
define(f"{_X}.RSACertificateExtensions", {
    "ext RSA GetRSAPrivateKey(X509Certificate2 certificate)": lambda value: _rsa(value, True),
    "ext RSA GetRSAPublicKey(X509Certificate2 certificate)": lambda value: _rsa(value, False),
}, kind="static")  # fmt: skip


def raw(value: CertificateValue) -> bytearray:
    """The certificate in DER."""
    return bytearray(value.certificate.public_bytes(serialization.Encoding.DER))


def serial_number(certificate: x509.Certificate) -> str:
    """Hexadecimal, whole bytes, upper case."""
    shown = f"{certificate.serial_number:X}"
    return shown.rjust(len(shown) + len(shown) % 2, "0")


represent(CertificateValue, CERTIFICATE2)
