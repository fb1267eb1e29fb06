"""validate-client-certificate: which certificates are accepted, and that a revoked one never is."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from dataclasses import dataclass
from datetime import timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes

from gateway.errors import LoadError, PolicyError
from gateway.revocation.authorities import Authorities
from gateway.revocation.certificate_facts import thumbprint
from gateway.wire.upstream.way import StoredCertificate
from tests.policies.bench import Bench, codes, get
from tests.revocation.pki import DAY, NOW, Authority

CA, NAMESAKE = Authority("Partner CA"), Authority("Partner CA")
CLIENT = CA.issue("orders.example")
SERIAL = f"{CLIENT.certificate.serial_number:x}"
PUBLIC = "ClientCertificateInvalid", "Invalid client certificate"
OFF = 'validate-revocation="false"'


@dataclass(frozen=True)
class Known:
    """Authorities with a scripted answer about revocation."""

    word: str | Awaitable[str] = ""

    def issuer_of(self, certificate: x509.Certificate) -> x509.Certificate | None:
        return Authorities([CA.own.certificate]).issuer_of(certificate)

    def revocation(self, _: x509.Certificate) -> str | Awaitable[str]:
        return self.word


async def later(word: str) -> str:
    """An answer that has to be waited for."""
    await asyncio.sleep(0)
    return word


def check(
    bench: Bench,
    attributes: str = OFF,
    identities: str = "",
    authorities: Known | None = None,
    certificate: x509.Certificate | None = CLIENT.certificate,
    days: float = 0,
) -> str:
    """Why the certificate is refused, *days* from now; empty when it is not."""
    now = (NOW + timedelta(days=days)).timestamp()
    stored = {"ca": StoredCertificate(CA.own.pem), "namesake": StoredCertificate(NAMESAKE.own.pem)}
    bench.use(client_authorities=authorities, certificates=stored, now=lambda: now)
    inner = f"<identities>{identities}</identities>" if identities else ""
    policy = f"<validate-client-certificate {attributes}>{inner}</validate-client-certificate>"
    error = refusal(bench, policy, certificate)
    if error is None:
        return ""
    assert (error.status, error.reason, error.public_message) == (403, *PUBLIC)
    return error.message


def refusal(bench: Bench, policy: str, certificate: x509.Certificate | None) -> PolicyError | None:
    """What *policy* raises."""
    try:
        bench.run(policy, get("/", certificate=certificate))
    except PolicyError as error:
        return error
    return None


REVOCATION = [
    ("", Known(), ""),
    ("", Known("Client certificate is revoked."), "Client certificate is revoked."),
    (OFF, Known("Client certificate is revoked."), ""),
    ("", None, "Revocation cannot be checked: the listener has no client-ca."),
    ('ignore-error="true"', Known("Client certificate is revoked."), ""),
]


@pytest.mark.parametrize(("attributes", "authorities", "expected"), REVOCATION)
def test_revocation(bench: Bench, attributes: str, authorities: Known | None, expected: str) -> None:
    """Revocation is checked unless the document says otherwise; without a source to ask the certificate is refused."""
    assert check(bench, attributes, authorities=authorities) == expected


@pytest.mark.parametrize(("word", "ignored"), [("It is revoked.", "false"), ("", "false"), ("x", "true")])
def test_revocation_that_has_to_be_looked_up(bench: Bench, word: str, ignored: str) -> None:
    """The request waits for the look-up, and is judged by it."""
    found = check(bench, f'ignore-error="{ignored}"', authorities=Known(later(word)))
    assert found == (word if ignored == "false" else "")


TIMES = [
    (OFF, 0, ""),
    (OFF, -10, "Client certificate is not yet valid."),
    (OFF, 40, "Client certificate has expired."),
    (f'{OFF} validate-not-before="false"', -10, ""),
    (f'{OFF} validate-not-after="false"', 40, ""),
]


@pytest.mark.parametrize(("attributes", "days", "expected"), TIMES)
def test_times(bench: Bench, attributes: str, days: float, expected: str) -> None:
    """Each end of the certificate's life is checked unless that is switched off."""
    assert check(bench, attributes, days=days) == expected


