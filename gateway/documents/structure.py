"""
The two elements that are structure, not policies: the compiler replaces them, so no pipeline ever holds one.

Source: APIM "base", "include-fragment"; reference 1.4 and 1.5.
"""

from __future__ import annotations

from gateway.documents.shape import ID, Attribute, Element
from gateway.pipeline.policy import Vocabulary

BASE = Element("base", "Stands for the same section of the next broader scope.", (ID,))
INCLUDE_FRAGMENT = Element(
    "include-fragment",
    "Stands for the policies of a fragment.",
    (ID, Attribute("fragment-id", "Name of the fragment in the configuration.", required=True, expression=False)),
)

STRUCTURE = {element.name: element for element in (BASE, INCLUDE_FRAGMENT)}


def statement_shape(name: str, vocabulary: Vocabulary) -> Element | None:
    """The shape of what may stand in a section: structure, or a policy of *vocabulary*; None when it is unknown."""
    kind = vocabulary.get(name)
    return kind.shape if kind else STRUCTURE.get(name)
