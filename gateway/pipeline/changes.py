"""
What a policy may change of a request, and how the change is found out afterwards.

Each compiled policy says which parts it may change. Before it runs, the old values of just these are noted: one look-up
for a header, nothing for a policy that changes nothing. A trace begins with how the request ended and goes back from
step to step. A policy that says nothing may change everything.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias

from gateway.pipeline.notes import held

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping
    from collections.abc import Set as AbstractSet

    from gateway.pipeline.context import Context
    from gateway.wire.messages import Request, Response, Target

Lines: TypeAlias = "Mapping[str, str]"
"""Header lines by key, see ``Headers.lines``."""


class _Instead:
    """Stands for what is no value."""


ABSENT, NULL = _Instead(), _Instead()


@dataclass(slots=True)
class Picture:
    """
    A request at one moment, as far as policies change it.

    Attributes:
        request: Header lines of the request.
        status, response: Of the response; None and nothing where there is none.
    """

    method: str
    url: str
    request: dict[str, str]
    status: int | None = None
    response: dict[str, str] = field(default_factory=dict)
    variables: dict[str, object] = field(default_factory=dict)

    def copy(self) -> Picture:
        """An independent one."""
        return Picture(
            self.method, self.url, self.request.copy(), self.status, self.response.copy(), self.variables.copy()
        )


class Reducing(Protocol):
    """Makes what a note refers to small enough to be kept; see ``tracing.keeping``."""

    def url(self, target: Target | None, path: str, query: str) -> str: ...
    def line(self, key: str, line: str) -> str: ...
    def lines(self, lines: Lines) -> dict[str, str]: ...
    def value(self, name: str, value: object) -> object: ...


HEADER_PART = "header "  # of the request; its key follows


class Change:
    """One part of a request that a policy may change."""

    __slots__ = ()

    @property
    def variables(self) -> tuple[str, ...]:
        """Names of the variables among it, as far as they are known at load."""
        return ()

    @property
    def parts(self) -> frozenset[str]:
        """Names for it."""
        raise NotImplementedError

    def is_new(self, owned: Collection[str], seen: AbstractSet[str]) -> bool:
        """
        Whether it cannot be there yet, so that None describes it.

        Args:
            owned: Keys of request headers that only the gateway may set.
            seen: The ``parts`` that earlier policies may have set.
        """
        return False

    def before(self, context: Context) -> Any:
        """The part now; for a note, so quick and small."""
        raise NotImplementedError

    def lines(self, before: Any) -> Iterable[tuple[str, str]]:
        """Key and lines of the headers in *before*."""
        return ()

    def reduced(self, before: Any, reducing: Reducing) -> Any:
        """*before*, to be kept when its request is over."""
        raise NotImplementedError

    def undo(self, before: Any, picture: Picture) -> None:
        """Set the part in *picture* to what is left of *before*."""
        raise NotImplementedError


@dataclass(frozen=True, slots=True)
class RequestLine(Change):
    """Method and URL of the request to the backend."""

    @property
    def parts(self) -> frozenset[str]:
        """See ``Change``."""
        return frozenset(["url"])

    def before(self, context: Context) -> Any:
        """Method, target, path, query."""
        request: Request = context.request
        return request.method, request.target, request.path, request.query

    def reduced(self, before: Any, reducing: Reducing) -> Any:
        """Method and URL."""
        method, *where = before
        return method, reducing.url(*where)

    def undo(self, before: Any, picture: Picture) -> None:
        """See ``Change``."""
        picture.method, picture.url = before


@dataclass(frozen=True, slots=True)
class Header(Change):
    """One header of the request, or of the response."""

    key: str
    on_request: bool

    @property
    def parts(self) -> frozenset[str]:
        """See ``Change``."""
        return frozenset([f"{HEADER_PART}{self.key}" if self.on_request else "response"])

    def is_new(self, owned: Collection[str], seen: AbstractSet[str]) -> bool:
        """See ``Change``. A client's own field under the name of one that is *owned* has been removed."""
        return self.on_request and self.key in owned and seen.isdisjoint((*self.parts, "every header"))

    def before(self, context: Context) -> Any:
        """Its lines; None: there are none. ABSENT: there is no response."""
        if self.on_request:
            return context.request.headers.lines.get(self.key)
        response: Response | None = context.response
        return ABSENT if response is None else response.headers.lines.get(self.key)

    def lines(self, before: Any) -> Iterable[tuple[str, str]]:
        """See ``Change``."""
        return [(self.key, before)] if isinstance(before, str) else ()

    def reduced(self, before: Any, reducing: Reducing) -> Any:
        """See ``Change``."""
        return reducing.line(self.key, before) if isinstance(before, str) else before

    def undo(self, before: Any, picture: Picture) -> None:
        """See ``Change``."""
        lines = picture.request if self.on_request else picture.response
        if before is ABSENT:
            picture.status, picture.response = None, {}
        elif before is None:
            lines.pop(self.key, None)
        else:
            lines[self.key] = before


