"""What to do about refusals that are not about a token. Source: APIM "Error handling in API Management policies"."""

from __future__ import annotations

from collections.abc import Mapping

from gateway.remedies.facts import Facts, Remedy


def _not_found(facts: Facts) -> str:
    if facts.status == 400:
        return "Send the path in its plain form: a server behind the gateway could read this one differently."
    return (
        "Compare method and path with the API's operations: the path begins with the API's own, and a method that no "
        "operation lists is not found either."
    )


def _rate(facts: Facts) -> str:
    return (
        "Wait as long as Retry-After says. A caller that needs more gets a higher calls attribute or a key of its own."
    )


def _backend(facts: Facts) -> str:
    text = facts.message.lower()
    if "circuit" in text:
        return "Its circuit is open after repeated failures, and closes when the backend answers again: look there."
    if "certificate" in text or "tls" in text:
        return "Compare the backend's certificate with its name and with the CA file that the backend's settings name."
    if "no backend" in text:
        return "Give the API a backend or a service-url, or set one with set-backend-service."
    if "resolve" in text or "name" in text:
        return "The backend's host name is not known to this machine's resolver: correct the URL or the DNS."
    return "Look whether the backend runs and whether its address, port and firewall let this machine connect."


def _timeout(facts: Facts) -> str:
    return "The backend was too slow. Find out why there; the timeout of forward-request sets how long it may take."


def _body(facts: Facts) -> str:
    return "A policy reads this body, so it is kept in memory: send less, or raise limits/body-buffer-bytes."


def _own_answer(facts: Facts) -> str:
    return "The policy document decided this: read the condition around it."


REQUEST: Mapping[str, Remedy] = {
    "OperationNotFound": _not_found,
    "RateLimitExceeded": _rate,
    "QuotaExceeded": lambda _: "The quota is used up until it is renewed: a higher quota is a setting of the policy.",
    "ConcurrencyLimitExceeded": lambda _: "As many requests as max-count allows are running: repeat it in a moment.",
    "CallerIpNotAllowed": lambda _: (
        "Add the address to ip-filter. Behind a proxy, name the proxy in trusted-proxies, or its own address is judged."
    ),
    "CallerIpBlocked": lambda _: "ip-filter forbids this address: remove it there if the caller is welcome.",
    "FailedToParseCallerIP": lambda _: "The address is not an IP address: check what the trusted proxy forwards.",
    "HeaderNotFound": lambda _: "Let the client send the header, or remove check-header.",
    "HeaderValueNotAllowed": lambda _: "Let the client send an accepted value; ignore-case decides about letter case.",
    "SubscriptionKeyNotFound": lambda _: "Send a subscription key in the API's header or query parameter.",
    "SubscriptionKeyInvalid": lambda _: (
        "The key is not one of an active subscription to this API or its product: compare it, its scope and its dates."
    ),
    "RequestBodyTooLarge": _body,
    "ExpressionValueEvaluationFailure": lambda _: (
        "An expression failed on this request: guard it against values that are missing, for example with ?. or "
        "GetValueOrDefault."
    ),
    "BackendConnectionFailure": _backend,
    "Timeout": _timeout,
    "BackendErrorStatusCode": lambda _: "The backend answered with an error: its own log has the reason.",
    "KeysUnavailable": lambda _: (
        "The issuer's metadata or keys cannot be fetched: /readyz and the issuers page show the error. "
        "The token was not judged."
    ),
    "ClientConnectionFailure": lambda _: (
        "The client closed the connection before the answer: look at its own time-out."
    ),
    "ClientCertificateInvalid": lambda _: "Send a client certificate that fits one of the identities in the policy.",
    "BadContentCoding": lambda _: "Send the body in a coding that the answer's Accept-Encoding lists, or plain.",
    "Bad request": lambda _: "The request does not fit the API's definition: the detail names the rule.",
    "Response not allowed": lambda _: "The backend's response does not fit the API's definition: mend one of them.",
    "CallbackParameterInvalid": lambda _: "The JSONP callback may only be a JavaScript name.",
    "InvalidPath": lambda _: "rewrite-uri would make a path with dot segments: correct the template or the parameter.",
    "TokenNotPresent": lambda _: "Send Authorization: Bearer TOKEN, with one space and the token as it is.",
    "InternalError": lambda _: "This is a mistake of the gateway's: its log has the stack under the same request id.",
    "": _own_answer,
}


def remedy_for(facts: Facts) -> str:
    """What to do about *facts*; empty where nothing is known."""
    remedy = REQUEST.get(facts.reason)
    return "" if remedy is None else remedy(facts)
