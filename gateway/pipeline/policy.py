"""What a policy is: a shape, the sections that allow it, how it is compiled, and what ``step`` declares."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar, Self, TypeAlias

from gateway.documents.model import Section
from gateway.documents.shape import Element
from gateway.pipeline.settings import Settings
from gateway.pipeline.step import Policy

ANYWHERE = frozenset(Section)


class PolicyType(Policy):
    """The base of every policy that a document can name; the registry lists its subclasses."""

    __slots__ = ()

    shape: ClassVar[Element]
    sections: ClassVar[frozenset[Section]]

    @classmethod
    def compile(cls, settings: Settings) -> Self:
        """Check beyond the shape and prepare all that does not depend on a request. Raises LoadError."""
        raise NotImplementedError


PolicyTypes: TypeAlias = Mapping[str, type[PolicyType]]
