"""What to do about refusals that are not about a token. Source: APIM "Error handling in API Management policies"."""

from __future__ import annotations

from collections.abc import Mapping

from gateway.remedies.facts import Facts, Remedy
from gateway.remedies.questions import question_remedy


def _not_found(facts: Facts) -> str:
    if facts.status == 400:
        return _PLAIN_PATH
    if facts.got.get("allowed"):
        return "Use one of these methods, or add an operation with this method to the API."
    if not facts.got.get("api") and facts.expected == ("the path of an API",):
        return "Compare the path with those of the APIs, as the console's page APIs lists them: one has to begin it."
    return "Compare the path with the API's operations: it begins with the API's own, and a template follows."


def _rate(facts: Facts) -> str:
    return (
        "Wait as long as Retry-After says. A caller that needs more gets a higher calls attribute or a key of its own."
    )


def _backend(facts: Facts) -> str:
    text = facts.message.lower()
    if "circuit" in text:
        return (
            "Find out why the backend failed: its earlier requests here have the reason. After trip-duration it is "
            "tried again; interval, count and trip-duration are settings of its circuit-breaker."
        )
    if "certificate" in text or "tls" in text:
        return "Compare the backend's certificate with its name and with the CA file that the backend's settings name."
    if "no backend" in text:
        return "Give the API a backend or a service-url, or set one with set-backend-service."
    if "resolve" in text:
        return "The backend's host name is not known to this machine's resolver: correct the URL or the DNS."
    if "refused" in text:
        return "Nothing listens at that address and port: start the backend, or correct its URL."
    return "Look whether the backend runs and whether its address, port and firewall let this machine connect."


def _timeout(facts: Facts) -> str:
    return "Find out there why it was so slow; the timeout of forward-request sets how long it may take."


def _key(facts: Facts) -> str:
    if facts.got.get("subscription") is None:
        return "Compare the key with those of the API's subscriptions: it may have been renewed, cut, or mixed up."
    if "other" in str(facts.got.get("state")):
        return "Use a key whose subscription is for this API or one of its products, or widen the scope of this one."
    return "Set the subscription's state to active, if it may call."


_RULES = {
    "SizeLimit": "Send less, or raise the policy's max-size.",
    "Unspecified": "Send what the API's definition lists, or set the policy's action for what it does not list.",
    "IncorrectMessage": "Correct the body: the API's definition, or the schema that the policy names, has its form.",
}


def _validation(facts: Facts) -> str:
    return _RULES.get(
        str(facts.asked.get("rule")), "Correct the request: the API's definition says what it has to contain."
    )


def _certificate(facts: Facts) -> str:
    if facts.found == ("no certificate",):
        return (
            "Let the client send its certificate. If it does, look at the listener: it asks for one only with "
            "tls/client-ca, and a proxy that ends TLS in front keeps it."
        )
    return "Send a client certificate that fits one of the identities in the policy."


def _no_token(facts: Facts) -> str:
    where = facts.expected[0] if facts.expected else ""
    if "query parameter" in where:
        return f"Send the token in {where}."
    if where and "authorization" not in where.lower():
        return f"Send the token in {where}, as it is."
    return "Send Authorization: Bearer TOKEN, with one space and the token as it is."


def _body(facts: Facts) -> str:
    return "A policy reads this body, so it is kept in memory: send less, or raise limits/body-buffer-bytes."


def _own_answer(facts: Facts) -> str:
    where = f"Read the conditions around {facts.place}" if facts.place else "Read the conditions around that policy"
    return f"{where}: one of them was true for this request. A trace shows the values."


_PLAIN_PATH = (
    "Send the path in its plain form: a server behind the gateway could read this one differently. path-escapes of "
    "an API allows it."
)

_PROXY_HEADER = (
    "With proxy-protocol, let exactly the peers in trusted-proxies send the header: HAProxy with send-proxy-v2 and "
    "check-send-proxy, nginx with proxy_protocol on."
)

