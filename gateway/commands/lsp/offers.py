"""What may be written at a place, before it becomes the editor's completion items."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Offer:
    """
    One thing that may be written.

    Attributes:
        kind: element, attribute, value, key, reference, or one of C#'s (``csharp.members``).
        insert: What is inserted, if that is not *label*.
        required: It must be there; such ones come first.
    """

    label: str
    kind: str
    detail: str = ""
    documentation: str = ""
    insert: str = ""
    required: bool = False


@dataclass(frozen=True, slots=True)
class Offers:
    """Offers, and the part of the text that one of them replaces: offsets."""

    start: int
    end: int
    offers: list[Offer]
