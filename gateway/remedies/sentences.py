"""What was expected and what was found, in one sentence. Where one of them is not known, nothing is said about it."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from gateway.remedies.facts import Facts, listed, moment, span

Sentence = Callable[[Facts], str]

_UNITS = {"at_most_bytes": "bytes", "bytes": "bytes", "at_most": "", "fields": "", "at_once": "at a time"}


def sentence(facts: Facts) -> str:
    """*facts* in one sentence."""
    return _SENTENCES.get(facts.reason, _BY_SOURCE.get(facts.source, generally))(facts)


def claim_names(facts: Facts) -> str:
    """The claim that is wrong, or those that are missing."""
    return facts.claim or listed(facts.expected, "and") or "the claim"


def message_of(facts: Facts) -> str:
    """The gateway's own message, as the beginning of a sentence."""
    message = facts.message.replace(" Access denied.", "").rstrip(". ")
    return message or facts.reason or f"The answer was {facts.status}"


def generally(facts: Facts) -> str:
    """The message, with both sides where they add something to it."""
    message = message_of(facts)
    size, limit = _amount(facts.got), _amount(facts.asked)
    if size and limit:
        return f"{message}: {size}, and at most {limit} are accepted."
    if facts.asked or facts.got:
        return f"{message}."
    sides = (("Expected", listed(facts.expected)), ("Found", listed(facts.found, "and")))
    contrast = "".join(f" {label}: {text.rstrip('.')}." for label, text in sides if text.rstrip(".") not in message)
    return f"{message}.{contrast}"


def _amount(side: Mapping[str, object]) -> str:
    """``619 bytes``, where *side* is one number of a known kind."""
    for name, unit in _UNITS.items():
        if isinstance(side.get(name), int | float):
            return f"{side[name]} {unit}".strip()
    return ""


def contrast(what: str, verb: str = "accepted here") -> Sentence:
    """``The token's audience is a, and b is accepted here.``"""

    def said(facts: Facts) -> str:
        clause = f"{what} is {listed(facts.found, 'and')}" if facts.found else f"{what} is missing"
        are = "is" if len(facts.expected) == 1 else "are"
        return f"{clause}, and {listed(facts.expected)} {are} {verb}." if facts.expected else f"{clause}."

    return said


# -- tokens
def _expired(facts: Facts) -> str:
    expires = facts.claims.get("exp")
    if isinstance(expires, int | float):
        return f"The token ended at {moment(expires)}, and the request came at {moment(facts.now)}."
    return "The token has expired."


def _missing_claim(facts: Facts) -> str:
    name = claim_names(facts)
    return f"The token has no claim {name}, which is required here{_values(facts)}."


def _values(facts: Facts) -> str:
    return f" with the value {listed(facts.expected)}" if facts.claim and facts.expected else ""


def _wrong_claim(facts: Facts) -> str:
    return contrast(f"The token's claim {facts.claim}".rstrip(), "required here")(facts)


def _signing_key(facts: Facts) -> str:
    """The name of the key that the token claims to be signed with."""
    told = facts.found[0] if facts.found and not facts.got else None
    name = facts.header.get("kid") or facts.header.get("x5t") or told
    return f"key {name}" if name else "a key without a name"


def _unknown_key(facts: Facts) -> str:
    known = f": {listed(facts.expected, 'and')}" if facts.expected else ""
    return f"The token is signed with {_signing_key(facts)}, which is not among the keys that are accepted here{known}."


def _signature(facts: Facts) -> str:
    if facts.header.get("alg") == "none":
        return "The token is unsigned, and a signature is required here."
    if not facts.header:
        return f"{message_of(facts)}."
    algorithm = facts.header.get("alg")
    return f"The token says that {_signing_key(facts)} signed it with {algorithm}, and no accepted key did."


def _no_token(facts: Facts) -> str:
    if not facts.expected:
        return "The request has no token where one is expected."
    present = listed(facts.found) or "nothing"
    return f"A token was expected in {listed(facts.expected)}, and {present} was there."


def _invalid_token(facts: Facts) -> str:
    """APIM has one reason for many faults: they differ by what was expected."""
    for name, said in _FAULTS.items():
        if name in facts.asked or name in facts.got:
            return said(facts)
    if facts.asked.get("claim") == "exp":
        return "The token has no exp, the time at which it ends, which is required here."
    if facts.expected and facts.found and not facts.asked:
        return f"{_capital(listed(facts.expected))} was expected, and the request had {listed(facts.found)}."
    return generally(facts)


def _capital(text: str) -> str:
    return f"{text[:1].upper()}{text[1:]}"


