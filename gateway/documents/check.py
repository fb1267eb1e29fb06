"""
A document against the shapes of the vocabulary: everything wrong with it that no policy has to be asked about.

Source: APIM "Policies in Azure API Management".
"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass, field

from gateway.documents.balance import unbalanced
from gateway.documents.model import Node, PolicyDocument, Section, Text
from gateway.documents.placeholders import NAMED_VALUE, UNRESOLVED, is_unresolved, mentions_named_value
from gateway.documents.shape import ID, Attribute, Child, Content, Element, Kind
from gateway.documents.suggestions import (
    element_remedy,
    is_surplus,
    mixture_remedy,
    policy_remedy,
    suggest,
    text_remedy,
    unclosed_named_value,
)
from gateway.documents.vocabulary import BASE, INCLUDE_FRAGMENT, Vocabulary, statement_shape
from gateway.errors import Location, Problem
from gateway.expressions.scan import Unbalanced, scan_expression

# `user@{{domain}}` is text with a named value.
_EXPRESSION_START = re.compile(r"@\(|@\{(?!\{)")
_DOUBLED_BRACES = re.compile(rf"\s*@(?!{NAMED_VALUE.pattern})\{{\{{")
_NUMBER = re.compile(r"-?\d+(\.\d+)?([eE][+-]?\d+)?", re.ASCII)
_LITERALS = {
    Kind.BOOLEAN: re.compile("true|false", re.IGNORECASE),
    Kind.INTEGER: re.compile(r"[+-]?\d+", re.ASCII),
    Kind.NUMBER: _NUMBER,
}
_LARGEST = 2.0**53  # beyond it neither JSON nor the counters of Redis are exact
_FILL_IN = "fill in the template's ${…} and %{…} before loading"
_EXPECTED = {Kind.BOOLEAN: "true or false", Kind.INTEGER: "a whole number", Kind.NUMBER: "a number"}


def check(document: PolicyDocument, vocabulary: Vocabulary, section: Section | None = None) -> list[Problem]:
    """
    Every mistake in *document*, in the order of the file; an empty list when it may be compiled.

    Args:
        section: Where a fragment is included; None checks it without a section.
    """
    check = _Check(vocabulary, document.fragment is not None)
    for own, node in document.sections.items():
        check.top(node, own)
    if document.fragment is not None:
        check.top(document.fragment, section)
    return sorted(check.problems, key=lambda problem: problem.location)


@dataclass(slots=True)
class _Check:
    """One run over one document."""

    vocabulary: Vocabulary
    fragment: bool
    problems: list[Problem] = field(default_factory=list)

    # -- statements
    def top(self, node: Node, section: Section | None) -> None:
        """A section or a fragment as a whole."""
        for name, text in node.attributes.items():
            if not name.startswith("xmlns"):
                self._report(text.location, "unknown-attribute", f"{node.name} takes no attribute {name}", "remove it")
        if node.text is not None:
            self._stray(
                node.text, f"text between the policies of {node.name}", "remove it, or write <!-- … --> around it"
            )
        for child in node.children:
            if child.name == BASE.name and not self.fragment:
                self._element(child, BASE, section)
            else:
                self._statement(child, section)

    def _statement(self, node: Node, section: Section | None) -> None:
        if node.name == BASE.name:
            message = "base cannot be inside a fragment" if self.fragment else "base cannot be inside other policies"
            self._report(node.location, "misplaced-base", message, "put it directly below inbound, outbound, …")
            return
        if self.fragment and node.name == INCLUDE_FRAGMENT.name:
            message = "a fragment includes another fragment"
            self._report(node.location, "nested-fragment", message, "include both in the document")
        shape = statement_shape(node.name, self.vocabulary)
        if shape is None:
            message = f"no policy is called {node.name!r}"
            self._report(node.location, "unknown-element", message, policy_remedy(node.name, self.vocabulary))
            return
        if shape.refused:
            message = f"{node.name} is not run here: {shape.refused}"
            self._report(node.location, "cloud-only", message, "remove it, or keep this API in APIM")
            return
        self._section(node, section)
        self._element(node, shape, section, policy=True)

    def _section(self, node: Node, section: Section | None) -> None:
        kind = self.vocabulary.get(node.name)
        if kind is not None and section is not None and section not in kind.sections:
            allowed = ", ".join(known.value for known in Section if known in kind.sections)
            message = f"{node.name} is not allowed in {section.value}"
            self._report(node.location, "wrong-section", message, f"allowed in: {allowed}")

    # -- one element against its shape
    def _element(self, node: Node, shape: Element, section: Section | None, policy: bool = False) -> None:
        self._attributes(node, shape, policy)
        self._text(node, shape)
        if shape.content is Content.POLICIES:
            if shape.required and not node.children:
                self._report(node.location, "missing-policy", f"{node.name} contains no policy", "put one inside it")
            for child in node.children:
                self._statement(child, section)
        else:
            self._children(node, shape, section)

    def _attributes(self, node: Node, shape: Element, policy: bool) -> None:
        known = [*shape.attributes, ID] if policy else shape.attributes
        declared = {attribute.name: attribute for attribute in known}
        for name, text in node.attributes.items():
            if name in declared:
                self._value(text, declared[name], f"{node.name}/{name}")
            elif not name.startswith("xmlns:"):
                names = [*declared, *(child.element.name for child in shape.children)]
                self._unknown_attribute(node, name, names, shape)
        self._missing_attributes(node, shape)

    def _missing_attributes(self, node: Node, shape: Element) -> None:
        for attribute in shape.attributes:
            written = attribute.name in node.attributes or node.child(attribute.name) is not None
            if attribute.required and not written:
                message = f"{node.name} needs the attribute {attribute.name}"
                self._report(node.location, "missing-attribute", message, f'add {attribute.name}="…"')

    def _unknown_attribute(self, node: Node, name: str, known: list[str], shape: Element) -> None:
        message = f"{node.name} takes no attribute {name!r}"
        remedy = f"it is an element here: <{name}>…</{name}>" if shape.child(name) else suggest(name, known)
        self._report(node.attributes[name].location, "unknown-attribute", message, remedy)

    def _text(self, node: Node, shape: Element) -> None:
        takes_text = shape.content in (Content.TEXT, Content.VERBATIM)
        if node.text is None:
            if takes_text and shape.required:
                self._report(node.location, "missing-text", f"{node.name} is empty", "put its value inside")
        elif not takes_text:
            self._stray(node.text, f"{node.name} takes no text", text_remedy(shape))
        else:
            self._value(node.text, shape, node.name)

    def _stray(self, text: Text, message: str, remedy: str) -> None:
        hole = is_unresolved(text.value)
        self._report(text.location, UNRESOLVED if hole else "unexpected-text", message, _FILL_IN if hole else remedy)

    def _children(self, node: Node, shape: Element, section: Section | None) -> None:
        counts = Counter(child.name for child in node.children)
        for child in node.children:
            declared = shape.child(child.name)
            if declared is None:
                message = f"{node.name} takes no element {child.name!r}"
                remedy = element_remedy(child.name, shape, statement_shape(child.name, self.vocabulary) is not None)
                self._report(child.location, "unknown-element", message, remedy)
            else:
                self._element(child, declared.element, section)
        for declared in shape.children:
            self._count(node, declared, counts[declared.element.name])

    def _count(self, node: Node, declared: Child, count: int) -> None:
        name = declared.element.name
        hole = node.text is not None and is_unresolved(node.text.value)  # as %{ if … }, which may leave some out
        if count < declared.minimum and name not in node.attributes:
            message = f"{node.name} needs {_times(declared.minimum)} {name}, not {count}"
            self._report(node.location, UNRESOLVED if hole else "missing-child", message, f"add <{name}>")
        elif declared.maximum is not None and count > declared.maximum:
            surplus = list(node.all(name))[declared.maximum]
            message = f"{node.name} takes at most {_times(declared.maximum)} {name}, not {count}"
            code = UNRESOLVED if hole else "too-many-children"
            self._report(surplus.location, code, message, "remove the surplus ones")

    # -- values
    def _value(self, text: Text, rule: Attribute | Element, name: str) -> None:
        """A value: one expression, or a literal of the right kind; ``{{…}}`` may be either."""
        expression = _EXPRESSION_START.search(text.value)
        if _DOUBLED_BRACES.match(text.value) and not _tolerates_mixture(rule):
            message = f"{name} is an expression with doubled braces, as templates escape them"
            self._report(text.location, "doubled-braces", message, "write @{ … } with single braces")
        elif expression and text.value.lstrip().startswith(expression[0]):
            self._expression(text, rule, name)
        elif expression and not _tolerates_mixture(rule):
            self._mixed(text, name, expression.start(), rule)
        elif not mentions_named_value(text.value):
            self._literal(text, rule, name)

    def _expression(self, text: Text, rule: Attribute | Element, name: str) -> None:
        """A value that begins with an expression."""
        value = text.value.strip()
        try:
            end = scan_expression(value, 0)
        except Unbalanced as error:
            self.problems.append(unbalanced(value, 0, error, lambda offset: text.location.behind(value[:offset])))
            return
        if is_surplus(value[end:]):
            message = f"{name} ends with {value[end:].strip()} that nothing has opened"
            self._report(text.location.behind(value[:end]), "unbalanced-expression", message, "remove it")
        elif not rule.expression:
            self._no_expression(text, name)
        elif end < len(value) and not _tolerates_mixture(rule):
            self._mixed(text, name, 0, rule)

    def _no_expression(self, text: Text, name: str) -> None:
        message = f"{name} takes no expression"
        self._report(text.location, "expression-not-allowed", message, "write a literal or a {{named value}}")

    def _mixed(self, text: Text, name: str, start: int, rule: Attribute | Element) -> None:
        if not rule.expression:
            self._no_expression(text, name)
            return
        try:
            doing, remedy = mixture_remedy(text.value, start)
        except Unbalanced as error:
            where = text.location
            self.problems.append(unbalanced(text.value, start, error, lambda offset: where.behind(text.value[:offset])))
        else:
            self._report(text.location, "mixed-expression", f"{name} {doing}", remedy)

    def _literal(self, text: Text, rule: Attribute | Element, name: str) -> None:
        value = text.value.strip()
        written = text.value if isinstance(rule, Attribute) else value  # white space around content is layout
        if rule.choices and written not in rule.choices:
            self._bad_value(text, name, f"one of: {', '.join(rule.choices)}")
        if rule.format and not re.fullmatch(rule.format.pattern, written):
            self._bad_value(text, name, rule.format.remedy)
        if pattern := _LITERALS.get(rule.kind):
            self._typed(text, rule, name, fits=pattern.fullmatch(value) is not None)

    def _typed(self, text: Text, rule: Attribute | Element, name: str, fits: bool) -> None:
        if not fits:
            self._bad_value(text, name, f"write {_EXPECTED[rule.kind]}")
        elif isinstance(rule, Attribute) and rule.kind is not Kind.BOOLEAN:
            self._bounds(text, rule, name)

    def _bad_value(self, text: Text, name: str, remedy: str) -> None:
        """A value that is not allowed there; one that is still to be filled in has its own code."""
        hole = is_unresolved(text.value)
        code, remedy = (UNRESOLVED, _FILL_IN) if hole else ("bad-value", remedy)
        if named := unclosed_named_value(text.value):
            remedy = f"close the named value: {{{{{named}}}}}"
        self._report(text.location, code, f"{name} cannot be {_short(text.value.strip())}", remedy)

    def _bounds(self, text: Text, rule: Attribute, name: str) -> None:
        number = float(text.value)
        if rule.minimum is not None and number < rule.minimum:
            self._bad_value(text, name, f"at least {rule.minimum:g}")
        maximum = _LARGEST if rule.maximum is None else rule.maximum
        if number > maximum:
            self._bad_value(text, name, f"at most {maximum:.15g}")

    def _report(self, location: Location, code: str, message: str, remedy: str) -> None:
        self.problems.append(Problem(location, code, message, remedy))


def _tolerates_mixture(rule: Attribute | Element) -> bool:
    """Bodies are full of ``@``; elsewhere the shape says so."""
    return isinstance(rule, Element) and (rule.mixed or rule.content is Content.VERBATIM)


def _times(count: int) -> str:
    return "one" if count == 1 else str(count)


def _short(value: str) -> str:
    return repr(value if len(value) <= 60 else value[:57] + "…")
