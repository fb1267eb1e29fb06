"""
Terraform's configuration language as a tree of its own: the same for ``.tf``, ``.tf.json`` and template files.

Source: "HCL Syntax-Agnostic Information Model" and "HCL Native Syntax Specification" of HashiCorp's HCL.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TypeAlias

from gateway.errors import Location
from gateway.reading.yaml_nodes import Scalar


@dataclass(frozen=True, slots=True)
class LiteralTerm:
    """A number, a truth value, null, or a text without interpolation."""

    value: Scalar
    location: Location
    source: str


@dataclass(frozen=True, slots=True)
class TemplateTerm:
    """Text with interpolations and directives, whose values are joined; *bare* is ``"${x}"``, which keeps x's type."""

    parts: tuple[Term, ...]
    location: Location
    source: str
    bare: bool = False


@dataclass(frozen=True, slots=True)
class TemplateChoice:
    """``%{ if }`` … ``%{ else }`` … ``%{ endif }``."""

    condition: Term
    chosen: TemplateTerm
    otherwise: TemplateTerm
    location: Location
    source: str


@dataclass(frozen=True, slots=True)
class TemplateLoop:
    """``%{ for key, value in collection }`` … ``%{ endfor }``; *key* is empty where one name is given."""

    key: str
    value: str
    collection: Term
    body: TemplateTerm
    location: Location
    source: str


@dataclass(frozen=True, slots=True)
class NameTerm:
    """The first word of a reference: ``var``, ``local``, ``each``, the type of a resource."""

    name: str
    location: Location
    source: str


@dataclass(frozen=True, slots=True)
class MemberTerm:
    """``base.name``."""

    base: Term
    name: str
    location: Location
    source: str


@dataclass(frozen=True, slots=True)
class IndexTerm:
    """``base[key]``, and ``base.0`` of early versions."""

    base: Term
    key: Term
    location: Location
    source: str


@dataclass(frozen=True, slots=True)
class SplatTerm:
    """``base[*].rest``: *rest* is evaluated with each item under the name ITEM."""

    base: Term
    rest: Term
    location: Location
    source: str


@dataclass(frozen=True, slots=True)
class CallTerm:
    """``name(arguments)``; *expanded* says that the last one ends with ``...``."""

    name: str
    arguments: tuple[Term, ...]
    expanded: bool
    location: Location
    source: str


@dataclass(frozen=True, slots=True)
class ConditionalTerm:
    """``condition ? chosen : otherwise``."""

    condition: Term
    chosen: Term
    otherwise: Term
    location: Location
    source: str


@dataclass(frozen=True, slots=True)
class OperationTerm:
    """An operator with one or two operands."""

    operator: str
    operands: tuple[Term, ...]
    location: Location
    source: str


@dataclass(frozen=True, slots=True)
class LoopTerm:
    """
    A ``for`` expression: a list, or an object where *key_result* is given.

    Attributes:
        grouped: ``...`` behind the value: values with the same key become a list.
    """

    key: str
    value: str
    collection: Term
    key_result: Term | None
    result: Term
    condition: Term | None
    grouped: bool
    location: Location
    source: str


@dataclass(frozen=True, slots=True)
class ListTerm:
    """``[a, b]``."""

    items: tuple[Term, ...]
    location: Location
    source: str


@dataclass(frozen=True, slots=True)
class ObjectTerm:
    """``{ key = value }``."""

    entries: tuple[tuple[Term, Term], ...]
    location: Location
    source: str


Term: TypeAlias = (
    LiteralTerm
    | TemplateTerm
    | TemplateChoice
    | TemplateLoop
    | NameTerm
    | MemberTerm
    | IndexTerm
    | SplatTerm
    | CallTerm
    | ConditionalTerm
    | OperationTerm
    | LoopTerm
    | ListTerm
    | ObjectTerm
)

ITEM = "[*]"  # the name of a splat's item; no name in a file is written so


@dataclass(frozen=True, slots=True)
class BodyArgument:
    """``name = value`` in a block."""

    name: str
    value: Term
    location: Location


@dataclass(slots=True)
class BlockBody:
    """The inside of a block or file."""

    arguments: dict[str, BodyArgument] = field(default_factory=dict)
    blocks: list[ConfigurationBlock] = field(default_factory=list)

    def first(self, kind: str) -> ConfigurationBlock | None:
        """The first block of *kind*, or None."""
        return next((block for block in self.blocks if block.kind == kind), None)


@dataclass(frozen=True, slots=True)
class ConfigurationBlock:
    """``kind "label" { … }``."""

    kind: str
    labels: tuple[str, ...]
    body: BlockBody
    location: Location
