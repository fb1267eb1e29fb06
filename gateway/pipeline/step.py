"""
A step: one compiled policy at its place in a pipeline.

Whatever the engine, the compiler or ``gateway explain`` may ask of a compiled policy is declared here, with the
default for a policy that does not override it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple, Protocol, TypeAlias, TypeVar

from gateway.pipeline.changes import EVERYTHING, Change
from gateway.pipeline.context import Context
from gateway.pipeline.outcome import MaybeLater
from gateway.pipeline.place import Place

if TYPE_CHECKING:
    from gateway.pipeline.destination import Destination
    from gateway.tokens.rules import TokenRules
    from gateway.tokens.validator import TokenValidator
    from gateway.wire.messages import Response

T = TypeVar("T")

# A setting that is known at load or computed for each request; calling it gives the value.
Value: TypeAlias = Callable[[Context], T]


class TokenJudge(Protocol):
    """How a policy judges tokens. *rules* are those of one request; None: the validator's own."""

    @property
    def validator(self) -> Callable[[Context], TokenValidator]: ...

    @property
    def rules(self) -> Callable[[Context], TokenRules | None]: ...


class CheckedCondition(NamedTuple):
    """
    A condition that a policy has looked at.

    Attributes:
        condition: As its document has it, named values by their names.
        value: None: it could not be evaluated.
    """

    condition: str
    value: bool | None


class Policy:
    """One compiled policy; immutable, shared by all requests."""

    __slots__ = ()

    # Whether it keeps the response for later requests: on a hit, outbound resumes behind this policy.
    stores_response: ClassVar[bool] = False
    # Whether the variables that it sets are secrets, whatever they look like: traces mask them.
    sets_secrets: ClassVar[bool] = False
    # Attributes that name a header which the policy reads; see ``header_contract``.
    header_attributes: ClassVar[tuple[str, ...]] = ("header-name", "name")
    # Whether ``preflight`` may answer.
    answers_preflight: ClassVar[bool] = False

    def apply(self, context: Context) -> MaybeLater:
        """
        Do the policy's work, without a coroutine wherever possible; see ``outcome``.

        Raises:
            PolicyError: The request is refused; the pipeline goes to on-error.
        """
        raise NotImplementedError

    def before_body(self, context: Context) -> None:
        """Look at a message whose body the policy reads and which is still to come. Raises PolicyError."""

    @property
    def sets_headers(self) -> tuple[str, ...]:
        """Request headers that only the gateway may send once this policy has set them; see ``header_contract``."""
        return ()

    @property
    def destinations(self) -> tuple[Destination, ...]:
        """Where it sends the client's headers besides the API's backend, for the header contract."""
        return ()

    @property
    def works_on_bodies(self) -> bool:
        """Whether it replaces the body of a message or holds it in memory, even where no expression reads it."""
        return False

    @property
    def answer_guard(self) -> Callable[[Context], MaybeLater] | None:
        """What is applied to the answer at the end of outbound, from the cache or not; None: nothing."""
        return None

    @property
    def nested(self) -> tuple[Steps, ...]:
        """The policies inside this one, one list per branch, in the order of the document."""
        return ()

    @property
    def changes(self) -> Change | None:
        """What of a request it may change itself, for its trace; None: nothing that a trace shows."""
        return EVERYTHING

    def decisions(self, value: Any) -> Sequence[CheckedCondition]:
        """The conditions behind *value*, which the policy has noted; see ``Context.note``."""
        return ()

    @property
    def token_judge(self) -> TokenJudge | None:
        """How this policy judges the caller's token; None: it looks at no token."""
        return None

    def preflight(self, context: Context) -> Response | None:
        """The answer to a CORS preflight; None leaves it to the next policy. Called if ``answers_preflight``."""
        return None


@dataclass(frozen=True, slots=True)
class PipelineStep:
    """
    A policy in a pipeline.

    Attributes:
        apply: The policy's own, bound once.
        is_first: Whether what it changes cannot be there before; see ``first_changes``.
        before: What it may change, as it is now; None where that is nothing.
    """

    apply: Callable[[Context], MaybeLater]
    place: Place
    policy: Policy
    is_first: bool = False
    before: Callable[[Context], Any] | None = field(init=False)

    def __post_init__(self) -> None:
        changes = self.policy.changes
        object.__setattr__(self, "before", None if changes is None or self.is_first else changes.before)


Steps: TypeAlias = tuple[PipelineStep, ...]
