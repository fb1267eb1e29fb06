"""
validate-client-certificate: only callers with an accepted certificate.

The TLS handshake has already checked chain and time: a client whose certificate does not lead to `client-ca`, or is out
of date, never gets this far. Revocation is looked up here, in lists (CRL) and with responders (OCSP) for every
certificate below the root; if it cannot be determined, the caller is refused.

Source: APIM policy reference, "validate-client-certificate".
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from typing import TYPE_CHECKING, ClassVar, Self

from cryptography import x509
from cryptography.x509.oid import NameOID

from gateway.documents.model import Section
from gateway.documents.shape import ID, Attribute, Child, Element, Kind
from gateway.errors import PolicyError
from gateway.expressions.types.certificates import distinguished_name
from gateway.pipeline.policy import PolicyType
from gateway.revocation.certificate_facts import issued_by, thumbprint

if TYPE_CHECKING:
    from gateway.pipeline.context import Context
    from gateway.pipeline.outcome import MaybeLater
    from gateway.pipeline.services import ClientAuthorities
    from gateway.pipeline.settings import Settings

_CHECKS = ("validate-revocation", "validate-trust", "validate-not-before", "validate-not-after")
_DOCS = ("revocation", "the chain of trust", "the start of the validity period", "the end of the validity period")

_FACTS = ("thumbprint", "serial-number", "common-name", "subject", "dns-name", "issuer-subject", "issuer-thumbprint")
_ISSUER_FORMS = ("issuer-subject", "issuer-thumbprint", "issuer-certificate-id")
MAX_IDENTITIES = 10
_IDENTITY = Element(
    "identity",
    "An accepted certificate; all attributes must match.",
    attributes=(
        *(Attribute(name, f"Its {name.replace('-', ' ')}.", expression=False) for name in _FACTS),
        Attribute("issuer-certificate-id", "A certificate of the configuration that issued it.", expression=False),
    ),
)


@dataclass(frozen=True, slots=True)
class ValidateClientCertificate(PolicyType):
    """One compiled validate-client-certificate."""

    shape: ClassVar[Element] = Element(
        "validate-client-certificate",
        "Refuses callers without an accepted client certificate.",
        attributes=(
            ID,
            *(
                Attribute(name, f"Whether to check {doc}.", Kind.BOOLEAN, default="true", expression=False)
                for name, doc in zip(_CHECKS, _DOCS, strict=True)
            ),
            Attribute("ignore-error", "Whether to continue anyway.", Kind.BOOLEAN, default="false", expression=False),
        ),
        children=(Child(Element("identities", "Any of them.", children=(Child(_IDENTITY, 1, MAX_IDENTITIES),))),),
    )
    sections: ClassVar[frozenset[Section]] = frozenset({Section.INBOUND})

    checks: frozenset[str]
    ignores_error: bool
    identities: tuple[CertificateIdentity, ...]
    authorities: ClientAuthorities | None
    now: Callable[[], float]

    @classmethod
    def compile(cls, settings: Settings) -> Self:
        """From ``<validate-client-certificate>``. Raises LoadError: an unknown issuer, or one named in two ways."""
        identities = settings.child("identities")
        return cls(
            checks=frozenset(name for name in _CHECKS if settings.constant_bool(name)),
            ignores_error=settings.constant_bool("ignore-error"),
            identities=tuple(map(_identity, identities.all("identity"))) if identities else (),
            authorities=settings.services.client_authorities,
            now=settings.services.now,
        )

    def apply(self, context: Context) -> MaybeLater:
        """Waits where revocation has to be looked up. Raises PolicyError: 403."""
        certificate = context.request.certificate
        problem = self._problem(certificate)
        if not isinstance(problem, str):
            return self._refuse_later(problem, certificate)
        self._refuse(problem, certificate)
        return None

    async def _refuse_later(self, problem: Awaitable[str], certificate: x509.Certificate | None) -> None:
        self._refuse(await problem, certificate)

    def _refuse(self, problem: str, certificate: x509.Certificate | None) -> None:
        if problem and not self.ignores_error:
            wanted = {"checks": sorted(self.checks), "identities": len(self.identities)}
            public, shown = "Invalid client certificate", _shown(certificate)
            raise PolicyError(403, "ClientCertificateInvalid", problem, public, expected=wanted, found=shown)

    def _problem(self, certificate: x509.Certificate | None) -> str | Awaitable[str]:
        """Why the certificate is not accepted; empty when it is."""
        if certificate is None:
            return "Client certificate missing."
        return self._mismatch(certificate) or self._revocation(certificate)

    def _revocation(self, certificate: x509.Certificate) -> str | Awaitable[str]:
        if "validate-revocation" not in self.checks:
            return ""
        if self.authorities is None:
            return "Revocation cannot be checked: the listener has no client-ca."
        return self.authorities.revocation(certificate)

    def _mismatch(self, certificate: x509.Certificate) -> str:
        """Why the certificate itself does not fit; empty when it does."""
        now = datetime.fromtimestamp(self.now(), UTC)
        if "validate-not-before" in self.checks and now < certificate.not_valid_before_utc:
            return "Client certificate is not yet valid."
        if "validate-not-after" in self.checks and now > certificate.not_valid_after_utc:
            return "Client certificate has expired."
        if self.identities and not self._is_known(certificate):
            return "Client certificate matches no identity."
        return ""

    def _is_known(self, certificate: x509.Certificate) -> bool:
        issuer = self.authorities.issuer_of(certificate) if self.authorities else None
        facts = _facts(certificate, issuer)
        return any(identity.matches(certificate, facts) for identity in self.identities)


@dataclass(frozen=True, slots=True)
class CertificateIdentity:
    """
    One accepted certificate.

    Attributes:
        wanted: Facts by name, as they are compared.
        issuer: The authority whose key must have signed; None: not asked for.
    """

    wanted: Mapping[str, str]
    issuer: x509.Certificate | None

    def matches(self, certificate: x509.Certificate, facts: Mapping[str, tuple[str, ...]]) -> bool:
        """Whether everything holds of *certificate*, whose facts are given."""
        if any(wanted not in facts[name] for name, wanted in self.wanted.items()):
            return False
        return self.issuer is None or issued_by(certificate, self.issuer)


def _identity(settings: Settings) -> CertificateIdentity:
    given = [name for name in _ISSUER_FORMS if settings.has(name)]
    if len(given) > 1:
        raise settings.error("conflict", f"{given[0]} and {given[1]} both name the issuer", "keep one", at=given[1])
    wanted = {name: _normal(name, settings.constant(name)) for name in _FACTS if settings.has(name)}
    identity = CertificateIdentity(wanted, _stored_issuer(settings))
    if not wanted and identity.issuer is None:
        raise settings.error(
            "missing-attribute",
            "an identity without attributes matches every certificate",
            "name at least one attribute",
        )
    return identity


def _stored_issuer(settings: Settings) -> x509.Certificate | None:
    if not settings.has("issuer-certificate-id"):
        return None
    stored = settings.services.certificates.get(settings.constant("issuer-certificate-id"))
    if stored is None:
        remedy = "add it under certificates in the configuration"
        raise settings.error("unknown-certificate", "no such certificate", remedy, at="issuer-certificate-id")
    return x509.load_pem_x509_certificate(stored.pem)


@lru_cache(maxsize=1024)  # the same for every request of a connection
def _facts(certificate: x509.Certificate, issuer: x509.Certificate | None) -> Mapping[str, tuple[str, ...]]:
    names = [str(attribute.value) for attribute in certificate.subject.get_attributes_for_oid(NameOID.COMMON_NAME)]
    return {
        "thumbprint": (thumbprint(certificate),),
        "serial-number": (f"{certificate.serial_number:X}",),
        "common-name": tuple(names),
        "subject": _written(certificate.subject),
        "dns-name": _dns_names(certificate),
        "issuer-subject": _written(certificate.issuer),
        "issuer-thumbprint": (thumbprint(issuer),) if issuer else (),
    }


def _written(name: x509.Name) -> tuple[str, str]:
    """A distinguished name as RFC 4514 and as Windows write it."""
    return name.rfc4514_string(), distinguished_name(name)


def _dns_names(certificate: x509.Certificate) -> tuple[str, ...]:
    try:
        names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return ()
    return tuple(name.lower() for name in names.get_values_for_type(x509.DNSName))


def _normal(name: str, text: str) -> str:
    """A fact as it is compared."""
    if name.endswith("thumbprint") or name == "serial-number":
        return text.replace(" ", "").replace(":", "").upper().lstrip("0" if name == "serial-number" else "")
    return text.strip().lower() if name == "dns-name" else text.strip()


def _shown(certificate: x509.Certificate | None) -> object:
    """What identifies *certificate*, none of which is secret."""
    if certificate is None:
        return "no certificate"
    names = {"subject": certificate.subject.rfc4514_string(), "issuer": certificate.issuer.rfc4514_string()}
    return {**names, "not_after": certificate.not_valid_after_utc.isoformat()}
