"""context and its members, as APIM documents them, read from the pipeline's objects."""

from __future__ import annotations

import base64
from datetime import UTC, datetime
from typing import Any

import pytest
import trustme
from cryptography import x509

from gateway.errors import ExpressionError
from gateway.expressions import to_text
from gateway.expressions.entities import Authorization, ErrorFacts, GroupInfo, IdentityInfo
from gateway.expressions.types.certificates import trust_roots
from gateway.tokens.jwt import Jwt
from gateway.wire.headers import Headers
from gateway.wire.upstream.way import StoredCertificate
from tests.entities import deployment, product, subscription, user
from tests.expressions.stubs import Body, Url, context, evaluate, request, response

JWT = Jwt.of({"alg": "RS256", "typ": "JWT"}, {
    "sub": "s1", "iss": "https://i", "aud": ["a", "b"], "jti": "j", "exp": 1709211909,
    "roles": ["Admin", "Reader"],
    "n": 5,
})  # fmt: skip
GROUPS = (GroupInfo("g1", "Developers"),)
USER = user("u1", email="a@b.c", first_name="A", last_name="B", groups=GROUPS, identities=(IdentityInfo("x", "Azure"),))
ERROR = ErrorFacts("validate-jwt", "TokenExpired", "late", "api", "inbound", "validate-jwt[1]", None)
SUBSCRIPTION = subscription(
    "s", "n", "k", primary_key="p", secondary_key="q", created_date=datetime(2024, 1, 1, tzinfo=UTC)
)
PRODUCT = product("p", "Free", subscriptions_limit=5, groups=GROUPS)
FORM = b"a=1&b=x+y&a=2"
CASES = {
    "context.Request.Method": "GET",
    "context.Request.IpAddress": "203.0.113.7",
    "context.Request.Headers.GetValueOrDefault(\"accept\", \"x\")": "application/json",
    "context.Request.Headers.GetValueOrDefault(\"X-Many\")": "a,b",
    "context.Request.Headers.GetValueOrDefault(\"None\", \"d\")": "d",
    "context.Request.Headers.GetValueOrDefault(\"None\") == null": "True",
    "context.Request.Headers[\"X-Many\"].Length": "2",
    "context.Request.Headers.ContainsKey(\"x-many\")": "True",
    "context.Request.Headers.TryGetValue(\"X-Many\", out var h) ? h[1] : null": "b",
    "string.Join(\",\", context.Request.Headers.Select(x => x.Key + x.Value.Length))": "Accept1,X-Many2",
    "context.Request.Headers.Count": "2",
    "context.Request.Headers.Keys.First()": "Accept",
    "context.Request.Headers.Values.First()[0]": "application/json",
    "context.Request.Headers.Any(x => x.Key == \"Accept\")": "True",
    "context.Request.OriginalUrl": "https://api.contoso.com/orders/42?a=1&b=x%20y&a=2",
    "context.Request.OriginalUrl.QueryString": "?a=1&b=x%20y&a=2",
    "context.Request.OriginalUrl.Port": "443",
    "context.Request.Url.Host + context.Request.Url.Path": "backend.local/v1/orders/42",
    "context.Request.Url.Scheme": "https",
    "context.Request.Url.Query.GetValueOrDefault(\"A\", \"\")": "1,2",
    "context.Request.Url.Query[\"b\"].First()": "x y",
    "context.Request.Url.Query.ContainsKey(\"zz\")": "False",
    "context.Request.Url.Query.Count": "2",
    "context.Request.Url.ToUri().AbsolutePath": "/v1/orders/42",
    "context.Request.MatchedParameters[\"id\"]": "42",
    "context.Request.MatchedParameters.GetValueOrDefault(\"ID\", \"\")": "42",
    "context.Request.MatchedParameters.ContainsKey(\"x\")": "False",
    "context.Request.Certificate == null": "True",
    "context.Request.Body == null": "True",
    "context.Response.StatusCode + context.Response.StatusReason": "200OK",
    "context.Response.Headers.GetValueOrDefault(\"content-type\", \"\")": "application/json",
    "(string)context.Response.Body.As<JObject>(preserveContent: true)[\"items\"][1][\"id\"]": "2",
    "context.Api.Id + context.Api.Revision + context.Api.Version + context.Api.IsCurrentRevision": "orders3v1True",
    "context.Api.IsRevisionCurrent": "True",
    "context.Api.ServiceUrl.Host": "backend.local",
    "context.Api.Protocols.First()": "https",
    "context.Operation.UrlTemplate + context.Operation.Method": "/orders/{id}GET",
    "context.Deployment.Region + context.Deployment.Gateway.Id + context.Deployment.Gateway.IsManaged": (
        "West EuropemanagedTrue"
    ),
    "context.Elapsed.TotalSeconds": "1.5",
    "context.RequestId": "11111111-2222-3333-4444-555555555555",
    "context.Timestamp.ToString(\"o\")": "2024-02-29T12:30:45.0000000Z",
    "context.Tracing": "False",
    "context.User.Groups.Select(g => g.Name).First() + context.User.Identities.First().Provider": "DevelopersAzure",
    "context.User.Groups.Any(g => g.Id == \"g1\")": "True",
    "context.LastError.Source + context.LastError.Reason + context.LastError.PolicyId": "validate-jwtTokenExpired",
    "context.Subscription.CreatedDate.Year + context.Subscription.Key": "2024k",
    "context.Subscription.EndDate == null": "True",
    "context.Subscription?.EndDate?.Year ?? 0": "0",
    "context.Product.Name + context.Product.State + context.Product.SubscriptionsLimit": "FreePublished5",
    "context.Product.State == ProductState.Published": "True",
    "context.Product.Groups.Count()": "1",
    "context.Workspace?.Id ?? \"none\"": "none",
    "context.Variables.Count": "6",
    "context.Variables.ContainsKey(\"jwt\")": "True",
    "context.Variables.GetValueOrDefault<int>(\"n\", 7) + context.Variables.GetValueOrDefault<int>(\"zz\", 7)": "12",
    "context.Variables.GetValueOrDefault(\"zz\", \"d\")": "d",
    "context.Variables.GetValueOrDefault<string>(\"zz\") ?? \"null\"": "null",
    "context.Variables.TryGetValue(\"n\", out var v) ? (int)v : 0": "5",
    "((string[])context.Variables[\"list\"]).Length": "2",
    "((byte[])context.Variables[\"bytes\"])[1]": "2",
    "((IDictionary<string, object>)context.Variables[\"map\"])[\"k\"]": "v",
    "((Jwt)context.Variables[\"jwt\"]).Subject": "s1",
    "((Jwt)context.Variables[\"jwt\"]).Audiences.Contains(\"b\")": "True",
    "((Jwt)context.Variables[\"jwt\"]).Claims[\"roles\"][1]": "Reader",
    "((Jwt)context.Variables[\"jwt\"]).Claims.GetValueOrDefault(\"roles\", \"\")": "Admin,Reader",
    "((Jwt)context.Variables[\"jwt\"]).Claims.GetValueOrDefault(\"none\", \"d\")": "d",
    "((Jwt)context.Variables[\"jwt\"]).Claims.Count": "7",
    "((Jwt)context.Variables[\"jwt\"]).Claims.Any(c => c.Key == \"n\" && c.Value[0] == \"5\")": "True",
    "((Jwt)context.Variables[\"jwt\"]).ExpirationTime > DateTime.Parse(\"2024-02-29\")": "True",
    "((Jwt)context.Variables[\"jwt\"]).ExpirationTime.Value.ToString(\"s\")": "2024-02-29T13:05:09",
    "((Jwt)context.Variables[\"jwt\"]).NotBefore == null": "True",
    "(context.Variables[\"jwt\"] as Jwt)?.Issuer + ((Jwt)context.Variables[\"jwt\"]).Id": "https://ij",
    "((Jwt)context.Variables[\"jwt\"]).Algorithm + ((Jwt)context.Variables[\"jwt\"]).Type": "RS256JWT",
    "((IResponse)context.Variables[\"response\"]).Body.As<string>()": "hi",
    "((IResponse)context.Variables[\"response\"]).StatusCode": "201",
    "context.Variables[\"jwt\"] is IResponse": "False",
    "\"Basic dTpwOnE=\".AsBasic().UserId": "u",
    "\"Basic dTpwOnE=\".AsBasic().Password": "p:q",
    "\"Bearer x\".AsBasic() == null": "True",
    "\"nope\".AsJwt() == null": "True",
    "\"\".AsJwt()?.Subject ?? \"none\"": "none",
}  # fmt: skip