def _not_yet(facts: Facts) -> str:
    starts, ends = facts.got.get("nbf"), facts.got.get("exp")
    if isinstance(starts, int | float) and isinstance(ends, int | float):
        return f"The token begins at {moment(starts)}, after its end at {moment(ends)}."
    if isinstance(starts, int | float):
        return f"The token is valid from {moment(starts)}, and the request came at {moment(facts.now)}."
    return generally(facts)


def _algorithm(facts: Facts) -> str:
    return f"The token is signed with {facts.got.get('alg')}, and {_list_of(facts.asked.get('alg'))} is accepted here."


def _type(facts: Facts) -> str:
    kind = facts.got.get("typ") or "missing"
    return f"The token's type (typ) is {kind}, and {_list_of(facts.asked.get('typ'))} is accepted here."


def _lifetime(facts: Facts) -> str:
    length = facts.found[0] if facts.found else "too many"
    return f"The token is valid for {length} s in all, and at most {facts.asked['at_most_s']} s are accepted."


def _confirmation(facts: Facts) -> str:
    return "The token is not bound to a client certificate (cnf), and only bound tokens are accepted here."


def _certificate_of_token(facts: Facts) -> str:
    shown = "another certificate" if facts.found else "no certificate"
    return f"The token is bound to a client certificate, and the request came with {shown}."


def _list_of(value: object) -> str:
    return listed([str(item) for item in value]) if isinstance(value, list | tuple) else str(value)


_FAULTS: Mapping[str, Sentence] = {
    "nbf": _not_yet,
    "alg": _algorithm,
    "typ": _type,
    "at_most_s": _lifetime,
    "confirmation": _confirmation,
    "certificate": _certificate_of_token,
}


# -- requests
def _limit(facts: Facts) -> str:
    limit, period, used = facts.asked.get("limit"), facts.asked.get("period_s"), facts.got.get("used")
    if limit is None or used is None:
        return generally(facts)
    what, ends = _counted(facts.message), ("", " is") if limit == 1 else ("s", " are")
    allowed = f"{limit} {what}{ends[0]} in {_period(period)}" if period else f"{limit} {what}{ends[0]} in all"
    return f"{allowed}{ends[1]} allowed, and {used} {'is' if used == 1 else 'are'} used{_renewed(facts)}."


def _counted(message: str) -> str:
    if "bandwidth" in message:
        return "kilobyte"
    return "token" if "oken" in message else "call"


def _period(seconds: object) -> str:
    return span(seconds) if isinstance(seconds, int | float) else str(seconds)


def _renewed(facts: Facts) -> str:
    wait = facts.got.get("renewal_in_s")
    return f"; the next is possible in {span(wait)}" if isinstance(wait, int | float) else ""


def _concurrency(facts: Facts) -> str:
    limit = facts.asked.get("at_once", listed(facts.expected))
    return f"{limit} requests at a time are allowed, and that many are running."


def _address(facts: Facts) -> str:
    return f"The caller's address is {listed(facts.found)}, and only {_list_of(_ranges(facts))} is allowed."


def _blocked(facts: Facts) -> str:
    return f"The caller's address is {listed(facts.found)}, and {_list_of(_ranges(facts))} is blocked."


def _ranges(facts: Facts) -> object:
    return facts.asked.get("in") or facts.asked.get("not_in") or list(facts.expected)


def _no_header(facts: Facts) -> str:
    return f"The header {facts.asked.get('header', listed(facts.expected))} is required here, and the request has none."


def _header(facts: Facts) -> str:
    name, length = facts.asked.get("header"), facts.got.get("characters")
    if name is None or length is None:
        return contrast("The header's value")(facts)
    if facts.got.get("values") != 1:
        return f"The header {name} may have one value, and the request has {facts.got.get('values')}."
    return (
        f"The header {name} has a value of {length} characters, which is not accepted; values are not shown, because "
        "they may be secret."
    )


def _no_key(facts: Facts) -> str:
    return f"The API {facts.asked.get('api')} needs a subscription key, and the request has none{_where(facts)}."


def _where(facts: Facts) -> str:
    header, query = facts.asked.get("header"), facts.asked.get("query")
    return f" in the header {header} or the query parameter {query}" if header else ""


def _bad_key(facts: Facts) -> str:
    wanted = f"The API {facts.asked.get('api')} needs the key of an active subscription to it"
    name = facts.got.get("subscription")
    if name is None:
        return f"{wanted}, and the request has a key that belongs to no subscription."
    where = "is active for other APIs only" if "other" in str(facts.got.get("state")) else "is not active"
    return f"{wanted}; the request has the key of the subscription {name}, which {where}."


