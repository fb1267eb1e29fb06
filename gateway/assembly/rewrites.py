"""
rewrite-uri against the operation's own URL template: the only parameters that there are.

Source: APIM policy reference, "rewrite-uri": "only parameters specified in the original URL template can be used".
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from gateway.data_plane.routing.templates import parameter_names, parse
from gateway.documents.model import Node, PolicyDocument, Section, Text
from gateway.documents.vocabulary import INCLUDE_FRAGMENT
from gateway.errors import LoadError, Location, Problem
from gateway.expressions import is_expression
from gateway.policies.rewrite_uri import placeholders


def unknown_parameters(
    document: PolicyDocument, url_template: str, fragments: Mapping[str, PolicyDocument]
) -> Iterator[Problem]:
    """Placeholders in *document*, the policy of an operation with *url_template*, that never have a value."""
    known = _known(url_template)
    used = (
        (template, name)
        for template in _templates(document.statements(Section.INBOUND), fragments)
        for name in placeholders(template.value)
    )
    for template, name in used:
        if known is not None and name not in known:
            message = f"the operation's URL template {url_template} has no parameter {name!r}"
            remedy = f"use one of: {', '.join(known)}" if known else "write the template without parameters"
            yield Problem(template.location, "unknown-parameter", message, remedy)


def _known(url_template: str) -> list[str] | None:
    """The parameters of a template; None for a bad one, which is refused elsewhere."""
    try:
        return parameter_names(parse(url_template, Location("")))
    except LoadError:
        return None


def _templates(nodes: tuple[Node, ...], fragments: Mapping[str, PolicyDocument]) -> Iterator[Text]:
    """The literal templates of every rewrite-uri in *nodes*, in the fragments that they include too."""
    for node in nodes:
        template = node.attributes.get("template") if node.name == "rewrite-uri" else None
        if template is not None and not is_expression(template.value):
            yield template
        yield from _templates(_inside(node, fragments), fragments)


def _inside(node: Node, fragments: Mapping[str, PolicyDocument]) -> tuple[Node, ...]:
    """What stands inside *node*: its children, or the content of the fragment that it includes."""
    included = fragments.get(node.attribute("fragment-id") or "") if node.name == INCLUDE_FRAGMENT.name else None
    return node.children if included is None or included.fragment is None else included.fragment.children