def whole_context() -> Any:
    """A context in which everything is there."""
    stored = response(status_code=201, body=Body(b"hi"), headers=Headers([]))
    variables = {"jwt": JWT, "n": 5, "list": ["a", "b"], "bytes": b"\x01\x02", "map": {"k": "v"}, "response": stored}
    return context(variables=variables, user=USER, last_error=ERROR, subscription=SUBSCRIPTION, product=PRODUCT)


@pytest.mark.parametrize(("source", "expected"), CASES.items(), ids=CASES.keys())
def test_members(source: str, expected: str) -> None:
    """Each member of context gives what the pipeline's object holds, in its .NET type."""
    changes = vars(whole_context())
    assert to_text(evaluate(f"@({source})", **changes)) == expected


BODIES = {
    "string": ("As<string>()", b"\xef\xbb\xbfa", "a"),
    "bytes": ("As<byte[]>().Length", b"abc", "3"),
    "object": ('As<JObject>()["a"]', b'{"a": 1}', "1"),
    "token": ("As<JToken>().Type", b"[1]", "Array"),
    "array": ("As<JArray>().Count", b"[1, 2]", "2"),
    "element": ("As<XElement>().Value", b"<a>x</a>", "x"),
    "document": ("As<XDocument>().Root.Name", b"<a>x</a>", "a"),
    "node": ("As<XNode>().ToString()", b"<a/>", "<a />"),
    "form": ('AsFormUrlEncodedContent()["a"].Count', FORM, "2"),
    "form text": ("AsFormUrlEncodedContent().ToQueryString()", FORM, "a=1&a=2&b=x+y"),
    "named argument": ("As<string>(preserveContent: true)", b"x", "x"),
}


