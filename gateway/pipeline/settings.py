"""
One element's settings, read against its shape: the only way in which policies read their document.

Everything here happens at load.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, TypeVar, cast

from gateway.documents.model import Node, Section, Text
from gateway.documents.placeholders import NAMED_VALUE, UNRESOLVED, is_unresolved, mentions_named_value
from gateway.documents.shape import Attribute, Content, Element, Kind
from gateway.errors import LoadError, Location, Problem
from gateway.expressions import BOOL, Expression, compile_expression, is_expression
from gateway.pipeline.values import Constant, computed, literal

if TYPE_CHECKING:
    from gateway.expressions.clr import Type
    from gateway.pipeline.services import Services
    from gateway.pipeline.step import Steps, Value

T = TypeVar("T")


class Reads:
    """
    What the expressions of one policy read, and what that takes.

    Attributes:
        request_body, response_body: Bodies that must be in memory.
        may_be_long: The policy's work depends on the size of what it reads, so it is done in slices.
    """

    __slots__ = ("may_be_long", "request_body", "response_body")

    def __init__(self) -> None:
        self.request_body = False
        self.response_body = False
        self.may_be_long = False

    def note(self, expression: Expression) -> None:
        """Remember what *expression* reads."""
        self.request_body |= expression.reads_request_body
        self.response_body |= expression.reads_response_body
        self.may_be_long |= expression.may_be_long


@dataclass(slots=True)
class Resumption:
    """The part of outbound that runs on a response from the cache: filled when outbound is compiled."""

    steps: Steps = ()


@dataclass(frozen=True, slots=True)
class Site:
    """
    Where one policy is being compiled.

    Attributes:
        services: The outside world.
        nested: Compiles the policies inside a node, for the same section and scope.
        resumption: The pipeline's, for the policy that answers from the cache.
    """

    section: Section
    services: Services
    nested: Callable[[Node], Steps]
    resumption: Resumption


@dataclass(frozen=True, slots=True)
class Settings:
    """
    One element in the hands of its policy.

    Methods named after a type give a ``Value``: call it with the context. ``constant_…`` methods give the value itself,
    for attributes that allow no expression. An absent attribute gives its shape's default; one that has none is a
    mistake, unless it is asked for through ``maybe``.
    """

    node: Node
    shape: Element
    site: Site
    reads: Reads

    @property
    def location(self) -> Location:
        """Where the element begins."""
        return self.node.location

    @property
    def section(self) -> Section:
        """The section that the policy is in."""
        return self.site.section

    @property
    def on_request(self) -> bool:
        """Whether policies here change the request to the backend; else the response to the caller."""
        return self.section in (Section.INBOUND, Section.BACKEND)

    @property
    def resumption(self) -> Resumption:
        """The part of outbound that runs on a response from the cache."""
        return self.site.resumption

    @property
    def services(self) -> Services:
        """The outside world."""
        return self.site.services

    def written(self, name: str) -> str:
        """An attribute as its document has it: named values by their names; empty where it is not written."""
        text = self.node.attributes.get(name)
        return "" if text is None else (text.written or text.value).strip()

    def has(self, name: str) -> bool:
        """Whether the attribute is written out."""
        return name in self.node.attributes

    # -- attributes
    def text(self, name: str) -> Value[str]:
        """A string attribute."""
        return self._value(name, Kind.STRING)

    def boolean(self, name: str) -> Value[bool]:
        """A boolean attribute."""
        return self._value(name, Kind.BOOLEAN)

    def integer(self, name: str) -> Value[int]:
        """An integer attribute."""
        return self._value(name, Kind.INTEGER)

    def number(self, name: str) -> Value[float]:
        """A number attribute."""
        return self._value(name, Kind.NUMBER)

    def anything(self, name: str) -> Value[Any]:
        """An attribute whose expression result is kept as it is; a literal is a string."""
        return self._typed(self._text(name), Kind.STRING, keep=True)

    def maybe(self, read: Callable[[str], T], name: str) -> T | None:
        """``read(name)`` when the attribute is written or has a default, else None."""
        declared = self._declared(name)
        return read(name) if declared.default is not None or self.has(name) else None

    def constant(self, name: str) -> str:
        """A literal string attribute."""
        return self._text(name).value

    def constant_bool(self, name: str) -> bool:
        """A literal boolean attribute."""
        return cast("bool", self._constant(name, Kind.BOOLEAN))

    def constant_int(self, name: str) -> int:
        """A literal integer attribute."""
        return cast("int", self._constant(name, Kind.INTEGER))

    def constant_number(self, name: str) -> float:
        """A literal number attribute."""
        return cast("float", self._constant(name, Kind.NUMBER))

    def works_long(self) -> None:
        """Have the policy run in slices, because its work depends on the size of what callers send."""
        self.reads.may_be_long = True

    def reads_body(self) -> None:
        """Have the body that policies of this section change in memory before the policy runs, which runs in slices."""
        self.works_long()
        if self.on_request:
            self.reads.request_body = True
        else:
            self.reads.response_body = True

    # -- content
    def content(self) -> Value[str]:
        """The element's text, as a string."""
        return self._typed(self._content, self.shape.kind)

    def content_object(self) -> Value[Any]:
        """The element's text; the result of an expression is kept as it is."""
        return self._typed(self._content, Kind.STRING, keep=True)

    def constant_content(self) -> str:
        """The element's text where no expression is allowed, without white space around it."""
        return self._content.value.strip()

    # -- below
    def child(self, name: str) -> Settings | None:
        """The child element called *name*, or None."""
        return next(self.all(name), None)

    def all(self, name: str) -> Iterator[Settings]:
        """The child elements called *name*."""
        declared = self.shape.child(name)
        if declared is None:
            raise LookupError(f"{self.shape.name} declares no child {name}")
        return (Settings(node, declared.element, self.site, self.reads) for node in self.node.all(name))

    def steps(self) -> Steps:
        """The policies inside this element, compiled for the enclosing section."""
        return self.site.nested(self.node)

    def error(self, code: str, message: str, remedy: str = "", at: str | None = None) -> LoadError:
        """A LoadError at this element, or at its attribute *at*; a value still to be filled in is never the mistake."""
        text = self.node.attributes.get(at) if at else None
        written = [text] if text else [*self.node.attributes.values(), *([self.node.text] if self.node.text else [])]
        if any(is_unresolved(part.value) for part in written):
            code = UNRESOLVED
        return LoadError.at(text.location if text else self.location, code, message, remedy)

    # -- inside
    @property
    def _content(self) -> Text:
        text = self.node.text or Text("", self.node.location)
        return text if self.shape.content is Content.VERBATIM else replace(text, value=text.value.strip())

    def _declared(self, name: str) -> Attribute:
        attribute = self.shape.attribute(name)
        if attribute is None:
            raise LookupError(f"{self.shape.name} declares no attribute {name}")
        return attribute

    def _text(self, name: str) -> Text:
        declared = self._declared(name)
        written = self.node.attributes.get(name)
        if written is not None:
            return written
        if declared.default is None:
            raise self.error("missing-attribute", f"{self.shape.name} needs the attribute {name}", f"add {name}=")
        return Text(declared.default, self.node.location)

    def _value(self, name: str, kind: Kind) -> Value[Any]:
        return self._typed(self._text(name), kind)

    def _constant(self, name: str, kind: Kind) -> object:
        text = self._text(name)
        return literal(text.value, kind, text.location)

    def _typed(self, text: Text, kind: Kind, keep: bool = False) -> Value[Any]:
        if not is_expression(text.value):
            return Constant(literal(text.value, kind, text.location))
        result = BOOL if kind is Kind.BOOLEAN else None
        try:
            expression = compile_expression(text.value, text.location, self.services.expression_time_s, result)
        except LoadError as error:
            if not is_unresolved(text.value):
                raise
            expression = _with_placeholders(text, error, self.services.expression_time_s, result)
        self.reads.note(expression)
        return expression if keep else computed(expression, kind)


