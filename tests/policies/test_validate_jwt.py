"""validate-jwt: which tokens pass, what the caller is told, what the rest of the pipeline gets."""

from __future__ import annotations

import base64
import datetime
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

from gateway.errors import KeysUnavailable, LoadError, PolicyError
from gateway.pipeline.step import PipelineStep
from gateway.tokens.cache import TokenCache
from gateway.tokens.jwt import Jwt
from gateway.tokens.registry import IssuerRegistry
from gateway.wire.messages import Request
from gateway.wire.upstream.way import StoredCertificate
from tests.policies.bench import NOW, Bench, codes, get, new_context
from tests.tokens.minting import METADATA_URL, SECRET, Site, entra_site, rsa_key, token

KEY = base64.b64encode(SECRET).decode()
KEYS = f"<issuer-signing-keys><key>{KEY}</key></issuer-signing-keys>"
ATTRIBUTES = 'header-name="Authorization" output-token-variable-name="jwt"'


def hs256(**changes: Any) -> str:
    """A token signed with the shared secret."""
    return token("HS256", **changes)


def bearer(text: str) -> Request:
    """A request with *text* as its bearer token."""
    return get("/", [("Authorization", f"Bearer {text}")])


def policy(inner: str = KEYS, attributes: str = ATTRIBUTES) -> str:
    return f"<validate-jwt {attributes}>{inner}</validate-jwt>"


def refusal(bench: Bench, xml: str, request: Request) -> PolicyError:
    """The refusal of *request*."""
    with pytest.raises(PolicyError) as caught:
        bench.run(xml, request)
    return caught.value


def test_a_good_token_goes_on(bench: Bench) -> None:
    """The variable holds the Jwt, the header stays, and a stream may last until the token expires."""
    ran = bench.run(policy(), bearer(hs256(sub="s1")))
    jwt = ran.variables["jwt"]
    assert isinstance(jwt, Jwt)
    assert (jwt.subject, ran.outcome) == ("s1", None)
    assert "Authorization" in ran.request.headers
    assert ran.request.expires_at == NOW + 3600


def test_keys_at_hand_need_no_coroutine(bench: Bench) -> None:
    """The usual request runs through synchronously."""
    (step,) = bench.compile(policy()).inbound
    assert isinstance(step, PipelineStep)
    assert step.apply(new_context(bearer(hs256()))) is None


@pytest.mark.parametrize(
    ("request_", "attributes", "reason"),
    [
        (get("/"), ATTRIBUTES, "TokenNotPresent"),
        (get("/", [("Authorization", "")]), ATTRIBUTES, "TokenNotPresent"),
        (get("/", [("Authorization", "Bearer")]), ATTRIBUTES, "TokenNotPresent"),
        (get("/", [("Authorization", "Basic dTpw")]), ATTRIBUTES, "JwtInvalid"),
        (get("/", [("Authorization", "Basic dTpw")]), ATTRIBUTES + ' require-scheme="Bearer"', "TokenNotPresent"),
        (get("/", [("Authorization", hs256())]), ATTRIBUTES + ' require-scheme="Bearer"', "TokenNotPresent"),
        (get("/?t="), 'query-parameter-name="t"', "TokenNotPresent"),
        (get("/"), 'token-value=""', "TokenNotPresent"),
        (get("/"), f'token-value="Bearer {hs256()}"', "JwtInvalid"),
    ],
    ids=["none", "empty", "scheme only", "other scheme", "not Bearer", "no scheme", "empty query", "empty", "scheme"],
)
def test_no_token(bench: Bench, request_: Request, attributes: str, reason: str) -> None:
    """A request without a token in its place is refused with 401."""
    refused = refusal(bench, policy(attributes=attributes), request_)
    assert (refused.status, refused.reason) == (401, reason)