@pytest.mark.parametrize(("ignored", "expected"), [("false", "Client certificate missing."), ("true", "")])
def test_no_certificate(bench: Bench, ignored: str, expected: str) -> None:
    """A caller without a certificate is refused, unless errors are ignored."""
    assert check(bench, f'ignore-error="{ignored}"', authorities=Known(), certificate=None) == expected


MATCHING = [
    f'thumbprint="{thumbprint(CLIENT.certificate)}"',
    f'thumbprint="{bytes.fromhex(thumbprint(CLIENT.certificate)).hex(":")}"',
    f'serial-number="{SERIAL}"',
    f'serial-number="0{SERIAL.upper()}"',
    'common-name="orders.example"',
    'subject="CN=orders.example"',
    'dns-name="ORDERS.example"',
    'issuer-subject="CN=Partner CA"',
    f'issuer-thumbprint="{thumbprint(CA.own.certificate).lower()}"',
    'issuer-certificate-id="ca"',
    'common-name="orders.example" issuer-certificate-id="ca"',
]


@pytest.mark.parametrize("facts", MATCHING, ids=lambda facts: facts.partition("=")[0])
def test_identities_that_match(bench: Bench, facts: str) -> None:
    """One identity whose facts all hold is enough."""
    assert check(bench, identities=f'<identity common-name="other" /><identity {facts} />', authorities=Known()) == ""


OTHERS = [
    'thumbprint="00"',
    'serial-number="1"',
    'common-name="orders"',
    'subject="CN=orders.example, O=x"',
    'dns-name="example"',
    'issuer-subject="CN=Other"',
    f'issuer-thumbprint="{thumbprint(NAMESAKE.own.certificate)}"',
    'issuer-certificate-id="namesake"',
    'common-name="orders.example" dns-name="other"',
    'common-name="orders.example" issuer-certificate-id="namesake"',
]


@pytest.mark.parametrize("facts", OTHERS, ids=lambda facts: facts.partition("=")[0])
def test_identities_that_do_not_match(bench: Bench, facts: str) -> None:
    """A fact that does not hold refuses; an issuer of the same name with another key is another issuer."""
    found = check(bench, identities=f"<identity {facts} />", authorities=Known())
    assert found == "Client certificate matches no identity."


def test_an_issuer_that_nobody_knows_has_no_thumbprint(bench: Bench) -> None:
    """Without client-ca an identity by issuer-thumbprint never matches."""
    facts = f'issuer-thumbprint="{thumbprint(CA.own.certificate)}"'
    assert check(bench, identities=f"<identity {facts} />") == "Client certificate matches no identity."


def test_names_as_windows_writes_them(bench: Bench) -> None:
    """A distinguished name may be written as Windows or as RFC 4514 writes it."""
    name = x509.Name.from_rfc4514_string("CN=a,O=b")
    builder = x509.CertificateBuilder().subject_name(name).issuer_name(CA.own.certificate.subject).serial_number(5)
    builder = builder.not_valid_before(NOW - DAY).not_valid_after(NOW + DAY).public_key(CLIENT.key.public_key())
    certificate = builder.sign(CA.own.key, hashes.SHA256())
    for subject in ("CN=a, O=b", "CN=a,O=b"):
        assert check(bench, identities=f'<identity subject="{subject}" />', certificate=certificate) == ""


MISTAKES = [
    ("<identity/>", "missing-attribute"),
    ('<identity issuer-subject="CN=a" issuer-certificate-id="ca"/>', "conflict"),
    ('<identity issuer-subject="CN=a" issuer-thumbprint="00"/>', "conflict"),
    ('<identity issuer-certificate-id="nobody"/>', "unknown-certificate"),
    ('<identity common-name="a"/>' * 11, "too-many-children"),
]


@pytest.mark.parametrize(("identities", "code"), MISTAKES)
def test_identities_that_do_not_load(bench: Bench, identities: str, code: str) -> None:
    """An identity that matches everyone, one that names its issuer twice, and an eleventh one are refused at load."""
    with pytest.raises(LoadError) as caught:
        check(bench, identities=identities)
    assert codes(caught.value) == {code}
