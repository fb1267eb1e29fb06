"""The ready-made documents in ``policies/``: they load, and do what their comments say."""

from __future__ import annotations

from pathlib import Path

import pytest

from gateway.commands.policy_tests.suites import run_tests
from gateway.documents import check as checker
from gateway.documents.model import PolicyDocument, Section, same
from gateway.documents.named_values import NamedValue, Substitution
from gateway.documents.xml import format as xml_format
from gateway.documents.yaml import format as yaml_format
from gateway.errors import PolicyError
from gateway.policies import POLICIES
from gateway.tokens.registry import IssuerRegistry
from gateway.wire.headers import Headers
from gateway.wire.messages import Request
from tests.policies.bench import NOW, Bench, get, new_context
from tests.tokens.minting import METADATA_URL, entra_site, token

FOLDER = Path(__file__).parents[2] / "policies"
DOCUMENTS = sorted(path for path in FOLDER.iterdir() if path.is_file())
ORIGINAL = ("caller-objectid.xml", "caller-objectid.yaml")
FORGED = [("caller-objectid", "forged"), ("Caller_ObjectId", "forged"), ("CALLER-OBJECTID", "forged")]


def read(name: str) -> PolicyDocument:
    text = (FOLDER / name).read_bytes()
    return xml_format.parse(text, name) if name.endswith(".xml") else yaml_format.parse(text, name, POLICIES)


def named(name: str, **values: str) -> PolicyDocument:
    """The document with its named values filled in."""
    known = {"my-openid-configuration-url": METADATA_URL, "my-audience": "api", **values}
    return Substitution({key: NamedValue(text) for key, text in known.items()}).document(read(name))


@pytest.fixture
def bench(bench: Bench) -> Bench:
    """With a tenant's metadata behind it."""
    return bench.use(issuers=IssuerRegistry(entra_site(), clock=lambda: NOW))


def call(text: str | None) -> Request:
    request = get("/", FORGED)
    if text is not None:
        request.headers.append("Authorization", f"Bearer {text}")
    return request


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: str(path.name))
def test_every_document_is_sound(path: Path) -> None:
    """No ready-made document has a problem, and each begins with a comment."""
    assert checker.check(read(path.name), POLICIES) == []
    assert path.read_text().startswith(("<!--", "#"))


def test_the_original_means_the_same_in_both_forms() -> None:
    """caller-objectid.xml and .yaml are one tree."""
    xml, yaml = map(read, ORIGINAL)
    assert all(same(xml.sections[section], yaml.sections[section]) for section in Section)


@pytest.mark.parametrize("name", ORIGINAL)
def test_the_original_tells_the_backend_who_calls(bench: Bench, name: str) -> None:
    """Exactly one caller-objectid, from the token's sub, whatever the client sent."""
    ran = bench.run(named(name), call(token(sub="s1")))
    assert ran.request.headers.values("caller-objectid") == ("s1",)
    assert [header for header, _ in ran.request.headers].count("caller-objectid") == 1


@pytest.mark.parametrize("name", [*ORIGINAL, "caller-objectid-oid.yaml"])
@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (None, "TokenNotPresent"),
        (token(exp=NOW - 1), "TokenExpired"),
        (token(aud="other"), "TokenAudienceNotAllowed"),
        (token(iss="https://other.test"), "TokenIssuerNotAllowed"),
        (token()[:-8] + "AAAAAAAA", "TokenSignatureInvalid"),
    ],
    ids=["none", "expired", "audience", "issuer", "signature"],
)
def test_a_bad_token_is_refused(bench: Bench, name: str, text: str | None, reason: str) -> None:
    """401 "Token is invalid", the reason in LastError."""
    bench.run(named(name), call(token()))  # brings the keys
    with pytest.raises(PolicyError) as caught:
        bench.run(named(name), call(text))
    assert (caught.value.status, caught.value.public_message) == (401, "Token is invalid")
    assert caught.value.reason == reason


@pytest.mark.parametrize("name", ORIGINAL)
def test_the_header_is_owned_by_the_gateway(bench: Bench, name: str) -> None:
    """On every route of the API, with or without a token, the client's own copy ends at the gateway."""
    assert bench.compile(named(name)).owned_headers == {"caller-objectid"}


@pytest.mark.parametrize("name", ORIGINAL)
def test_a_token_without_sub_leaves_no_header(bench: Bench, name: str) -> None:
    """Without the claim the backend sees no header at all, instead of an empty identity."""
    context = new_context(call(token(sub=None)))
    context.request.headers = Headers(context.request.headers.items())
    assert "caller-objectid" not in bench.run(named(name), context=context).request.headers


def test_oid_is_the_object_id(bench: Bench) -> None:
    """For users sub differs for each client; oid does not."""
    ran = bench.run(named("caller-objectid-oid.yaml"), call(token(sub="pairwise", oid="o1")))
    assert ran.request.headers.values("caller-objectid") == ("o1",)


def test_oid_must_be_there(bench: Bench) -> None:
    """Without an identity there is no call."""
    bench.run(named("caller-objectid-oid.yaml"), call(token()))
    with pytest.raises(PolicyError) as caught:
        bench.run(named("caller-objectid-oid.yaml"), call(token(oid=None)))
    assert caught.value.reason == "TokenClaimNotFound"


def test_every_document_has_its_policy_test() -> None:
    """What is shipped is tested the way users test their own."""
    tested = {path.name.removesuffix(".policytest.yaml") for path in (FOLDER / "tests").iterdir()}
    assert {path.stem for path in DOCUMENTS} == tested


def test_the_policy_tests_pass(capsys: pytest.CaptureFixture[str]) -> None:
    """``gateway test policies/tests`` exits with 0."""
    assert run_tests([FOLDER / "tests"]) == 0, capsys.readouterr().out
