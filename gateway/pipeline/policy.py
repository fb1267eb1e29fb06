"""
What a policy is: a shape, the sections where it may stand, and one verb.

``apply`` runs without a coroutine whenever it can. It returns

* ``None``: go on with the next policy;
* a ``Response``: the pipeline ends here and this is the answer (``return-response``);
* an awaitable of one of the two, when it has to wait.

or raises ``PolicyError``: the pipeline goes to on-error.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, ClassVar, Protocol, TypeAlias, TypeVar

from gateway.documents.model import Scope, Section
from gateway.documents.shape import Element
from gateway.wire.messages import Response

if TYPE_CHECKING:
    from gateway.pipeline.context import Context
    from gateway.pipeline.settings import Settings

T = TypeVar("T")

Outcome: TypeAlias = Response | None
MaybeLater: TypeAlias = Outcome | Awaitable[Outcome]

# A setting that is known at load or computed for each request; calling it gives the value.
Value: TypeAlias = Callable[["Context"], T]

ANYWHERE = frozenset(Section)


class Policy(Protocol):
    """One compiled policy; immutable, shared by all requests."""

    def apply(self, context: Context) -> MaybeLater: ...


class PolicyType(Protocol):
    """A policy's class, as the registry lists it."""

    shape: ClassVar[Element]
    sections: ClassVar[frozenset[Section]]

    @classmethod
    def compile(cls, settings: Settings) -> Policy:
        """Check beyond the shape and prepare all that does not depend on a request. Raises LoadError."""


Vocabulary: TypeAlias = Mapping[str, "type[PolicyType]"]


@dataclass(frozen=True, slots=True)
class Place:
    """
    Where a policy stands: the parts of ``context.LastError``.

    Attributes:
        path: Within its document, 1-based per name: ``choose[3]/when[2]``.
        scope_name, section_name: The two as APIM writes them.
    """

    source: str
    scope: Scope
    section: Section
    path: str
    policy_id: str | None = None
    scope_name: str = field(init=False)
    section_name: str = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "scope_name", self.scope.value)
        object.__setattr__(self, "section_name", self.section.value)


@dataclass(frozen=True, slots=True)
class Step:
    """A policy in a pipeline."""

    apply: Callable[[Context], MaybeLater]
    place: Place
    policy: Policy


Steps: TypeAlias = tuple[Step, ...]
