"""
Policy documents in XML, exactly as APIM takes them: ``parse`` and ``dump``.

Source: APIM "Policies in Azure API Management".
"""

from __future__ import annotations

from dataclasses import replace
from difflib import get_close_matches

from gateway.documents.model import Node, PolicyDocument, Section
from gateway.documents.xml.reader import read
from gateway.documents.xml.writer import dump
from gateway.errors import LoadError, Problem

__all__ = ["dump", "parse"]

_SECTIONS = {section.value: section for section in Section}
DATA_SOURCES = ("http-data-source", "sql-data-source", "cosmosdb-data-source")


def parse(text: str | bytes, file: str) -> PolicyDocument:
    """
    The policy document in *text*; *file* is its name in errors.

    Expressions may be raw C# or entity-escaped; either way their text is C# afterwards.

    Raises:
        LoadError: The text is not well-formed, or not a policy document.
    """
    root = read(text, file)
    if root.name in DATA_SOURCES:  # the document of a GraphQL resolver
        return PolicyDocument(file, fragment=Node("fragment", root.location, children=(root,)))
    if root.name == "fragment":
        return PolicyDocument(file, fragment=replace(root, before=()), before=root.before)
    return _document(_policies(root), file)


def _policies(root: Node) -> Node:
    """*root*, or the one <policies> that it wraps, as test cases and exports do."""
    roots = [root] if root.name == "policies" else list(root.all("policies"))
    if len(roots) == 1:
        return roots[0]
    message = f"the root element is <{root.name}>"
    remedy = (
        "write <policies> around it" if root.name in _SECTIONS else "write <fragment> or <policies><inbound> around it"
    )
    raise LoadError.at(root.location, "unknown-root", message, remedy)


def _document(root: Node, file: str) -> PolicyDocument:
    sections: dict[Section, Node] = {}
    problems = list(_stray(root))
    for node in root.children:
        section = _SECTIONS.get(node.name)
        if section is None:
            problems.append(Problem(node.location, "unknown-section", *_not_a_section(node.name)))
        elif section in sections:
            message = f"{node.name} occurs here for the second time"
            problems.append(Problem(node.location, "duplicate-section", message, "join the two"))
        else:
            sections[section] = node
    if problems:
        raise LoadError(sorted(problems, key=lambda problem: problem.location))
    return PolicyDocument(file, sections, before=root.before, inside=root.inside)


def _not_a_section(name: str) -> tuple[str, str]:
    """What stands among the sections instead of one, and the remedy."""
    close = get_close_matches(name.lower(), _SECTIONS, n=1)
    remedy = f"did you mean {close[0]}?" if close else "put it inside inbound, backend, outbound or on-error"
    return f"no section is called {name!r}", remedy


def _stray(root: Node) -> list[Problem]:
    """What <policies> holds besides sections."""
    problems = [
        Problem(text.location, "unknown-attribute", f"<policies> takes no attribute {name}", "remove it")
        for name, text in root.attributes.items()
        if not name.startswith("xmlns")
    ]
    if root.text:
        problems.append(Problem(root.text.location, "unexpected-text", "text between the sections", "remove it"))
    return problems