@pytest.mark.parametrize(
    ("request_", "attributes"),
    [
        (bearer(hs256()), ATTRIBUTES),
        (get("/", [("authorization", f"bEARER   {hs256()}")]), ATTRIBUTES + ' require-scheme="Bearer"'),
        (get("/", [("Authorization", hs256())]), ATTRIBUTES),
        (get("/", [("X-Token", hs256())]), 'header-name="X-Token" require-scheme="Bearer"'),
        (get("/", [("X-Token", f"Bearer {hs256()}")]), 'header-name="X-Token"'),
        (bearer(hs256()), ""),
        (get(f"/?a=1&T={hs256()}"), 'query-parameter-name="t"'),
        (get("/"), f'token-value="{hs256()}"'),
    ],
    ids=["Bearer", "any case and spaces", "bare", "custom header", "custom with Bearer", "default", "query", "value"],
)
def test_where_the_token_may_stand(bench: Bench, request_: Request, attributes: str) -> None:
    """Header, query parameter and value; the scheme counts in Authorization only."""
    assert bench.run(policy(attributes=attributes), request_).outcome is None


def test_a_token_in_the_query_ends_here(bench: Bench) -> None:
    """The backend's URL, which it may log, does not carry the token."""
    ran = bench.run(policy(attributes='query-parameter-name="t"'), get(f"/?a=1&t={hs256()}&b=2"))
    assert ran.url == "/?a=1&b=2"


@pytest.mark.parametrize(
    ("request_", "attributes"),
    [
        (get("/", [("Authorization", f"Bearer {hs256()}"), ("authorization", "Bearer x")]), ATTRIBUTES),
        (get(f"/?t={hs256()}&T=x"), 'query-parameter-name="t"'),
    ],
    ids=["headers", "parameters"],
)
def test_two_credentials_are_refused(bench: Bench, request_: Request, attributes: str) -> None:
    """Which of two the backend would believe cannot be known: 400, whatever the policy's status is."""
    xml = policy(attributes=f'{attributes} failed-validation-httpcode="403"')
    assert refusal(bench, xml, request_).status == 400


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (hs256(exp=NOW - 1), "TokenExpired"),
        (hs256(exp=None), "JwtInvalid"),
        (hs256(nbf=NOW + 1), "JwtInvalid"),
        (hs256(aud="other"), "TokenAudienceNotAllowed"),
        (hs256(aud=None), "TokenAudienceNotAllowed"),
        (hs256(iss="other"), "TokenIssuerNotAllowed"),
        (hs256(roles=None), "TokenClaimNotFound"),
        (hs256(roles=["a"]), "TokenClaimValueNotAllowed"),
        (token("HS256", key=b"x" * 64, header={"kid": None}), "TokenSignatureInvalid"),
        (token("RS256"), "TokenSignatureKeyNotFound"),
        ("a.b", "JwtInvalid"),
        ("a.b.c", "JwtInvalid"),
    ],
    ids="expired lasting early audience no-audience issuer no-claim claim signature algorithm parts json".split(),
)
def test_reasons_are_told_to_the_log_only(bench: Bench, text: str, reason: str) -> None:
    """LastError has APIM's reason; the caller reads the same short message for each."""
    rules = (
        "<audiences><audience> api </audience></audiences><issuers><issuer>"
        + "https://login.microsoftonline.com/aaaabbbb-0000-cccc-1111-dddd2222eeee/v2.0</issuer></issuers>"
        '<required-claims><claim name="roles" match="any"><value>r</value></claim></required-claims>'
    )
    refused = refusal(bench, policy(KEYS + rules), bearer(text))
    assert refused.reason == reason
    assert refused.public_message == "Invalid JWT."
    assert text not in refused.message


@pytest.mark.parametrize(
    ("claim", "held", "passes"),
    [
        ('name="scp" match="any"><value>read</value>', "read write", False),
        ('name="scp" match="any" separator=" "><value>read</value>', "read write", True),
        ('name="roles" match="all"><value>A</value><value>B</value>', ["A"], False),
        ('name="roles"><value>A</value><value>B</value>', ["B", "A"], True),
        ('name="roles" match="any"><value>A</value><value>B</value>', ["B"], True),
        ('name="roles" match="any"><value>A,B</value>', ["A"], False),
        ('name="admin" match="all"><value>true</value>', True, True),
        ('name="tid">', "t", True),
        ('name="roles"><value>@("A")</value>', ["A"], True),
    ],
    ids="separator-missing separator all-lacks all any list-as-one boolean presence expression".split(),
)
def test_required_claims(bench: Bench, claim: str, held: object, passes: bool) -> None:
    """A required claim holds all the listed values, or one of them with ``match="any"``."""
    name = claim.split('"')[1]
    xml = policy(f"{KEYS}<required-claims><claim {claim}</claim></required-claims>")
    request = bearer(hs256(**{name: held}))
    if passes:
        assert bench.run(xml, request).outcome is None
    else:
        assert refusal(bench, xml, request).reason == "TokenClaimValueNotAllowed"


