"""
validate-client-certificate: only callers with a certificate that fits.

The listener has checked the chain already where it asks for certificates. Revocation is not looked up here: a policy
that asks for it refuses every caller rather than letting a revoked one in.

Source: APIM policy reference, "validate-client-certificate".
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, ClassVar, Self

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.x509.oid import NameOID

from gateway.errors import PolicyError
from gateway.pipeline.document import Section
from gateway.pipeline.shape import ID, Attribute, Child, Element, Kind

if TYPE_CHECKING:
    from gateway.pipeline.context import Context
    from gateway.pipeline.settings import Settings

_CHECKS = ("validate-revocation", "validate-trust", "validate-not-before", "validate-not-after")
_DOCS = ("it is not revoked", "its chain is trusted", "its time has begun", "its time is not over")

_FACTS = ("thumbprint", "serial-number", "common-name", "subject", "dns-name", "issuer-subject", "issuer-thumbprint")
_IDENTITY = Element(
    "identity",
    "A certificate that is accepted; all its facts must hold.",
    attributes=(
        *(Attribute(name, f"Its {name.replace('-', ' ')}.", expression=False) for name in _FACTS),
        Attribute("issuer-certificate-id", "A certificate of the configuration that issued it.", expression=False),
    ),
)


@dataclass(frozen=True, slots=True)
class ValidateClientCertificate:
    """One compiled validate-client-certificate."""

    shape: ClassVar[Element] = Element(
        "validate-client-certificate",
        "Refuses callers without a client certificate that fits.",
        attributes=(
            ID,
            *(
                Attribute(name, f"Whether {doc}.", Kind.BOOLEAN, default="true", expression=False)
                for name, doc in zip(_CHECKS, _DOCS, strict=True)
            ),
            Attribute("ignore-error", "Whether to go on anyway.", Kind.BOOLEAN, default="false", expression=False),
        ),
        children=(Child(Element("identities", "Any of them.", children=(Child(_IDENTITY, 1, None),))),),
    )
    sections: ClassVar[frozenset[Section]] = frozenset({Section.INBOUND})

    checks: frozenset[str]
    ignores_error: bool
    identities: tuple[Mapping[str, str], ...]
    now: Callable[[], float]

    @classmethod
    def compile(cls, settings: Settings) -> Self:
        """From ``<validate-client-certificate>``. Raises LoadError: an unknown issuer certificate."""
        identities = settings.child("identities")
        return cls(
            checks=frozenset(name for name in _CHECKS if settings.constant_bool(name)),
            ignores_error=settings.constant_bool("ignore-error"),
            identities=tuple(map(_identity, identities.all("identity"))) if identities else (),
            now=settings.services.now,
        )

    def apply(self, context: Context) -> None:
        """Raises PolicyError: 403."""
        problem = self._problem(context.request.certificate)
        if problem and not self.ignores_error:
            raise PolicyError(403, "ClientCertificateInvalid", problem, "Invalid client certificate")

    def _problem(self, certificate: x509.Certificate | None) -> str:
        """Why the certificate does not fit; empty when it does."""
        if certificate is None:
            return "Client certificate missing."
        if "validate-revocation" in self.checks:
            return "Revocation cannot be checked here; write validate-revocation='false'."
        now = datetime.fromtimestamp(self.now(), UTC)
        if "validate-not-before" in self.checks and now < certificate.not_valid_before_utc:
            return "Client certificate is not yet valid."
        if "validate-not-after" in self.checks and now > certificate.not_valid_after_utc:
            return "Client certificate has expired."
        facts = _facts(certificate)
        if self.identities and not any(_matches(identity, facts) for identity in self.identities):
            return "Client certificate matches no identity."
        return ""


def _identity(settings: Settings) -> Mapping[str, str]:
    wanted = {name: _normal(name, settings.constant(name)) for name in _FACTS if settings.has(name)}
    if settings.has("issuer-certificate-id"):
        stored = settings.services.certificates.get(settings.constant("issuer-certificate-id"))
        if stored is None:
            remedy = "add it under certificates in the configuration"
            raise settings.error("unknown-certificate", "no such certificate", remedy, at="issuer-certificate-id")
        wanted["issuer-subject"] = x509.load_pem_x509_certificate(stored.pem).subject.rfc4514_string()
    return wanted


def _facts(certificate: x509.Certificate) -> Mapping[str, tuple[str, ...]]:
    names = [str(each.value) for each in certificate.subject.get_attributes_for_oid(NameOID.COMMON_NAME)]
    return {
        "thumbprint": (certificate.fingerprint(hashes.SHA1()).hex().upper(),),  # noqa: S303 (a name, not a protection)
        "serial-number": (f"{certificate.serial_number:X}",),
        "common-name": tuple(names),
        "subject": (certificate.subject.rfc4514_string(),),
        "dns-name": _dns_names(certificate),
        "issuer-subject": (certificate.issuer.rfc4514_string(),),
        "issuer-thumbprint": (),  # the issuer's certificate is not kept: such an identity never matches
    }


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


def _matches(identity: Mapping[str, str], facts: Mapping[str, tuple[str, ...]]) -> bool:
    return all(wanted in facts[name] for name, wanted in identity.items())
