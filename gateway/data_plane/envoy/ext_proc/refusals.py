"""
What cannot run as Envoy's external processor, and what to do instead: refused at load, by element and line.

Envoy owns the connections on both sides, so whatever chooses, times or repeats them is in its configuration.

Source: docs/adr/0086.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from gateway.documents.model import Node, PolicyDocument, Text
from gateway.documents.vocabulary import INCLUDE_FRAGMENT
from gateway.errors import Location, Problem
from gateway.wire.fields import fold_name

_CERTIFICATE = re.compile(r"\bRequest\s*\.\s*Certificate\b")
_DEFAULTS = {"follow-redirects": "false", "http-version": "1"}


@dataclass(frozen=True, slots=True)
class Unprocessable:
    """
    One thing that cannot run.

    Attributes:
        what: As a table shows it.
        reason: Why, as a message.
    """

    what: str
    reason: str
    remedy: str


# By policy: refused wherever it stands.
POLICIES: Mapping[str, Unprocessable] = {
    "proxy": Unprocessable(
        "`proxy`", "Envoy connects to the backends", "give the cluster of the backend the proxy as its endpoint"
    ),
    "authentication-certificate": Unprocessable(
        "`authentication-certificate`",
        "Envoy presents the certificate to the backend",
        "set it in the cluster's transport_socket (UpstreamTlsContext)",
    ),
    "validate-client-certificate": Unprocessable(
        "`validate-client-certificate`",
        "Envoy ends the client's TLS, and the processor is not shown the certificate",
        "validate it in the listener's DownstreamTlsContext, or use ext_authz with include_peer_certificate",
    ),
}

# By policy and attribute; an attribute with Envoy's own value passes.
ATTRIBUTES: Mapping[str, Mapping[str, Unprocessable]] = {
    "forward-request": {
        **dict.fromkeys(
            ("timeout", "timeout-ms", "continue-timeout"),
            Unprocessable(
                "`timeout`, `timeout-ms`, `continue-timeout`",
                "Envoy waits for the backend",
                "set the route's timeout in Envoy",
            ),
        ),
        "follow-redirects": Unprocessable(
            "`follow-redirects`",
            "Envoy sends the request",
            "pass redirects on to the client; an internal redirect of Envoy's would be judged again",
        ),
        "http-version": Unprocessable(
            "`http-version`", "Envoy connects to the backend", "set it in the cluster's HttpProtocolOptions"
        ),
    },
    **dict.fromkeys(
        ("quota", "quota-by-key"),
        {
            "bandwidth": Unprocessable(
                "`bandwidth`",
                "bodies that no policy reads do not come here, so their bytes cannot be counted",
                "limit calls, or count bytes in Envoy",
            )
        },
    ),
}

RETRY = Unprocessable(
    "`retry` around `forward-request`",
    "Envoy sends a request once for each judgement",
    "use the route's retry_policy in Envoy; retry around send-request works",
)
CERTIFICATE = Unprocessable(
    "`context.Request.Certificate`",
    "Envoy ends the client's TLS, and the processor is not shown the certificate",
    "let Envoy validate it",
)
OWN_FIELD = Unprocessable(
    "`set-header` of `x-envoy-…`, or of the routing field",
    "Envoy acts on this field, so policies neither see nor set it",
    "use another name, or configure Envoy",
)


def refused(
    document: PolicyDocument, fragments: Mapping[str, PolicyDocument] | None = None, routing_name: str = ""
) -> list[Problem]:
    """
    Everything in *document* that cannot run behind Envoy, in the order of the file.

    Args:
        fragments: By name, as far as they are known.
        routing_name: The field that names the cluster; empty: it is not known.
    """
    roots = [*document.sections.values(), *([document.fragment] if document.fragment else [])]
    known, own = fragments or {}, fold_name(routing_name)
    problems = [problem for root in roots for node in root.walk() for problem in _of(node, known, own)]
    return sorted(dict.fromkeys(problems), key=lambda problem: problem.location)


def _of(node: Node, fragments: Mapping[str, PolicyDocument], own: str) -> Iterator[Problem]:
    if refusal := POLICIES.get(node.name):
        yield _problem(node.location, "envoy-policy", f"{node.name} cannot run behind Envoy", refusal)
    if node.name == "retry" and _sends(node, fragments):
        yield _problem(node.location, "envoy-retry", "retry cannot repeat forward-request behind Envoy", RETRY)
    if node.name == "set-header" and _is_envoys(node.attributes.get("name"), own):
        yield _problem(node.location, "envoy-header", "this header is Envoy's", OWN_FIELD)
    yield from _attributes(node)
    yield from _expressions(node)


def _expressions(node: Node) -> Iterator[Problem]:
    for text in [*node.attributes.values(), *([node.text] if node.text else [])]:
        if _CERTIFICATE.search(text.value):
            message = "context.Request.Certificate is always null behind Envoy"
            yield _problem(text.location, "envoy-certificate", message, CERTIFICATE)


def _attributes(node: Node) -> Iterator[Problem]:
    """Those that have no effect, unless they have the value that Envoy has."""
    for name, refusal in ATTRIBUTES.get(node.name, {}).items():
        text = node.attributes.get(name)
        if text is not None and text.value.strip().lower() != _DEFAULTS.get(name):
            message = f"{name} of {node.name} has no effect behind Envoy"
            yield _problem(text.location, "envoy-attribute", message, refusal)


def _problem(location: Location, code: str, message: str, refusal: Unprocessable) -> Problem:
    return Problem(location, code, f"{message}: {refusal.reason}", refusal.remedy)


def _sends(node: Node, fragments: Mapping[str, PolicyDocument]) -> bool:
    """Whether a request is sent somewhere below *node*."""
    return any(_is_sending(below, fragments) for child in node.children for below in child.walk())


def _is_sending(node: Node, fragments: Mapping[str, PolicyDocument]) -> bool:
    if node.name != INCLUDE_FRAGMENT.name:
        return node.name == "forward-request"
    fragment = fragments.get((node.attribute("fragment-id") or "").strip())
    # A fragment includes no other one.
    return (
        fragment is not None
        and fragment.fragment is not None
        and any(below.name == "forward-request" for below in fragment.fragment.walk())
    )


def _is_envoys(name: Text | None, own: str) -> bool:
    if name is None:
        return False
    key = fold_name(name.value.strip())
    return key.startswith("x-envoy-") or key == own


def table() -> Iterator[tuple[str, str, str]]:
    """Rows for the documentation: what is refused, why, and what to do instead."""
    yield from ((refusal.what, refusal.reason, refusal.remedy) for refusal in POLICIES.values())
    for policy, attributes in ATTRIBUTES.items():
        for refusal in dict.fromkeys(attributes.values()):
            yield f"{refusal.what} of `{policy}`", refusal.reason, refusal.remedy
    yield from ((refusal.what, refusal.reason, refusal.remedy) for refusal in (RETRY, CERTIFICATE, OWN_FIELD))
