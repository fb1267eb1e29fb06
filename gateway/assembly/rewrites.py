"""
rewrite-uri against the operation's own URL template: the only parameters that there are.

Source: APIM policy reference, "rewrite-uri": "only parameters specified in the original URL template can be used".
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from itertools import chain

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
    for template, name in _used(document, fragments):
        if known is not None and name not in known:
            yield _unknown(template, f"the operation's URL template {url_template} has no parameter {name!r}", known)


def unknown_everywhere(
    document: PolicyDocument, url_templates: Iterable[str], fragments: Mapping[str, PolicyDocument]
) -> Iterator[Problem]:
    """Placeholders in *document*, the policy of an API, that none of its operations has."""
    known = [_known(template) for template in url_templates]
    if not known or None in known:
        return
    names = list(dict.fromkeys(chain.from_iterable(filter(None, known))))
    for template, name in _used(document, fragments):
        if name not in names:
            yield _unknown(template, f"no operation of the API has the parameter {name!r} in its URL template", names)


def _unknown(template: Text, message: str, known: list[str]) -> Problem:
    remedy = f"use one of: {', '.join(known)}" if known else "write the template without parameters"
    return Problem(template.location, "unknown-parameter", message, remedy)


def _used(document: PolicyDocument, fragments: Mapping[str, PolicyDocument]) -> Iterator[tuple[Text, str]]:
    """Each template of *document* with each name in it."""
    for template in _templates(document.statements(Section.INBOUND), fragments):
        yield from ((template, name) for name in placeholders(template.value))


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
