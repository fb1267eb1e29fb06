"""
The vocabulary of documents: the policies, which are passed in, and the two elements that are structure.

The compiler replaces the structural ones, so no pipeline ever holds one.

Source: APIM policy reference, "base" in "Set or edit policies", and "include-fragment".
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol, TypeAlias

from gateway.documents.model import Section
from gateway.documents.shape import ID, Attribute, Element


class Declaration(Protocol):
    """What documents need to know of a policy: how it is written and where it is allowed."""

    @property
    def shape(self) -> Element: ...

    @property
    def sections(self) -> frozenset[Section]: ...


Vocabulary: TypeAlias = Mapping[str, Declaration]

BASE = Element("base", "Is replaced by the same section of the next broader scope.", (ID,))
INCLUDE_FRAGMENT = Element(
    "include-fragment",
    "Is replaced by the policies of a fragment.",
    (ID, Attribute("fragment-id", "Name of the fragment in the configuration.", required=True, expression=False)),
)

STRUCTURE = {element.name: element for element in (BASE, INCLUDE_FRAGMENT)}


def statement_shape(name: str, vocabulary: Vocabulary) -> Element | None:
    """The shape of what is allowed in a section: structure, or one of the policies; None when it is unknown."""
    kind = vocabulary.get(name)
    return kind.shape if kind else STRUCTURE.get(name)
