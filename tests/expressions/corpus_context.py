"""The context that the corpus is run in: every variable that an expression reads, of the type that it is cast to."""

from __future__ import annotations

import json
from base64 import urlsafe_b64encode
from typing import Any

from trustme import CA, KeyType

from gateway.expressions.entities import Authorization, ErrorFacts
from gateway.expressions.json.reader import parse
from gateway.tokens.jwt import Jwt
from gateway.wire.headers import Headers
from gateway.wire.messages import Response
from gateway.wire.upstream.way import StoredCertificate
from tests.entities import deployment, product, user
from tests.expressions.stubs import Body, context, request, response

_ISSUED = CA().issue_cert("contoso.com", key_type=KeyType.RSA)
_HELD = StoredCertificate(_ISSUED.cert_chain_pems[0].bytes(), _ISSUED.private_key_pem.bytes())

REQUEST_BODY = (
    b'{"model": "gpt-4o", "stream": true, "prompt": "once", "messages": [{"role": "user", "content": "hi"}],'
    b' "input": "text"}'
)
RESPONSE_BODY = (
    b'{"id": "r1", "model": "gpt-4o-2024", "choices": [{"text": "once upon", "message": {"content": "hello"}}],'
    b' "usage": {"prompt_tokens": 3, "completion_tokens": 4, "total_tokens": 7},'
    b' "error": {"code": "E1", "message": "broken"}, "access_token": "at-1", "value": [{"id": "u1"}], "data": []}'
)
STREAM = 'data: {"id":"r1"}\r\n\r\ndata: {"id":"r2","usage":{"total_tokens":7}}\r\n\r\ndata: [DONE]\r\n\r\n'
BACKENDS = """[
    {"url": "https://one", "backend-id": "one", "priority": 1, "isThrottling": false,
     "retryAfter": "0001-01-01T00:00:00"},
    {"url": "https://two", "backend-id": "two", "priority": 2, "isThrottling": true,
     "retryAfter": "9999-12-31T23:59:59.9999999"}
]"""
TOKEN = {
    "sub": "s-1", "oid": "o-1", "name": "Ada", "tid": "t-1", "appid": "a-1", "azp": "z-1", "aud": ["api://x"],
    "roles": ["r-1", "r-2"], "scp": "read write",
}  # fmt: skip


def _part(content: object) -> str:
    """A part of a compact token, whose signature is not valid: AsJwt reads without verifying."""
    return urlsafe_b64encode(json.dumps(content).encode()).decode().rstrip("=")


def answer(status: int = 200) -> Response:
    """The variable set by send-request: a response with the JSON body."""
    return response(status_code=status, body=Body(RESPONSE_BODY))


def variables() -> dict[str, object]:
    """By name, fresh for each run: bodies are read, arrays changed."""
    texts = """
        backend-id backendUrl callerKey clientAppId consumerName containerAppBaseUrl deploymentId developerName
        foundryToken googleAccessToken graphToken managed-id-access-token message-id mi model modelDeployment
        msi-access-token oid old-body openAIToken entra-jwt selected-backend-id signedJwt tenantId audience
        """.split()
    return {
        **{name: f"<{name}>" for name in texts},
        "auth-context": Authorization("ac-1"),
        "authz_roles": "r-9,r-2",
        "backend-counter": 4,
        "backend-pool": parse('["https://one", "https://two", "https://three"]'),
        "backendIndex": 0,
        "chosen-index": 1,
        "googleAccessTokenJwt": answer(),
        "googleAccessTokenResponse": answer(),
        "grp": answer(),
        "inGroup": True,
        "jwt": Jwt.of({"alg": "RS256"}, TOKEN),
        "listBackends": parse(BACKENDS),
        "parsedResponse": parse(RESPONSE_BODY.decode()),
        "parsedResponseString": RESPONSE_BODY.decode(),
        "precheckResponse": answer(429),
        "remainingBackends": "1",
        "requestBody": REQUEST_BODY.decode(),
        "responseBodyText": STREAM,
        "total-backend-count": 3,
    }


def corpus_context() -> Any:
    """A POST that failed behind the gateway with 429, its caller known by token, subscription, product and user."""
    bearer = f"Bearer {_part({'alg': 'RS256'})}.{_part(TOKEN)}.AAAA"
    sent = Headers([
        ("Authorization", bearer), ("Content-Type", "application/json"), ("X-Many", "a"), ("X-Many", "b"),
        ("api-key", "k-9"), ("Ocp-Apim-Subscription-Key", "k-8"), ("Origin", "https://www.contoso.com"),
    ])  # fmt: skip
    received = Headers([("Content-Type", "application/json"), ("Retry-After", "7"), ("x-ms-region", "West Europe")])
    return context(
        request=request(method="POST", headers=sent, body=Body(REQUEST_BODY)),
        response=response(status_code=429, reason="Too Many Requests", headers=received, body=Body(RESPONSE_BODY)),
        variables=variables(),
        product=product("gold", "Gold"),
        user=user("u-1", email="ada@contoso.com", first_name="Ada", last_name="L"),
        deployment=deployment(region="West Europe", service_name="contoso", certificates={"1": _HELD}),
        last_error=ErrorFacts("get-authorization-context", "R", "M", "api", "inbound", "p[1]", "p-1"),
    )
