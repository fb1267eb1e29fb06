"""
JSON Schema of policy documents in YAML, made from the shapes, for editors: completion, hints and first checks.

It is a little more generous than the loader, which has the last word. Each element is defined once, under ``$defs``,
and named wherever it may stand: written out, the schema would be ten times as large.

Source: JSON Schema 2020-12; ADR 0035, the mapping rules.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import Any, TypeAlias

from gateway.documents.model import Section
from gateway.documents.placeholders import NAMED_VALUE
from gateway.documents.shape import ID, Attribute, Child, Content, Element, Kind
from gateway.documents.vocabulary import STRUCTURE, Vocabulary
from gateway.documents.yaml.reader import DO, TEXT, only_child, plural

Schema: TypeAlias = dict[str, Any]

_SCALAR = ["string", "number", "boolean"]  # YAML takes 401 and true for what APIM writes as text
_COMPUTED = rf"^\s*@[({{]|{NAMED_VALUE.pattern}"  # an expression or a named value
_STATEMENT = {"$ref": "#/$defs/statement"}
_LITERALS: dict[Kind, Schema] = {
    Kind.STRING: {"type": _SCALAR},
    Kind.BOOLEAN: {"type": ["boolean", "string"], "pattern": "^([Tt]rue|TRUE|[Ff]alse|FALSE)$"},
    Kind.INTEGER: {"type": ["integer", "string"], "pattern": "^[+-]?[0-9]+$"},
    Kind.NUMBER: {"type": ["number", "string"], "pattern": "^-?[0-9]"},
}


def policy_schema(vocabulary: Vocabulary) -> Schema:
    """The schema of a policy document with the policies of *vocabulary*."""
    shapes = [*STRUCTURE.values(), *(kind.shape for kind in vocabulary.values())]
    sections = {section.value: _section(section, vocabulary) for section in Section}
    fragment = {"fragment": {"type": ["array", "null"], "items": _STATEMENT}}
    elements = _Elements()
    policies = {f"policy-{shape.name}": elements.policy(shape) for shape in shapes}
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "APIM policy document",
        "anyOf": [_closed(sections), {**_closed(fragment), "required": ["fragment"]}],
        "$defs": {"statement": _statement(shapes), **policies, **elements.definitions},
    }


def _closed(properties: Schema) -> Schema:
    return {"type": "object", "properties": properties, "additionalProperties": False}


def _section(section: Section, vocabulary: Vocabulary) -> Schema:
    names = [*STRUCTURE, *(name for name, kind in vocabulary.items() if section in kind.sections)]
    allowed = {"enum": names}
    items = {"allOf": [_STATEMENT, {"anyOf": [allowed, {"type": "object", "propertyNames": allowed}]}]}
    return {"type": ["array", "null"], "items": items}


def _statement(shapes: Iterable[Element]) -> Schema:
    """A name, or one name with its settings."""
    properties = {shape.name: {"$ref": f"#/$defs/policy-{shape.name}"} for shape in shapes}
    return {"anyOf": [{"enum": list(properties)}, {**_closed(properties), "minProperties": 1, "maxProperties": 1}]}


# -- one element
class _Elements:
    """
    The elements inside policies, each defined once: ``value``, and ``value-2`` for another element of that name.

    Attributes:
        definitions: Name under ``$defs`` → what may follow the element's name.
    """

    def __init__(self) -> None:
        self.definitions: dict[str, Schema] = {}
        self._names: dict[Element, str] = {}
        self._counts: Counter[str] = Counter()

    def policy(self, shape: Element) -> Schema:
        """What may follow a policy's name."""
        return self._element(shape, ID)

    def _ref(self, shape: Element) -> Schema:
        name = self._names.get(shape)
        if name is None:
            self._counts[shape.name] += 1
            count = self._counts[shape.name]
            name = self._names[shape] = f"element-{shape.name}{f'-{count}' if count > 1 else ''}"
            self.definitions[name] = self._element(shape)
        return {"$ref": f"#/$defs/{name}"}

    def _element(self, shape: Element, *more: Attribute) -> Schema:
        """What may follow an element's name: nothing, a text, a list or a mapping."""
        forms: list[Schema] = [self._mapping(shape, more)]
        if shape.content in (Content.TEXT, Content.VERBATIM):
            forms.append(_value(shape))
        if shape.content is Content.POLICIES:
            forms.append({"type": "array", "items": _STATEMENT})
        elif child := only_child(shape):
            item = {"anyOf": [self._ref(child.element), self._named([child])]}
            forms += [{"type": "array", "items": item}, {"type": _SCALAR}]
        elif shape.children:
            forms.append({"type": "array", "items": self._named(shape.children)})
        return {"description": shape.doc, "anyOf": [*forms, {"type": "null"}]}

    def _named(self, children: Iterable[Child]) -> Schema:
        """An item of a list of children that are told apart by their names."""
        properties = {child.element.name: self._ref(child.element) for child in children}
        return {"anyOf": [{"enum": list(properties)}, {**_closed(properties), "minProperties": 1, "maxProperties": 1}]}

    def _mapping(self, shape: Element, more: Iterable[Attribute]) -> Schema:
        properties: Schema = {}
        for child in shape.children:
            properties |= self._child_keys(child)
        if shape.content in (Content.TEXT, Content.VERBATIM):
            properties[TEXT] = _value(shape)
        if shape.content is Content.POLICIES:
            properties[DO] = {"type": ["array", "null"], "items": _STATEMENT}
        elif shape.children:
            properties[DO] = {"type": ["array", "null"], "items": self._named(shape.children)}
        for attribute in (*more, *shape.attributes):
            properties[attribute.name] = _attribute(attribute)
        required = [attribute.name for attribute in shape.attributes if attribute.required]
        return {**_closed(properties), "required": required}

    def _child_keys(self, child: Child) -> Schema:
        single = self._ref(child.element)
        if not child.repeated:
            return {child.element.name: single}
        several = {"anyOf": [single, {"type": "array", "items": single}]}
        return {plural(child.element.name): several, child.element.name: several}


# -- values
def _attribute(attribute: Attribute) -> Schema:
    described: Schema = {"description": attribute.doc}
    if attribute.default is not None:
        described["default"] = attribute.default
    return {**described, **_value(attribute)}


def _value(rule: Attribute | Element) -> Schema:
    """A literal of the right kind; a named value or an expression may always stand in for it, as text."""
    if rule.kind is Kind.STRING and not rule.choices and rule.format is None:
        return {"type": _SCALAR} if rule.expression else {"type": _SCALAR, "not": {"pattern": r"^\s*@[({]"}}
    literal = {"enum": [*rule.choices]} if rule.choices else {**_LITERALS[rule.kind], **_limits(rule)}
    return {"anyOf": [literal, {"type": "string", "pattern": _COMPUTED if rule.expression else r"\{\{"}]}


def _limits(rule: Attribute | Element) -> Schema:
    limits: Schema = {} if rule.format is None else {"pattern": f"^(?:{rule.format.pattern})$"}
    if isinstance(rule, Attribute):
        bounds = {"minimum": rule.minimum, "maximum": rule.maximum}
        limits |= {key: value for key, value in bounds.items() if value is not None}
    return limits
