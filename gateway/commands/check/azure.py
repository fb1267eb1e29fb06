"""
``gateway check --target azure``: what runs here and is known to be refused by Azure API Management.

It names what Microsoft's pages, or Azure's own error messages in public, say is refused. What it does not name may
still be refused: nothing here ever says that a document will be accepted.

Source: https://learn.microsoft.com/azure/api-management/api-management-policies, "Policy sections" of each policy.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

from gateway.documents.files import YAML_SUFFIXES
from gateway.documents.model import Node, PolicyDocument, Section, Text
from gateway.documents.placeholders import NAMED_VALUE
from gateway.errors import Location, Problem
from gateway.expressions import is_expression
from gateway.expressions.portability import refused_by_azure
from gateway.policies import POLICIES

_PAGE = "https://learn.microsoft.com/azure/api-management/{}-policy"
_FORM = "https://learn.microsoft.com/azure/api-management/set-edit-policies"
_ORDER = "https://github.com/MicrosoftDocs/azure-docs.fr-fr/issues/741"

# Initials of the sections in which Azure takes a policy, from its page; one that is not here may stand anywhere.
_SECTIONS: Mapping[str, str] = {
    **dict.fromkeys(
        """
        authentication-basic authentication-certificate cache-lookup check-header cors
        get-authorization-context ip-filter llm-token-limit azure-openai-token-limit proxy
        publish-to-dapr quota quota-by-key rate-limit rate-limit-by-key rewrite-uri
        validate-azure-ad-token validate-client-certificate validate-jwt validate-parameters
        """.split(),
        "i",
    ),
    **dict.fromkeys(("set-backend-service", "set-query-parameter"), "ib"),
    "set-method": "ie",
    **dict.fromkeys(("redirect-content-urls", "xsl-transform"), "io"),
    **dict.fromkeys(("wait",), "ibo"),
    **dict.fromkeys(
        ("json-to-xml", "xml-to-json", "mock-response", "validate-content", "send-service-bus-message"), "ioe"
    ),
    "forward-request": "b",
    **dict.fromkeys(("cache-store", "jsonp"), "o"),
    **dict.fromkeys(("validate-headers", "validate-status-code"), "oe"),
}
_INITIALS = {"i": Section.INBOUND, "b": Section.BACKEND, "o": Section.OUTBOUND, "e": Section.ON_ERROR}

# Elements in the only order that Azure takes.
_ORDERS: Mapping[str, tuple[str, tuple[str, ...]]] = {
    "validate-jwt": (
        _ORDER,
        ("openid-config", "issuer-signing-keys", "decryption-keys", "audiences", "issuers", "required-claims"),
    ),
}
_LONGEST_PERIOD_S = 300


def refused(document: PolicyDocument) -> list[Problem]:
    """Everything in *document* that Azure is known to refuse, in the order of the file; named values not replaced."""
    problems = dict.fromkeys(problem for section, root in _roots(document) for problem in _below(root, section))
    return [*_form(document), *sorted(problems, key=lambda problem: problem.location)]


def _form(document: PolicyDocument) -> Iterator[Problem]:
    if Path(document.file).suffix.lower() in YAML_SUFFIXES:
        remedy = f"gateway convert {document.file} --to xml; {_FORM}"
        yield Problem(Location(document.file), "azure-form", "Azure takes policies as XML alone", remedy)


def _roots(document: PolicyDocument) -> Iterator[tuple[Section | None, Node]]:
    """Where statements stand, and in which section; a fragment's is not known."""
    yield from document.sections.items()
    if document.fragment is not None:
        yield None, document.fragment


def _below(root: Node, section: Section | None) -> Iterator[Problem]:
    for child in root.children:
        yield from _section(child, section)
        yield from _below(child, section if child.name in _TRANSPARENT else None)
    for rule in (_extensions, _order, _period, _network, _expressions):
        yield from rule(root)


# Their policies stand in the section of the policy itself; what is inside of others are their own settings.
_TRANSPARENT = frozenset({"choose", "when", "otherwise", "retry", "wait", "limit-concurrency"})


def _section(node: Node, section: Section | None) -> Iterator[Problem]:
    initials = _SECTIONS.get(node.name)
    if section is None or initials is None or section not in POLICIES[node.name].sections:
        return  # not known, or refused here as well
    if section in {_INITIALS[initial] for initial in initials}:
        return
    allowed = ", ".join(_INITIALS[initial].value for initial in initials)
    message = f"Azure takes {node.name} in {allowed} only"
    yield Problem(node.location, "azure-section", message, f"move it there; {_PAGE.format(node.name)}")


def _extensions(node: Node) -> Iterator[Problem]:
    if node.name in ("validate-jwt", "validate-azure-ad-token"):
        for child in node.all("extensions"):
            remedy = f"remove it there; {_PAGE.format(node.name)}"
            yield Problem(child.location, "azure-extension", f"{node.name} has no extensions in Azure", remedy)


def _order(node: Node) -> Iterator[Problem]:
    source, order = _ORDERS.get(node.name, ("", ()))
    furthest = -1
    for child in node.children:
        place = order.index(child.name) if child.name in order else furthest
        if place < furthest:
            message = f"Azure takes {child.name} only before {order[furthest]}"
            yield Problem(
                child.location, "azure-order", message, f"write them in the order {', '.join(order)}; {source}"
            )
        furthest = max(furthest, place)


def _period(node: Node) -> Iterator[Problem]:
    period = node.attributes.get("renewal-period") if node.name in ("rate-limit", "rate-limit-by-key") else None
    if period is not None and period.value.isdigit() and int(period.value) > _LONGEST_PERIOD_S:
        remedy = f"use quota or quota-by-key for longer ones; {_PAGE.format(node.name)}"
        message = f"Azure's longest renewal-period of {node.name} is {_LONGEST_PERIOD_S} seconds"
        yield Problem(period.location, "azure-value", message, remedy)


def _network(node: Node) -> Iterator[Problem]:
    text = node.text if node.name == "address" else None
    if text is not None and "/" in text.value and not is_expression(text.value):
        remedy = f"write <address-range from=… to=… />; {_PAGE.format('ip-filter')}"
        yield Problem(text.location, "azure-value", "Azure's ip-filter takes no network in /bits", remedy)


def _expressions(node: Node) -> Iterator[Problem]:
    for text in _texts(node):
        value = NAMED_VALUE.sub("1", text.value)
        if is_expression(value):
            yield from refused_by_azure(value.strip(), text.location)


def _texts(node: Node) -> list[Text]:
    return [*node.attributes.values(), *([node.text] if node.text else [])]