def _no_route(facts: Facts) -> str:
    if facts.status == 400:
        return f"{message_of(facts)}."
    allowed, method = facts.got.get("allowed"), facts.got.get("method", facts.method)
    if allowed:
        return f"The path {facts.path} exists for {_list_of(allowed)}, and the request's method is {method}."
    if facts.expected == ("the path of an API",):
        return f"No API's path begins like {facts.path}."
    name = listed(facts.expected).removeprefix("an operation of the API ")
    return f"The API {name} has no operation for {method} {facts.path}."


def _client_certificate(facts: Facts) -> str:
    if facts.found == ("no certificate",):
        return "A client certificate was expected, and the client has sent none."
    subject = facts.got.get("subject")
    return f"{message_of(facts)}{f': the certificate is that of {subject}' if subject else ''}."


def _message(facts: Facts) -> str:
    return f"{_capital(message_of(facts))}."


def _keys(facts: Facts) -> str:
    return f"The token could not be judged: {message_of(facts)[:1].lower()}{message_of(facts)[1:]}."


def _circuit(facts: Facts) -> str:
    seconds = facts.got.get("for_s")
    if facts.got.get("circuit") != "open":
        return _unreached(facts)
    rest = f" for another {span(seconds)}" if isinstance(seconds, int | float) else ""
    name = facts.message.split("'")[1] if facts.message.count("'") == 2 else "of this API"
    return f"The circuit of the backend {name} is open: after too many failures nothing is sent to it{rest}."


def _unreached(facts: Facts) -> str:
    name = facts.asked.get("backend")
    return f"{message_of(facts)}{f' (backend {name})' if name and str(name) not in facts.message else ''}."


def _backend_error(facts: Facts) -> str:
    return f"The backend itself answered {listed(facts.found) or facts.status}, and the gateway passed that on."


def _expression(facts: Facts) -> str:
    where = f" of {facts.source}{f' at {facts.place}' if facts.place else ''}" if facts.source else ""
    what = message_of(facts).removeprefix("Expression evaluation failed. ")
    return f"An expression{where} could not be evaluated for this request: {what}."


def _wire(facts: Facts) -> str:
    if facts.status != 400:
        return generally(facts)
    message = message_of(facts)
    return f"The request is not acceptable HTTP: {message[:1].lower()}{message[1:]}."


def _own_answer(facts: Facts) -> str:
    place = f" at {facts.place}" if facts.place else ""
    by = f" of the policy {facts.source}{place}" if facts.source else ""
    return f"The answer {facts.status} is the decision{by}, not an error of a check."


def _origin(facts: Facts) -> str:
    origins, origin = facts.asked.get("origins"), facts.got.get("origin")
    if origins is None or origin is None:
        return generally(facts)
    method = f" with the method {facts.got['method']}" if facts.got.get("method") else ""
    return (
        f"A page of {origin} asked{method}; cors allows {_list_of(origins)} with "
        f"{_list_of(facts.asked.get('methods'))}, and the browser keeps the answer from the page."
    )


_SENTENCES: Mapping[str, Sentence] = {
    "TokenNotPresent": _no_token,
    "TokenExpired": _expired,
    "TokenAudienceNotAllowed": contrast("The token's audience"),
    "TokenIssuerNotAllowed": contrast("The token's issuer"),
    "TokenSignatureKeyNotFound": _unknown_key,
    "TokenSignatureInvalid": _signature,
    "TokenClaimNotFound": _missing_claim,
    "TokenClaimValueNotAllowed": _wrong_claim,
    "JwtInvalid": _invalid_token,
    "KeysUnavailable": _keys,
    "RateLimitExceeded": _limit,
    "QuotaExceeded": _limit,
    "ConcurrencyLimitExceeded": _concurrency,
    "CallerIpNotAllowed": _address,
    "CallerIpBlocked": _blocked,
    "HeaderNotFound": _no_header,
    "HeaderValueNotAllowed": _header,
    "SubscriptionKeyNotFound": _no_key,
    "SubscriptionKeyInvalid": _bad_key,
    "OperationNotFound": _no_route,
    "ClientCertificateInvalid": _client_certificate,
    "Bad request": _message,
    "Response not allowed": _message,
    "BackendConnectionFailure": _circuit,
    "BackendErrorStatusCode": _backend_error,
    "Timeout": _message,
    "RequestBodyTooLarge": _message,
    "BodyNotAvailable": _message,
    "BodyMemoryExhausted": _message,
    "OriginNotAllowed": _origin,
    "ExpressionValueEvaluationFailure": _expression,
    "": _own_answer,
}
_BY_SOURCE: Mapping[str, Sentence] = {"return-response": _own_answer, "wire": _wire}
