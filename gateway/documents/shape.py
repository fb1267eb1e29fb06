"""
The shape of a policy element: its attributes, children and content, as data.

One declaration serves the loader's checks, the mapping between XML and YAML, the JSON Schema for editors and the
reference page.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum


class Kind(Enum):
    """What an attribute's or a content's text means."""

    STRING = "string"
    BOOLEAN = "boolean"
    INTEGER = "integer"
    NUMBER = "number"


class Content(Enum):
    """What is between an element's tags."""

    EMPTY = "empty"  # nothing
    TEXT = "text"  # a literal or an expression
    VERBATIM = "verbatim"  # text that may hold mark-up of its own, kept as it is
    CHILDREN = "children"  # the declared child elements
    POLICIES = "policies"  # any policies of the enclosing section


@dataclass(frozen=True, slots=True)
class Format:
    """
    What a literal text must look like.

    Attributes:
        pattern: Regular expression for the whole text, in the dialect that Python and JSON Schema share.
        remedy: What to write instead of something else.
    """

    pattern: str
    remedy: str


@dataclass(frozen=True, slots=True)
class Attribute:
    """
    One attribute.

    Attributes:
        expression: Whether APIM allows a policy expression here.
        default: The text that applies when the attribute is absent; None for no default.
        choices: The only literals allowed; empty for any.
        minimum, maximum: Bounds of a literal number, both inclusive; None for no bound.
        format: What a literal must look like; None for any text.
        extension: Ours, not APIM's.
    """

    name: str
    doc: str
    kind: Kind = Kind.STRING
    required: bool = False
    expression: bool = True
    default: str | None = None
    choices: tuple[str, ...] = ()
    minimum: float | None = None
    maximum: float | None = None
    format: Format | None = None
    extension: bool = False


@dataclass(frozen=True, slots=True)
class Element:
    """
    One element: a policy, or a child of one.

    Attributes:
        content: What is between the tags. CHILDREN is implied by *children*.
        kind: Meaning of the text, where content is TEXT.
        expression: Whether the text may be an expression.
        required: Whether the text (or at least one policy) must be there.
        choices: The only literal texts allowed; empty for any.
        format: What a literal text must look like; None for any text.
        mixed: Whether text around an expression is let through and taken literally, as APIM does in trace messages.
        refused: Why this policy is known but never run; its content is not looked at. Empty for all others.
    """

    name: str
    doc: str
    attributes: tuple[Attribute, ...] = ()
    children: tuple[Child, ...] = ()
    content: Content = Content.EMPTY
    kind: Kind = Kind.STRING
    expression: bool = True
    required: bool = False
    choices: tuple[str, ...] = ()
    format: Format | None = None
    mixed: bool = False
    refused: str = ""

    def attribute(self, name: str) -> Attribute | None:
        """The declared attribute, or None."""
        return next((attribute for attribute in self.attributes if attribute.name == name), None)

    def child(self, name: str) -> Child | None:
        """The declared child, or None."""
        return next((child for child in self.children if child.element.name == name), None)


@dataclass(frozen=True, slots=True)
class Child:
    """How often a child element may occur in its parent; *maximum* None means any number."""

    element: Element
    minimum: int = 0
    maximum: int | None = 1

    @property
    def repeated(self) -> bool:
        """Whether several may occur side by side."""
        return self.maximum is None or self.maximum > 1


# Any policy element may carry an id; it comes back as context.LastError.PolicyId.
ID = Attribute("id", "Reported as `context.LastError.PolicyId`.", expression=False)
