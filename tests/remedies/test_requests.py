"""Remedies for refusals that are not about a token."""

from __future__ import annotations

import pytest

from gateway.remedies.facts import Facts
from gateway.remedies.requests import REQUEST, remedy_for

BACKEND = "BackendConnectionFailure"
CASES: list[tuple[Facts, str]] = [
    (Facts(reason="OperationNotFound", status=404), "method and path"),
    (Facts(reason="OperationNotFound", status=400), "plain form"),
    (Facts(reason="RateLimitExceeded"), "Retry-After"),
    (Facts(reason="QuotaExceeded"), "renewed"),
    (Facts(reason="ConcurrencyLimitExceeded"), "max-count"),
    (Facts(reason="CallerIpNotAllowed"), "trusted-proxies"),
    (Facts(reason="CallerIpBlocked"), "ip-filter"),
    (Facts(reason="FailedToParseCallerIP"), "trusted proxy"),
    (Facts(reason="HeaderNotFound"), "send the header"),
    (Facts(reason="HeaderValueNotAllowed"), "ignore-case"),
    (Facts(reason="SubscriptionKeyNotFound"), "Send a subscription key"),
    (Facts(reason="SubscriptionKeyInvalid"), "active subscription"),
    (Facts(reason="RequestBodyTooLarge"), "body-buffer-bytes"),
    (Facts(reason="ExpressionValueEvaluationFailure"), "GetValueOrDefault"),
    (Facts(reason=BACKEND, message="The circuit of backend orders is open."), "circuit is open"),
    (Facts(reason=BACKEND, message="certificate verify failed"), "CA file"),
    (Facts(reason=BACKEND, message="no backend is set for this request"), "service-url"),
    (Facts(reason=BACKEND, message="The name cannot be resolved"), "resolver"),
    (Facts(reason=BACKEND, message="Connection refused"), "backend runs"),
    (Facts(reason="Timeout"), "forward-request"),
    (Facts(reason="BackendErrorStatusCode"), "own log"),
    (Facts(reason="KeysUnavailable"), "/readyz"),
    (Facts(reason="ClientConnectionFailure"), "closed the connection"),
    (Facts(reason="ClientCertificateInvalid"), "identities"),
    (Facts(reason="BadContentCoding"), "Accept-Encoding"),
    (Facts(reason="Bad request"), "definition"),
    (Facts(reason="Response not allowed"), "backend's response"),
    (Facts(reason="CallbackParameterInvalid"), "JavaScript name"),
    (Facts(reason="InvalidPath"), "dot segments"),
    (Facts(reason="TokenNotPresent"), "Authorization: Bearer TOKEN"),
    (Facts(reason="InternalError"), "same request id"),
    (Facts(status=403), "condition around it"),
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