# What the wire answers by itself, by status.
_WIRE: Mapping[int, str] = {
    400: "The request breaks the rules of HTTP: correct the client, or the proxy in front that has changed it.",
    405: "The gateway never forwards this method: use another.",
    408: "The client stopped sending: look at its connection; timeouts and limits/body-rate set how long it may take.",
    413: "Send less.",
    414: "Put less into the URL, for example by sending a body; limits/request-line-bytes sets the limit.",
    417: "The client expects what no server has to do: leave the header Expect out.",
    431: "Send fewer or shorter headers, such as cookies; limits sets how many (header-count) and how many bytes.",
    501: "Send the body as it is, or chunked: no other transfer coding is read.",
    503: "Repeat it in a moment; limits/connections sets how many may be open.",
    505: "Use HTTP/1.1.",
}


def _proxy(facts: Facts) -> str:
    """For the proxy in front; the record has it."""
    remedies = facts.asked.get("remedy")
    return question_remedy(remedies) if isinstance(remedies, Mapping) else ""


def _wire(facts: Facts) -> str:
    if "PROXY header" in facts.message:
        return _PROXY_HEADER
    if isinstance(facts.asked.get("remedy"), Mapping):
        return _proxy(facts)
    if facts.status == 400 and "path contains" in facts.message:
        return _PLAIN_PATH
    if facts.status == 400 and facts.message.startswith("More than one"):
        return "Let the client send that header once: it is unknown which of them a server would believe."
    return _WIRE.get(facts.status, "")