@pytest.mark.parametrize(("call", "data", "expected"), BODIES.values(), ids=BODIES.keys())
def test_bodies_become_what_is_asked_for(call: str, data: bytes, expected: str) -> None:
    """As<T> reads text, bytes, JSON and XML; forms have their own reader."""
    found = evaluate(f"@(context.Request.Body.{call})", request=request(body=Body(data)))
    assert to_text(found) == expected


@pytest.mark.parametrize("call", ["As<JObject>()", "As<JArray>()", "As<XElement>()", "As<int>()"])
def test_bodies_of_the_wrong_kind_throw(call: str) -> None:
    """A body that is not JSON or XML, or is asked for as a type that no body can be, fails the expression."""
    with pytest.raises(ExpressionError):
        evaluate(f"@(context.Request.Body.{call})", request=request(body=Body(b"nope")))


def test_missing_things_are_null() -> None:
    """What the pipeline does not have reads as null, and a member of it throws."""
    assert evaluate("@(context.Product?.Name)") is None
    assert evaluate("@(context.LastError)") is None
    with pytest.raises(ExpressionError, match="KeyNotFoundException"):
        evaluate('@(context.Variables["x"])')
    with pytest.raises(ExpressionError, match="KeyNotFoundException"):
        evaluate('@(context.Request.Headers["None"])')


def test_an_authorization_of_the_pipeline_is_one() -> None:
    """What get-authorization-context puts into a variable can be cast to Authorization."""
    variables = {"a": Authorization("token", {"k": "v"})}
    source = (
        '@(((Authorization)context.Variables["a"]).AccessToken + ((Authorization)context.Variables["a"]).Claims["k"])'
    )
    assert evaluate(source, variables=variables) == "tokenv"


def test_trace_reaches_the_pipeline() -> None:
    """context.Trace writes one line to the request's trace."""
    lines: list[str] = []
    assert evaluate('@{ context.Trace("a" + 1); return 0; }', trace=lines.append) == 0
    assert lines == ["a1"]


AUTHORITY = trustme.CA()
ISSUED = AUTHORITY.issue_cert("client.example", common_name="client.example", key_type=trustme.KeyType.RSA)
CERTIFICATE = x509.load_pem_x509_certificate(ISSUED.cert_chain_pems[0].bytes())


