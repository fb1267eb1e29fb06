"""
Policy documents in YAML: the same tree of nodes as in XML, an element for a mapping key, an attribute for a key.

The shapes of the vocabulary say what a key is: an attribute, a child element, the plural of one, ``text`` or ``do``.

Source: docs/policies/README.md; ADR 35.
"""

from __future__ import annotations

from gateway.documents import check as checker
from gateway.documents.model import Node, PolicyDocument, Section, same_document
from gateway.documents.vocabulary import Vocabulary
from gateway.documents.yaml.reader import YamlReader
from gateway.documents.yaml.remarked import annotated, with_remarks
from gateway.documents.yaml.writer import written
from gateway.errors import LoadError, Problem
from gateway.reading.yaml_nodes import Mapping, Scalar, YamlNode, compose

__all__ = ["dump", "parse", "with_remarks"]

_SECTIONS = {section.value: section for section in Section}


def parse(text: str | bytes, file: str, vocabulary: Vocabulary) -> PolicyDocument:
    """
    The policy document in *text*; *file* is its name in errors.

    Raises:
        LoadError: Bad YAML alone; or every value of a wrong form, and what ``checker.check`` finds in the rest.
    """
    root = compose(text, file)
    if not isinstance(root, Mapping):
        remedy = "write inbound:, backend:, outbound: and on-error:, or fragment:"
        raise LoadError.at(root.location, "expected-mapping", "a policy document is a mapping of sections", remedy)
    reader = YamlReader(vocabulary)
    document = _document(root, file, reader)
    if reader.problems:
        others = checker.check(document, vocabulary)
        # What has the wrong form is there, and would be reported as missing.
        problems = [*reader.problems, *(other for other in others if not other.code.startswith("missing-"))]
        raise LoadError(sorted(problems, key=lambda problem: problem.location))
    return document


def dump(document: PolicyDocument, vocabulary: Vocabulary) -> str:
    """
    *document* as YAML; parsing the result gives the same document again, but for its locations.

    Blank lines are left out where they would become part of a text.

    Args:
        document: Must have passed ``checker.check``.

    Raises:
        LoadError: unknown-element, unexpected-text.
    """
    text = written(document, vocabulary)
    read = parse(text, document.file, vocabulary)
    for blanks in (True, False):
        remarked = annotated(text, document, read, blanks)
        if same_document(parse(remarked, document.file, vocabulary), read):
            return remarked
    return text


def _document(root: Mapping, file: str, reader: YamlReader) -> PolicyDocument:
    sections: dict[Section, Node] = {}
    fragment = None
    for key, value in root.entries:
        if key.value == "fragment" and len(root.entries) == 1:
            fragment = _section(key, value, reader)
        elif key.value in _SECTIONS:
            sections[_SECTIONS[key.value]] = _section(key, value, reader)
        else:
            reader.problems.append(_unknown(key))
    return PolicyDocument(file, sections, fragment)


def _section(key: Scalar, value: YamlNode, reader: YamlReader) -> Node:
    return Node(key.value, key.location, children=reader.policies(value))


def _unknown(key: Scalar) -> Problem:
    remedy = "a document has inbound, backend, outbound and on-error, or fragment alone"
    return Problem(key.location, "unknown-section", f"no section is called {key.value!r}", remedy)