REQUEST: Mapping[str, Remedy] = {
    "OperationNotFound": _not_found,
    "RateLimitExceeded": _rate,
    "QuotaExceeded": lambda _: "The quota is used up until it is renewed: a higher quota is a setting of the policy.",
    "ConcurrencyLimitExceeded": lambda _: "As many requests as max-count allows are running: repeat it in a moment.",
    "CallerIpNotAllowed": lambda _: (
        "If this is the caller's own address, add it to ip-filter. If it is that of a proxy in front, name the proxy "
        "in trusted-proxies."
    ),
    "CallerIpBlocked": lambda _: "ip-filter forbids this address: remove it there if the caller is welcome.",
    "FailedToParseCallerIP": lambda _: "The address is not an IP address: check what the trusted proxy forwards.",
    "HeaderNotFound": lambda _: "Let the client, or the proxy in front that should set it, send the header.",
    "HeaderValueNotAllowed": lambda _: (
        'Let the client send an accepted value exactly; with ignore-case="true" letter case does not matter.'
    ),
    "SubscriptionKeyNotFound": lambda _: (
        "Send the primary or secondary key of a subscription to the API or its product."
    ),
    "SubscriptionKeyInvalid": _key,
    "RequestBodyTooLarge": _body,
    "BodyNotAvailable": lambda _: (
        "A policy reads or replaces the body of a gRPC call, which has no end before its answer: remove it there."
    ),
    "BodyMemoryExhausted": lambda _: (
        "Repeat it in a moment; envoy/ext-proc/body-memory sets how much bodies of all requests may take together."
    ),
    "ExpressionValueEvaluationFailure": lambda _: (
        "Guard the expression against values that are missing or of another form, for example with ?., "
        "GetValueOrDefault or TryParse."
    ),
    "BackendConnectionFailure": _backend,
    "Timeout": _timeout,
    "BackendErrorStatusCode": lambda _: (
        "Look into the backend's own log; it has received this request's id in x-request-id."
    ),
    "KeysUnavailable": lambda _: (
        "Look whether this machine reaches that URL (DNS, firewall, proxy, CA); /readyz and the page of issuers show "
        "when it does. The caller may repeat the request."
    ),
    "ClientConnectionFailure": lambda _: (
        "The client closed the connection before the answer: look at its own time-out."
    ),
    "ClientCertificateInvalid": _certificate,
    "BadContentCoding": lambda _: "Send the body in a coding that the answer's Accept-Encoding lists, or plain.",
    "BadGrpcTimeout": lambda _: "Let the client write grpc-timeout as up to eight digits and one of H, M, S, m, u, n.",
    "BadGrpcWebText": lambda _: "Let the client send base64 of its messages, or application/grpc-web without it.",
    "GrpcBodyNotReadable": lambda _: (
        "A policy reads or replaces the body of a gRPC call: remove it there. With type: grpc, gateway check names it."
    ),
    "GrpcMessageTooLarge": lambda _: "Send smaller messages, or raise max-request-message-bytes under grpc of the API.",
    "SoapMessageInvalid": lambda _: (
        "Send one SOAP envelope in UTF-8, without document type, processing instructions and attachments, with one "
        "element in its body and the Content-Type of its version."
    ),
    "SoapOperationUnclear": lambda _: (
        "SOAPAction, the parameter action, wsa:Action and the body's first element have to be those of one operation "
        "of the WSDL. Is the client generated from the WSDL that the API has?"
    ),
    "SoapMediaType": lambda _: "Send text/xml (SOAP 1.1) or application/soap+xml (SOAP 1.2), charset UTF-8.",
    "McpMessageUnclear": lambda _: (
        "Send one JSON-RPC message in strict JSON, no batch, each member once, with header fields that agree with it. "
        "A proxy that asks for a decision has to send the body, too."
    ),
    "McpMessageEncoded": lambda _: "Send the message as application/json in UTF-8, without Content-Encoding.",
    "McpMessageTooLarge": lambda _: "Send smaller messages, or raise max-message-bytes under mcp of the API.",
    "McpMessageNotPosted": lambda _: "Send messages with POST, not over a WebSocket; GET and DELETE have no body.",
    "McpOriginNotAllowed": lambda _: (
        "If pages of that origin may call, add it to allowed-origins under mcp of the API."
    ),
    "McpSessionUnknown": lambda _: (
        "The client should initialize again. Does another caller use its session, or has session-key changed?"
    ),
    "McpCallerUnknown": lambda _: (
        "session-key binds sessions to callers: let a policy verify a token, ask for a subscription key or a client "
        "certificate, or remove session-key."
    ),
    "ContentSafetyViolation": lambda _: (
        "The prompt or the answer has what llm-content-safety forbids: say it otherwise, or change thresholds, "
        "blocklists or shield-prompt. What cannot be read as one JSON text is refused, too."
    ),
    "ContentSafetyUnavailable": lambda _: (
        "The content safety service gave no judgement in time: look at its backend, its key and its quota."
    ),
    "GraphQLNotDecidable": lambda _: (
        "Whoever asks for a decision sends the request on as it came, and not as it was judged: let the gateway itself "
        "carry APIs of type graphql."
    ),
    "WebSocketNotSupported": lambda _: (
        "What passes through a WebSocket is neither counted nor judged: use HTTP here, or carry WebSockets by an "
        "operation without this policy."
    ),
    "ODataMetadataNotAvailable": lambda _: "Make it an API of type odata with metadata, or remove the policy there.",
    "Bad request": _validation,
    "Response not allowed": lambda _: "The backend's response does not fit the API's definition: correct one of them.",
    "OriginNotAllowed": lambda _: (
        "If pages of that origin may call, add it to allowed-origins, and what they use to allowed-methods and "
        "allowed-headers."
    ),
    "CallbackParameterInvalid": lambda _: "The JSONP callback may only be a JavaScript name.",
    "InvalidPath": lambda _: "rewrite-uri would make a path with dot segments: correct the template or the parameter.",
    "TokenNotPresent": _no_token,
    "InternalError": lambda _: "This is a mistake of the gateway's: its log has the stack under the same request id.",
    "": _own_answer,
}
_BY_SOURCE: Mapping[str, Remedy] = {
    "wire": _wire,
    "decisions": _proxy,
    "return-response": _own_answer,
}


def remedy_for(facts: Facts) -> str:
    """What to do about *facts*; empty where nothing is known."""
    remedy = _BY_SOURCE.get(facts.source) or REQUEST.get(facts.reason)
    return "" if remedy is None else remedy(facts)