def test_client_certificates_show_their_names() -> None:
    """Subject, thumbprint, serial number and validity of the client's certificate."""
    seen = {"request": request(certificate=CERTIFICATE)}
    assert "CN=client.example" in str(evaluate("@(context.Request.Certificate.Subject)", **seen))
    assert len(str(evaluate("@(context.Request.Certificate.Thumbprint)", **seen))) == 40
    assert evaluate("@(context.Request.Certificate.NotAfter > DateTime.Now)", **seen) is True
    assert evaluate("@(context.Request.Certificate.SerialNumber.Length > 2)", **seen) is True
    assert (
        evaluate("@(context.Request.Certificate.GetNameInfo(X509NameType.DnsName, false))", **seen) == "client.example"
    )
    assert evaluate(
        "@(context.Request.Certificate.Issuer.Length > 3 && !context.Request.Certificate.HasPrivateKey)", **seen
    )
    assert evaluate("@(context.Request.Certificate.RawData.Length > 300)", **seen) is True


def test_certificates_verify_against_the_trusted_issuers_only() -> None:
    """Verify() is false until the issuer is trusted."""
    seen = {"request": request(certificate=CERTIFICATE)}
    assert evaluate("@(context.Request.Certificate.Verify())", **seen) is False
    trust_roots([x509.load_pem_x509_certificate(AUTHORITY.cert_pem.bytes())])
    try:
        assert evaluate("@(context.Request.Certificate.VerifyNoRevocation())", **seen) is True
    finally:
        trust_roots([])


def test_deployment_certificates_sign_and_verify() -> None:
    """A certificate of the deployment signs with its private key; anybody verifies with the public one."""
    stored = StoredCertificate(ISSUED.cert_chain_pems[0].bytes(), ISSUED.private_key_pem.bytes())
    source = """@{
        var certificate = context.Deployment.Certificates["c1"];
        var data = Encoding.UTF8.GetBytes("x");
        var signature = certificate.GetRSAPrivateKey()
            .SignData(data, HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1);
        var rsa = certificate.GetRSAPublicKey();
        var secret = rsa.Encrypt(data, RSAEncryptionPadding.OaepSHA256);
        var plain = certificate.GetRSAPrivateKey().Decrypt(secret, RSAEncryptionPadding.OaepSHA256);
        return rsa.VerifyData(data, signature, HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1)
            && !rsa.VerifyData(plain, new byte[256], HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1);
    }"""
    assert evaluate(source, deployment=deployment(certificates={"c1": stored})) is True


def test_keys_load_from_pem_xml_and_numbers() -> None:
    """RSA keys come as PEM, as XML and as numbers."""
    from cryptography.hazmat.primitives.asymmetric import rsa
    from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

    key = rsa.generate_private_key(65537, 2048)
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
    modulus = key.public_key().public_numbers().n.to_bytes(256, "big")
    shown = base64.b64encode(modulus).decode()
    source = """@{
        var signer = RSA.Create();
        signer.ImportFromPem((string)context.Variables["pem"]);
        var data = new byte[] { 1, 2 };
        var signature = signer.SignData(data, HashAlgorithmName.SHA512, RSASignaturePadding.Pss);
        var byXml = RSA.Create();
        byXml.FromXmlString("<RSAKeyValue><Modulus>" + context.Variables["n"] + "</Modulus><Exponent>AQAB</Exponent></RSAKeyValue>");
        var byNumbers = new RSACryptoServiceProvider();
        byNumbers.ImportParameters(new RSAParameters {
            Modulus = Convert.FromBase64String((string)context.Variables["n"]), Exponent = new byte[] { 1, 0, 1 } });
        return byXml.VerifyData(data, signature, HashAlgorithmName.SHA512, RSASignaturePadding.Pss)
            && byNumbers.VerifyData(data, signature, HashAlgorithmName.SHA512, RSASignaturePadding.Pss);
    }"""  # noqa: E501
    assert evaluate(source, variables={"pem": pem, "n": shown}) is True


def test_urls_without_usual_port_show_it() -> None:
    """A port that is not the scheme's own is part of the URL's text."""
    url = Url(scheme="http", host="h", port=8080, path="/", query="", params={})
    assert evaluate("@(context.Request.Url.ToString())", request=request(url=url)) == "http://h:8080/"