@pytest.mark.parametrize(
    ("claims", "attributes", "reason"),
    [
        ({"exp": NOW, "nbf": None}, "", None),
        ({"exp": NOW - 1, "nbf": None}, "", "TokenExpired"),
        ({"exp": NOW - 30, "nbf": None}, 'clock-skew="30"', None),
        ({"exp": NOW - 300, "nbf": None}, 'clock-skew="00:05:00"', None),
        ({"exp": NOW - 31, "nbf": None}, "clock-skew=\"@('3' + '0')\"", "TokenExpired"),
        ({"exp": NOW + 1, "nbf": NOW + 1}, "", "JwtInvalid"),
        ({"exp": None, "nbf": None}, 'require-expiration-time="False"', None),
        ({"exp": NOW - 1, "nbf": None}, 'require-expiration-time="false"', "TokenExpired"),
        ({"exp": NOW - 500, "nbf": NOW - 400}, "", "JwtInvalid"),
    ],
    ids="now expired skew span computed early none-allowed none-but-expired inverted".split(),
)
def test_lifetime(bench: Bench, claims: dict[str, object], attributes: str, reason: str | None) -> None:
    """There is no tolerance for expiry unless the policy grants it."""
    xml = policy(attributes=f"{ATTRIBUTES} {attributes}".replace("'3' + '0'", '"3" + "0"'))
    request = bearer(hs256(**claims))
    if reason is None:
        assert bench.run(xml, request).outcome is None
    else:
        assert refusal(bench, xml, request).reason == reason


def test_status_and_message_are_the_policys(bench: Bench) -> None:
    """failed-validation-… decide what the caller sees."""
    attributes = f'{ATTRIBUTES} failed-validation-httpcode="403" failed-validation-error-message="Token is invalid"'
    refused = refusal(bench, policy(attributes=attributes), get("/"))
    assert (refused.status, refused.public_message, refused.message) == (403, "Token is invalid", "JWT not present.")


def test_the_variable_is_set_on_success_only(bench: Bench) -> None:
    """A failed validation writes nothing."""
    context = new_context(bearer(hs256(exp=NOW - 1)))
    with pytest.raises(PolicyError):
        bench.run(policy(), context=context)
    assert context.variables == {}


@pytest.mark.parametrize("kid", ["new", "other", None], ids=["named", "unknown", "without"])
def test_inline_keys_roll_over(bench: Bench, kid: str | None) -> None:
    """The kid is a hint among inline keys: each is tried."""
    other = base64.b64encode(b"y" * 64).decode()
    xml = policy(f'<issuer-signing-keys><key id="new">{other}</key><key>{KEY}</key></issuer-signing-keys>')
    assert bench.run(xml, bearer(token("HS256", header={"kid": kid}))).outcome is None


def test_a_modulus_verifies(bench: Bench) -> None:
    """n and e make an RSA key."""
    numbers = rsa_key().public_key().public_numbers()

    def text(number: int) -> str:
        return base64.urlsafe_b64encode(number.to_bytes((number.bit_length() + 7) // 8)).rstrip(b"=").decode()

    xml = policy(f'<issuer-signing-keys><key n="{text(numbers.n)}" e="{text(numbers.e)}"/></issuer-signing-keys>')
    assert bench.run(xml, bearer(token("RS256"))).outcome is None


def _stored(with_key: bool = True) -> StoredCertificate:
    """A certificate around the test's RSA key."""
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "keys")])
    start = datetime.datetime.fromtimestamp(NOW, datetime.UTC)
    builder = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(rsa_key().public_key())
    builder = builder.serial_number(1).not_valid_before(start).not_valid_after(start + datetime.timedelta(days=9))
    pem = builder.sign(rsa_key(), hashes.SHA256()).public_bytes(Encoding.PEM)
    key = rsa_key().private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    return StoredCertificate(pem, key if with_key else None)