# Values of each kind that may replace a named value outside of quotes: a number, a boolean, a text.
_KINDS = ("1", "true", '"x"')
_QUOTED = re.compile(r'"(?:[^"\\\n]|\\.)*"')


def _with_placeholders(text: Text, error: LoadError, time_s: float, result: Type | None) -> Expression:
    """
    The expression with a value of some kind for each named value that is not there yet.

    Raises:
        LoadError: It is no C# with a value of any kind; what all kinds have in common is its own mistake, and the rest
            is an unresolved value.
    """
    refused: list[dict[tuple[str, str], Problem]] = []
    for candidate in _candidates(text.value):
        try:
            return compile_expression(candidate, text.location, time_s, result)
        except LoadError as mistake:
            refused.append({(problem.code, problem.message): problem for problem in mistake.problems})
    shared = set.intersection(*map(set, refused)) if refused else set()
    raise LoadError(refused[0][key] for key in shared) if shared else _unresolved(error)


def _candidates(expression: str) -> Iterator[str]:
    """*expression* with values for its named values: a text within quotes, one of each kind elsewhere."""
    if mentions_named_value(expression):
        within = _QUOTED.sub(lambda quoted: NAMED_VALUE.sub("x", quoted[0]), expression)
        yield from dict.fromkeys(NAMED_VALUE.sub(kind, within) for kind in _KINDS)


def _unresolved(error: LoadError) -> LoadError:
    """The same problems, reported as unresolved values: the C# around a named value that is not there yet."""
    return LoadError(replace(problem, code=UNRESOLVED) for problem in error.problems)
