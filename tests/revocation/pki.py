"""An authority of our own: certificates, revocation lists, and a real ``openssl ocsp`` responder."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import cast

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import AuthorityInformationAccessOID, ExtendedKeyUsageOID, NameOID

from tests import tools
from tests.nginx import running

NOW = datetime.now(UTC).replace(microsecond=0)
DAY = timedelta(days=1)


def named(name: str) -> x509.Name:
    """``CN=name``."""
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])


def uri(url: str) -> x509.UniformResourceIdentifier:
    """A URL as a general name."""
    return x509.UniformResourceIdentifier(url)


@dataclass(eq=False)
class Identity:
    """A certificate with its key."""

    certificate: x509.Certificate
    key: ec.EllipticCurvePrivateKey

    @property
    def pem(self) -> bytes:
        """The certificate."""
        return self.certificate.public_bytes(serialization.Encoding.PEM)

    @property
    def key_pem(self) -> bytes:
        """The key, without password."""
        plain = serialization.NoEncryption()
        return self.key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, plain)


@dataclass(eq=False)
class Authority:
    """Issues certificates and lists; its own certificate is self-signed unless *parent* has signed it."""

    name: str = "Test CA"
    parent: Authority | None = None
    crl_url: str = ""
    own: Identity = field(init=False)
    issued: list[x509.Certificate] = field(default_factory=list)

    def __post_init__(self) -> None:
        key = ec.generate_private_key(ec.SECP256R1())
        signer = self.parent or self
        usage = x509.KeyUsage(False, False, False, False, False, True, True, False, False)
        extensions: list[x509.ExtensionType] = [x509.BasicConstraints(True, None), usage, *_points(self.crl_url)]
        signing_key = key if self.parent is None else self.parent.own.key
        self.own = Identity(_certificate(self.name, key, signer.name, signing_key, extensions), key)

    def issue(
        self, name: str = "client", crl_url: str = "", ocsp_url: str = "", more: Iterable[x509.ExtensionType] = ()
    ) -> Identity:
        """A certificate for *name*, also as a DNS name."""
        key = ec.generate_private_key(ec.SECP256R1())
        extensions = [x509.SubjectAlternativeName([x509.DNSName(name)]), *_points(crl_url), *_access(ocsp_url), *more]
        found = Identity(_certificate(name, key, self.name, self.own.key, extensions), key)
        self.issued.append(found.certificate)
        return found

    def responder(self) -> Identity:
        """A certificate that may sign answers in place of the authority."""
        return self.issue("ocsp", more=[x509.ExtendedKeyUsage([ExtendedKeyUsageOID.OCSP_SIGNING])])

    def crl(
        self,
        revoked: Iterable[Identity] = (),
        *,
        begins: datetime = NOW - DAY,
        ends: datetime = NOW + DAY,
        extensions: Iterable[tuple[x509.ExtensionType, bool]] = (),
        algorithm: hashes.SHA256 | hashes.SHA384 | None = None,
        key: ec.EllipticCurvePrivateKey | None = None,
    ) -> bytes:
        """A list in DER."""
        builder = x509.CertificateRevocationListBuilder().issuer_name(named(self.name))
        builder = builder.last_update(begins).next_update(ends)
        for each in revoked:
            entry = x509.RevokedCertificateBuilder().serial_number(each.certificate.serial_number)
            builder = builder.add_revoked_certificate(entry.revocation_date(NOW - DAY).build())
        for extension, critical in extensions:
            builder = builder.add_extension(extension, critical)
        crl = builder.sign(key or self.own.key, algorithm or hashes.SHA256())
        return crl.public_bytes(serialization.Encoding.DER)

    def index(self, revoked: Iterable[Identity] = ()) -> str:
        """What has been issued, as ``openssl ca`` keeps it."""
        gone = {each.certificate.serial_number for each in revoked}
        moment = (NOW - DAY).strftime("%y%m%d%H%M%SZ")
        lines = []
        for each in self.issued:
            serial, until = f"{each.serial_number:X}", each.not_valid_after_utc.strftime("%y%m%d%H%M%SZ")
            serial = serial.rjust(len(serial) + len(serial) % 2, "0")
            state = f"R\t{until}\t{moment}" if each.serial_number in gone else f"V\t{until}\t"
            lines.append(f"{state}\t{serial}\tunknown\t/CN={serial}\n")
        return "".join(lines)


def _certificate(
    name: str,
    key: ec.EllipticCurvePrivateKey,
    issuer: str,
    issuer_key: ec.EllipticCurvePrivateKey,
    extensions: Iterable[x509.ExtensionType],
) -> x509.Certificate:
    builder = x509.CertificateBuilder().subject_name(named(name)).issuer_name(named(issuer))
    builder = builder.public_key(key.public_key()).serial_number(x509.random_serial_number())
    builder = builder.not_valid_before(NOW - 2 * DAY).not_valid_after(NOW + 30 * DAY)
    for extension in extensions:
        builder = builder.add_extension(extension, isinstance(extension, x509.BasicConstraints))
    return builder.sign(issuer_key, hashes.SHA256())


def _points(crl_url: str) -> list[x509.ExtensionType]:
    point = x509.DistributionPoint([uri(crl_url)], None, None, None)
    return [x509.CRLDistributionPoints([point])] if crl_url else []


def _access(ocsp_url: str) -> list[x509.ExtensionType]:
    access = x509.AccessDescription(AuthorityInformationAccessOID.OCSP, uri(ocsp_url))
    return [x509.AuthorityInformationAccess([access])] if ocsp_url else []


@asynccontextmanager
async def openssl_responder(
    folder: Path, authority: Authority, port: int, revoked: Iterable[Identity] = (), signer: Identity | None = None
) -> AsyncIterator[None]:
    """A real responder for *authority*; it knows what has been issued until now."""
    signer = signer or authority.responder()
    for name, content in [("ca.pem", authority.own.pem), ("signer.pem", signer.pem), ("signer.key", signer.key_pem)]:
        (folder / name).write_bytes(content)
    (folder / "index.txt").write_text(authority.index(revoked))
    openssl = tools.need("openssl")
    command = f"{openssl} ocsp -index index.txt -port {port} -rsigner signer.pem -rkey signer.key -CA ca.pem -nmin 60"
    async with running(command.split(), folder) as process:
        output = cast(asyncio.StreamReader, process.stderr)
        while b"waiting for OCSP client" not in await output.readline():  # a connection without a request hangs it
            assert process.returncode is None
        yield