def test_a_certificate_verifies(bench: Bench) -> None:
    """certificate-id names a certificate of the configuration."""
    bench.use(certificates={"c": _stored(with_key=False)})
    xml = policy('<issuer-signing-keys><key certificate-id="c"/></issuer-signing-keys>')
    assert bench.run(xml, bearer(token("RS256"))).outcome is None


def test_decryption_keys_are_checked_at_load(bench: Bench) -> None:
    """A secret of a fitting length, or a certificate with its private key."""
    good = base64.b64encode(b"k" * 32).decode()
    bench.use(certificates={"c": _stored(), "public": _stored(with_key=False)})
    for key in (f"<key>{good}</key>", '<key id="a" certificate-id="c"/>'):
        bench.compile(policy(f"{KEYS}<decryption-keys>{key}</decryption-keys>"))
    with pytest.raises(LoadError) as caught:
        bench.compile(policy('<decryption-keys><key certificate-id="public"/></decryption-keys>'))
    assert codes(caught.value) == {"bad-key"}


def _with_issuer(bench: Bench, site: Site) -> Bench:
    return bench.use(issuers=IssuerRegistry(site, clock=lambda: NOW), token_cache=TokenCache())


def test_published_keys_are_fetched_once(bench: Bench) -> None:
    """The first token waits for metadata and keys; it is verified with them."""
    site = entra_site()
    ran = _with_issuer(bench, site).run(policy(f'<openid-config url="{METADATA_URL}"/>'), bearer(token()))
    assert isinstance(ran.variables["jwt"], Jwt)
    assert len(site.fetched) == 2


def test_a_refusal_after_the_fetch_is_a_refusal(bench: Bench) -> None:
    """The asynchronous path refuses as the synchronous one does."""
    xml = policy(f'<openid-config url="{METADATA_URL}"/>')
    assert refusal(_with_issuer(bench, entra_site()), xml, bearer(token(iss="other"))).reason == "TokenIssuerNotAllowed"


def test_keys_that_cannot_be_had_are_our_fault(bench: Bench) -> None:
    """If the issuer is down the answer is 503, not 401."""
    with pytest.raises(KeysUnavailable):
        _with_issuer(bench, Site()).run(policy(f'<openid-config url="{METADATA_URL}"/>'), bearer(token()))


def test_metadata_urls_may_be_computed(bench: Bench) -> None:
    """An expression names the metadata; each URL has its own validator, and their number is bounded."""
    xml = policy('<openid-config url="@(context.Variables["url"])"/>')
    bench = _with_issuer(bench, entra_site())
    assert bench.run(xml, bearer(token()), url=METADATA_URL).outcome is None
    (step,) = bench.compile(xml).inbound
    refused = []
    for number in range(66):
        context = new_context(get("/", [("Authorization", "Bearer x")]))
        context.variables["url"] = f"https://issuer{number}.test/"
        with pytest.raises(PolicyError) as caught:
            step.apply(context)
        refused.append(caught.value.status)
    assert refused == [401] * 64 + [500] * 2


