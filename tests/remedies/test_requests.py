"""Remedies for refusals that are not about a token."""

from __future__ import annotations

import pytest

from gateway.remedies.facts import Facts
from gateway.remedies.requests import REQUEST, remedy_for

BACKEND = "BackendConnectionFailure"
CASES: list[tuple[Facts, str]] = [
    (Facts(reason="OperationNotFound", status=404), "operations"),
    (Facts(reason="OperationNotFound", got={"allowed": ["GET"]}), "one of these methods"),
    (Facts(reason="OperationNotFound", expected=("the path of an API",)), "those of the APIs"),
    (Facts(reason="OperationNotFound", status=400), "plain form"),
    (Facts(reason="RateLimitExceeded"), "Retry-After"),
    (Facts(reason="QuotaExceeded"), "renewed"),
    (Facts(reason="ConcurrencyLimitExceeded"), "max-count"),
    (Facts(reason="CallerIpNotAllowed"), "trusted-proxies"),
    (Facts(reason="CallerIpBlocked"), "ip-filter"),
    (Facts(reason="FailedToParseCallerIP"), "trusted proxy"),
    (Facts(reason="HeaderNotFound"), "send the header"),
    (Facts(reason="HeaderValueNotAllowed"), "ignore-case"),
    (Facts(reason="SubscriptionKeyNotFound"), "primary or secondary key"),
    (Facts(reason="SubscriptionKeyInvalid"), "renewed, cut"),
    (Facts(reason="SubscriptionKeyInvalid", got={"subscription": "s", "state": "not active"}), "state to active"),
    (Facts(reason="SubscriptionKeyInvalid", got={"subscription": "s", "state": "active, for other APIs"}), "widen"),
    (Facts(reason="RequestBodyTooLarge"), "body-buffer-bytes"),
    (Facts(reason="ExpressionValueEvaluationFailure"), "GetValueOrDefault"),
    (Facts(reason=BACKEND, message="The circuit of backend orders is open."), "trip-duration"),
    (Facts(reason=BACKEND, message="certificate verify failed"), "CA file"),
    (Facts(reason=BACKEND, message="no backend is set for this request"), "service-url"),
    (Facts(reason=BACKEND, message="The name cannot be resolved"), "resolver"),
    (Facts(reason=BACKEND, message="Connection refused"), "Nothing listens"),
    (Facts(reason=BACKEND, message="No route to host"), "backend runs"),
    (Facts(reason="Timeout"), "forward-request"),
    (Facts(reason="BackendErrorStatusCode"), "own log"),
    (Facts(reason="KeysUnavailable"), "/readyz"),
    (Facts(reason="ClientConnectionFailure"), "closed the connection"),
    (Facts(reason="ClientCertificateInvalid"), "identities"),
    (Facts(reason="ClientCertificateInvalid", found=("no certificate",)), "client-ca"),
    (Facts(reason="BodyNotAvailable"), "gRPC call"),
    (Facts(reason="BodyMemoryExhausted"), "body-memory"),
    (Facts(reason="BadContentCoding"), "Accept-Encoding"),
    (Facts(reason="BadGrpcTimeout"), "eight digits"),
    (Facts(reason="BadGrpcWebText"), "base64"),
    (Facts(reason="GrpcBodyNotReadable"), "type: grpc"),
    (Facts(reason="GrpcMessageTooLarge"), "max-request-message-bytes"),
    (Facts(reason="SoapMessageInvalid"), "one SOAP envelope"),
    (Facts(reason="SoapOperationUnclear"), "wsa:Action"),
    (Facts(reason="SoapMediaType"), "application/soap+xml"),
    (Facts(reason="McpMessageUnclear"), "one JSON-RPC message"),
    (Facts(reason="McpMessageEncoded"), "UTF-8"),
    (Facts(reason="McpMessageTooLarge"), "max-message-bytes"),
    (Facts(reason="McpMessageNotPosted"), "POST"),
    (Facts(reason="McpOriginNotAllowed"), "allowed-origins"),
    (Facts(reason="McpSessionUnknown"), "initialize again"),
    (Facts(reason="McpCallerUnknown"), "session-key"),
    (Facts(reason="ContentSafetyViolation"), "thresholds"),
    (Facts(reason="ContentSafetyUnavailable"), "quota"),
    (Facts(reason="GraphQLNotDecidable"), "type graphql"),
    (Facts(reason="WebSocketNotSupported"), "operation without"),
    (Facts(reason="ODataMetadataNotAvailable"), "type odata"),
    (Facts(reason="Bad request"), "definition"),
    (Facts(reason="Bad request", asked={"rule": "SizeLimit"}), "max-size"),
    (Facts(reason="OriginNotAllowed"), "allowed-origins"),
    (Facts(reason="Response not allowed"), "backend's response"),
    (Facts(reason="CallbackParameterInvalid"), "JavaScript name"),
    (Facts(reason="InvalidPath"), "dot segments"),
    (Facts(reason="TokenNotPresent"), "Authorization: Bearer TOKEN"),
    (Facts(reason="TokenNotPresent", expected=("the query parameter t",)), "the query parameter t"),
    (Facts(reason="TokenNotPresent", expected=("the header X-Token",)), "the header X-Token, as it is"),
    (Facts(reason="BadRequest", source="wire", status=400, message="Malformed Host header"), "rules of HTTP"),
    (Facts(reason="BadRequest", source="wire", status=400, message="More than one host header"), "once"),
    (Facts(reason="BadRequest", source="wire", status=400, message="The path contains %2F"), "plain form"),
    (Facts(source="wire", status=414), "request-line-bytes"),
    (Facts(reason="Forbidden", source="return-response", place="a.xml:7"), "around a.xml:7"),
    (Facts(reason="InternalError"), "same request id"),
    (Facts(status=403), "conditions around"),
    (Facts(reason="AnAuthorsOwnReason"), ""),
]


@pytest.mark.parametrize(("facts", "said"), CASES)
def test_remedies(facts: Facts, said: str) -> None:
    """Each reason has its remedy; an unknown one has none."""
    remedy = remedy_for(facts)
    assert said in remedy
    assert bool(said) == bool(remedy)


def test_every_reason_is_tried() -> None:
    """No remedy is without a case."""
    assert set(REQUEST) <= {facts.reason for facts, _ in CASES}