@dataclass(frozen=True, slots=True)
class RequestHeaders(Change):
    """All headers of the request."""

    @property
    def parts(self) -> frozenset[str]:
        """See ``Change``."""
        return frozenset(["every header"])

    def before(self, context: Context) -> Any:
        """A copy."""
        return context.request.headers.lines.copy()

    def lines(self, before: Any) -> Iterable[tuple[str, str]]:
        """See ``Change``."""
        return before.items()  # type: ignore[no-any-return]

    def reduced(self, before: Any, reducing: Reducing) -> Any:
        """See ``Change``."""
        return reducing.lines(before)

    def undo(self, before: Any, picture: Picture) -> None:
        """See ``Change``."""
        picture.request = dict(before)


@dataclass(frozen=True, slots=True)
class WholeResponse(Change):
    """Status and headers of the response, or whether there is one."""

    @property
    def parts(self) -> frozenset[str]:
        """See ``Change``."""
        return frozenset(["response"])

    def is_new(self, owned: Collection[str], seen: AbstractSet[str]) -> bool:
        """See ``Change``."""
        return "response" not in seen

    def before(self, context: Context) -> Any:
        """Status and headers; None without a response."""
        response: Response | None = context.response
        return None if response is None else (response.status_code, response.headers.lines.copy())

    def lines(self, before: Any) -> Iterable[tuple[str, str]]:
        """See ``Change``."""
        return before[1].items() if before else ()

    def reduced(self, before: Any, reducing: Reducing) -> Any:
        """See ``Change``."""
        return before and (before[0], reducing.lines(before[1]))

    def undo(self, before: Any, picture: Picture) -> None:
        """See ``Change``."""
        picture.status, picture.response = (None, {}) if before is None else (before[0], dict(before[1]))


@dataclass(frozen=True, slots=True)
class OneVariable(Change):
    """One variable."""

    name: str

    @property
    def variables(self) -> tuple[str, ...]:
        """The one."""
        return (self.name,)

    @property
    def parts(self) -> frozenset[str]:
        """See ``Change``."""
        return frozenset([f"variable {self.name}"])

    def is_new(self, owned: Collection[str], seen: AbstractSet[str]) -> bool:
        """See ``Change``."""
        return seen.isdisjoint((*self.parts, "every variable"))

    def before(self, context: Context) -> Any:
        """Its value, see ``held``; None: there is no such variable."""
        value = context.variables.get(self.name, ABSENT)
        if value is ABSENT:
            return None
        return NULL if value is None else held(value)

    def reduced(self, before: Any, reducing: Reducing) -> Any:
        """See ``Change``."""
        return before if before is None or before is NULL else reducing.value(self.name, before)

    def undo(self, before: Any, picture: Picture) -> None:
        """See ``Change``."""
        if before is None:
            picture.variables.pop(self.name, None)
        else:
            picture.variables[self.name] = None if before is NULL else before


@dataclass(frozen=True, slots=True)
class AllVariables(Change):
    """All variables."""

    @property
    def parts(self) -> frozenset[str]:
        """See ``Change``."""
        return frozenset(["every variable"])

    def before(self, context: Context) -> Any:
        """Their values, see ``held``."""
        return {name: held(value) for name, value in context.variables.items()}

    def reduced(self, before: Any, reducing: Reducing) -> Any:
        """See ``Change``."""
        return {name: reducing.value(name, value) for name, value in before.items()}

    def undo(self, before: Any, picture: Picture) -> None:
        """See ``Change``."""
        picture.variables = dict(before)


@dataclass(frozen=True, slots=True)
class Several(Change):
    """More than one part."""

    members: tuple[Change, ...]

    @property
    def variables(self) -> tuple[str, ...]:
        """Those of all parts."""
        return tuple(name for part in self.members for name in part.variables)

    @property
    def parts(self) -> frozenset[str]:
        """See ``Change``."""
        return frozenset().union(*(change.parts for change in self.members))

    def is_new(self, owned: Collection[str], seen: AbstractSet[str]) -> bool:
        """See ``Change``."""
        return all(change.is_new(owned, seen) for change in self.members)

    def before(self, context: Context) -> Any:
        """One value for each part."""
        return [part.before(context) for part in self.members]

    def lines(self, before: Any) -> Iterable[tuple[str, str]]:
        """See ``Change``."""
        pairs = zip(self.members, before or (), strict=False)
        return [line for part, old in pairs for line in part.lines(old)]

    def reduced(self, before: Any, reducing: Reducing) -> Any:
        """See ``Change``."""
        return before and [part.reduced(old, reducing) for part, old in zip(self.members, before, strict=True)]

    def undo(self, before: Any, picture: Picture) -> None:
        """See ``Change``."""
        for part, old in zip(self.members, before or [None] * len(self.members), strict=True):
            part.undo(old, picture)


URL = RequestLine()
RESPONSE = WholeResponse()
EVERYTHING = Several((URL, RequestHeaders(), RESPONSE, AllVariables()))


def variables(*names: str | None) -> Change | None:
    """The variables called *names*, those that are None left out; None where none is left."""
    return several(*(OneVariable(name) for name in names if name))


def several(*parts: Change | None) -> Change | None:
    """All *parts*; None where there is none."""
    given = tuple(part for part in parts if part is not None)
    return Several(given) if len(given) > 1 else next(iter(given), None)