@pytest.mark.parametrize(
    ("extensions", "changes", "reason"),
    [
        ('algorithms="RS256 PS256"', {}, "JwtInvalid"),
        ('algorithms="HS256"', {}, None),
        ('token-types="at+jwt"', {}, "JwtInvalid"),
        ('token-types="application/JWT"', {}, None),
        ('max-lifetime="60"', {}, "JwtInvalid"),
        ('max-lifetime="7200"', {}, None),
        ('denied-token-ids="a b"', {"jti": "b"}, "JwtInvalid"),
        ('scopes="read"', {"scp": "write"}, "TokenClaimValueNotAllowed"),
        ('scopes="read" roles="Reader"', {"roles": ["Reader"]}, None),
        ("", {"cnf": {"x5t#S256": "a"}}, "JwtInvalid"),
        ('binding="ignore"', {"cnf": {"x5t#S256": "a"}}, None),
        ('binding="certificate" require-binding="true"', {}, "JwtInvalid"),
    ],
    ids="alg alg-listed typ typ-listed lifetime lifetime-short denied scope role bound bound-ignored unbound".split(),
)
def test_extensions(bench: Bench, extensions: str, changes: dict[str, Any], reason: str | None) -> None:
    """Each extension refuses what it is for, and nothing else."""
    xml = policy(f"{KEYS}<extensions {extensions}/>")
    request = bearer(hs256(**changes))
    if reason is None:
        assert bench.run(xml, request).outcome is None
    else:
        assert refusal(bench, xml, request).reason == reason


@pytest.mark.parametrize(
    ("oid", "missing", "expected"),
    [
        ("o1", "refuse", "o1"),
        (None, "refuse", "TokenClaimNotFound"),
        ("", "refuse", "TokenClaimNotFound"),
        (None, "omit", None),
        ("", "omit", None),
        ("a\r\nb: c", "omit", "TokenClaimValueNotAllowed"),
        ("é", "refuse", "TokenClaimValueNotAllowed"),
        (" a", "omit", "TokenClaimValueNotAllowed"),
        ("a\t", "refuse", "TokenClaimValueNotAllowed"),
        ("x" * 5000, "refuse", "TokenClaimValueNotAllowed"),
        (["a", "b"], "refuse", "a,b"),
    ],
    ids="claim missing empty omitted omitted-empty split non-ascii space-before tab-behind long several".split(),
)
def test_claims_to_headers(bench: Bench, oid: object, missing: str, expected: str | None) -> None:
    """A claim becomes exactly one trusted header, or none; what the client sent is gone either way."""
    header = f'<extensions><claim-header claim="oid" name="x-oid" missing="{missing}"/></extensions>'
    xml = policy(KEYS + header)
    request = bearer(hs256(oid=oid))
    request.headers.append("X_OID", "forged")
    if expected is not None and expected.startswith("Token"):
        assert refusal(bench, xml, request).reason == expected
    else:
        assert bench.run(xml, request).request.headers.joined("x-oid") == expected
    assert bench.compile(xml).owned_headers == {"x-oid"}


@pytest.mark.parametrize(
    ("request_", "status", "challenge"),
    [
        (get("/"), 401, 'Bearer resource_metadata="https://api.test/m"'),
        (bearer("a.b.c"), 401, 'Bearer error="invalid_token", resource_metadata="https://api.test/m"'),
        (bearer(hs256()), 403, 'Bearer error="insufficient_scope", resource_metadata="https://api.test/m"'),
    ],
    ids=["absent", "invalid", "scope"],
)
def test_challenge(bench: Bench, request_: Request, status: int, challenge: str) -> None:
    """WWW-Authenticate says what RFC 6750 and RFC 9728 ask for, and nothing about the reason."""
    extensions = '<extensions scopes="read" challenge="true" resource-metadata="https://api.test/m"/>'
    xml = policy(KEYS + extensions, f'{ATTRIBUTES} failed-validation-httpcode="{status}"')
    assert refusal(bench, xml, request_).headers == (("WWW-Authenticate", challenge),)


def test_the_whole_answer(bench: Bench) -> None:
    """The default error answer carries the policy's status, message and challenge, and must not be cached."""
    ran = bench.execute(policy(KEYS + '<extensions challenge="true"/>'), get("/"))
    assert ran.response.status_code == 401
    assert ran.response.headers.first("WWW-Authenticate") == "Bearer"
    assert ran.response.headers.first("Cache-Control") == "no-store"
    assert ran.response.body.content == b'{ "statusCode": 401, "message": "JWT not present." }'
    assert ran.context.last_error is not None
    assert (ran.context.last_error.source, ran.context.last_error.reason) == ("validate-jwt", "TokenNotPresent")
