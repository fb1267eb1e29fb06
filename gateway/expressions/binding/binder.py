"""
The binder: walks the syntax tree, hands each node to the function registered for its kind, keeps names and reports
mistakes.

Unknown names, types, members and constructs are refused here, at load, with their place.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from typing import TypeVar

from tree_sitter import Node

from gateway.errors import LoadError, Problem
from gateway.expressions.binding import remedies
from gateway.expressions.binding.bound import SHORT, Bound, Frame, Meaning, MethodGroup, Run, TypeName
from gateway.expressions.binding.scope import Function, NameScope, Variable, slot_access
from gateway.expressions.clr import DYNAMIC, NULL, VOID, MissingPart, Type, TypeDef, certain, nullable
from gateway.expressions.conversions import implicit
from gateway.expressions.dispatch import dynamic_member, runtime_error
from gateway.expressions.primitives import BOOL, NUMERIC
from gateway.expressions.runtime import type_of
from gateway.expressions.syntax import Source

BindExpression = Callable[["Binder", Node, Type | None], Meaning]
BindStatement = Callable[["Binder", Node], "Statement"]

MAX_NODE_DEPTH = 150  # levels of the syntax tree; real files reach 40

Bind = TypeVar("Bind")

EXPRESSIONS: dict[str, BindExpression] = {}
STATEMENTS: dict[str, BindStatement] = {}


class Statement:
    """
    A bound statement. Running it returns None to continue, or a signal: BREAK, CONTINUE or a one-tuple with the result.

    Attributes:
        completes: Whether control can reach the end of it.
        breaks: Whether a ``break`` in it leaves the loop or switch around it.
    """

    __slots__ = ("breaks", "completes", "run")

    def __init__(self, run: Run, completes: bool = True, breaks: bool = False) -> None:
        self.run = run
        self.completes = completes
        self.breaks = breaks


def expression(*kinds: str) -> Callable[[BindExpression], BindExpression]:
    """Register the function that binds expression nodes of these kinds."""

    def register(bind: BindExpression) -> BindExpression:
        EXPRESSIONS.update(dict.fromkeys(kinds, bind))
        return bind

    return register


def statement(*kinds: str) -> Callable[[BindStatement], BindStatement]:
    """Register the function that binds statement nodes of these kinds."""

    def register(bind: BindStatement) -> BindStatement:
        STATEMENTS.update(dict.fromkeys(kinds, bind))
        return bind

    return register


def dynamic_property(receiver: Bound, name: str) -> Bound:
    """A property of a dynamic value, found when it runs."""
    run = receiver.run
    if not receiver.conditional:
        return Bound(DYNAMIC, lambda frame: dynamic_member(run(frame), name))

    def link(frame: Frame) -> object:
        value = run(frame)
        return SHORT if value is SHORT else dynamic_member(value, name)

    return Bound(DYNAMIC, link, conditional=True)


def text_of(node: Node) -> str:
    """The source text of *node*."""
    return (node.text or b"").decode()


def field(node: Node, name: str) -> Node:
    """A field that this kind of node always has."""
    part = node.child_by_field_name(name)
    if part is None:
        raise MissingPart(f"{node.type} has no {name}")
    return part


def child_of_type(node: Node, kind: str) -> Node | None:
    """The first named child of this kind."""
    return next((child for child in node.named_children if child.type == kind), None)


def named(node: Node) -> list[Node]:
    """The named children without comments."""
    return [child for child in node.named_children if child.type != "comment"]


# Syntax and members that run a part of the expression more than once, or write a whole tree as text.
_REPEATS = frozenset(
    """
    anonymous_method_expression do_statement for_statement foreach_statement interpolated_string_expression
    lambda_expression local_function_statement query_expression while_statement
    """.split()
)

# What to write instead of C# that policies cannot use.
_UNSUPPORTED = {
    "await_expression": "drop await: an expression waits for nothing",
    "lock_statement": "drop the lock: each request has an evaluation of its own",
    "yield_statement": "add to a List<T>, or use Select and Where",
}


class Binder:
    """The state of compiling one expression."""

    def __init__(self, source: Source, context_type: Type) -> None:
        self.source = source
        # Members that the expression names: where, the full names of their types, and the member; for portability.
        self.uses: list[tuple[Node, list[str], str]] = []
        self.function = Function()
        self.scope = NameScope(self.function)
        self.labels: list[str] = []  # that a goto may name here
        self.touched: set[str] = set()  # parts of the context that are used: "context", "Request", "RequestBody" …
        self.may_be_long = False  # it repeats something, or calls what depends on its arguments' size
        self.depth = 0
        self.checked = False  # inside checked(…) and checked { … }
        self.unchecked = False  # inside unchecked: constants may overflow too
        slot = self.function.slot()
        self.scope.names["context"] = Variable("context", context_type, self.function, slot, readonly=True)

    def note_use(self, node: Node, owners: Iterable[TypeDef], member: str = "") -> None:
        """Remember that *node* names a type, or a *member* of one of several types."""
        self.uses.append((node, [owner.full_name for owner in owners], member))

    # -- mistakes
    def problem(self, node: Node, code: str, message: str, remedy: str = "") -> LoadError:
        """The error for a mistake at *node*, to be raised by the caller."""
        return LoadError([Problem(self.source.locate(node), code, message, remedy)])

    # -- dispatch
    def meaning(self, node: Node, target: Type | None = None) -> Meaning:
        """Bind an expression that may be a value, a type, a namespace or a method group."""
        bind = self._registered(EXPRESSIONS, node, "is not supported")
        with self._one_deeper(node):
            return bind(self, node, target)

    def link(self, node: Node, target: Type | None = None) -> Bound:
        """Bind a value that a chain continues from: it may be SHORT."""
        meaning = self.meaning(node, target)
        if isinstance(meaning, Bound):
            return meaning
        if isinstance(meaning, MethodGroup) and meaning.receiver is not None and not meaning.candidates:
            return dynamic_property(meaning.receiver, meaning.name)
        if isinstance(meaning, MethodGroup):
            raise self.problem(
                node, "method-not-called", f"{meaning.name} is a method; call it", f"write {meaning.name}(…)"
            )
        what = f"type {meaning.type.name}" if isinstance(meaning, TypeName) else f"namespace {meaning.name}"
        raise self.problem(node, "not-a-value", f"the {what} is not a value", "name a member of it")

    def value(self, node: Node, target: Type | None = None) -> Bound:
        """Bind a value; if it ends a ``?.`` chain, SHORT becomes null here."""
        return self.finished(self.link(node, target))

    def finished(self, bound: Bound) -> Bound:
        """End a ``?.`` chain."""
        if not bound.conditional:
            return bound
        run = bound.run

        def end(frame: Frame) -> object:
            value = run(frame)
            return None if value is SHORT else value

        return Bound(nullable(bound.type), end)

    def statement(self, node: Node) -> Statement:
        """Bind a statement."""
        bind = self._registered(STATEMENTS, node, "is not allowed in a policy expression")
        with self._one_deeper(node):
            return bind(self, node)

    def _registered(self, table: Mapping[str, Bind], node: Node, refusal: str) -> Bind:
        """The function in *table* that binds *node*; a kind without one is refused."""
        self.may_be_long |= node.type in _REPEATS
        if node.type not in table:
            kind = node.type.replace("_", " ")
            remedy = _UNSUPPORTED.get(node.type, "write it another way")
            raise self.problem(node, "unsupported-syntax", f"{kind} {refusal}", remedy)
        return table[node.type]

    @contextmanager
    def _one_deeper(self, node: Node) -> Iterator[None]:
        """One level of nesting; too many are refused before Python's stack is exhausted."""
        self.depth += 1
        if self.depth > MAX_NODE_DEPTH:
            raise self.problem(node, "expression-too-deep", "the expression is nested too deeply", "split it up")
        try:
            yield
        finally:
            self.depth -= 1

    # -- conversions
    def converted(self, node: Node, target: Type) -> Bound:
        """Bind a value and bring it to *target* by an implicit conversion."""
        return self.convert(self.value(node, target), target, node)

    def convert(self, bound: Bound, target: Type, node: Node) -> Bound:
        """*bound* as *target*, or a mistake when C# has no implicit conversion."""
        conversion = implicit(bound.type, target, bound.constant_value)
        if conversion is None:
            raise self._no_conversion(bound.type, target, node)
        if conversion.run is None:
            return bound if bound.type is target or bound.type is NULL else replace(bound, type=target, store=None)
        run, convert = bound.run, conversion.run
        # Only numbers are converted once, at load: other results may be changed, or may not exist.
        if bound.constant is not bound.constant_value or target not in NUMERIC:
            return Bound(target, lambda frame: convert(run(frame)))
        value = convert(bound.constant)
        return Bound(target, lambda _frame: value, value)

    def _no_conversion(self, source: Type, target: Type, node: Node) -> LoadError:
        if source is VOID:
            return self.problem(node, "no-value", "this call returns no value")
        name = "null" if source is NULL else source.name
        message = f"cannot implicitly convert {name} to {target.name}"
        return self.problem(node, "wrong-type", message, remedies.for_conversion(source, target))

    def condition(self, node: Node) -> Run:
        """Bind something that must be bool."""
        return self.truth(self.value(node, BOOL), node)

    def truth(self, bound: Bound, node: Node) -> Run:
        """*bound* as a condition: a dynamic value must be a bool, it is not converted."""
        if bound.type is not DYNAMIC:
            return self.convert(bound, BOOL, node).run
        run = bound.run
        return lambda frame: _bool_of(run(frame))

    # -- names
    @contextmanager
    def block(self) -> Iterator[NameScope]:
        """A block; names declared inside are visible only there."""
        self.scope = NameScope(self.scope.function, self.scope)
        try:
            yield self.scope
        finally:
            self.scope = certain(self.scope.outer)

    @contextmanager
    def loop_body(self) -> Iterator[None]:
        """A loop body; names declared inside are new variables in each iteration."""
        self.function.loops += 1
        try:
            yield
        finally:
            self.function.loops -= 1

    @contextmanager
    def nested_function(self, result: Type | None) -> Iterator[Function]:
        """The body of a lambda or local function: a frame of its own."""
        outer = self.function
        self.function = Function(outer.depth + 1, result=result, outer=outer)
        self.scope = NameScope(self.function, self.scope)
        try:
            yield self.function
        finally:
            self.scope = certain(self.scope.outer)
            self.function = outer

    def declare(self, node: Node, name: str, clr_type: Type) -> Variable:
        """A new local."""
        if name == "_":
            return Variable(name, clr_type, self.function, self.function.slot())
        if self.scope.find(name) is not None:
            raise self.problem(node, "duplicate-name", f"{name} is already declared", "choose another name")
        variable = Variable(name, clr_type, self.function, self.function.slot(), in_loop=self.function.loops > 0)
        self.scope.names[name] = variable
        return variable

    def temporary(self, clr_type: Type) -> tuple[Bound, int]:
        """A slot without a name, and the value that reads it."""
        slot = self.function.slot()
        return Bound(clr_type, slot_access(0, slot)[0]), slot


def _bool_of(value: object) -> bool:
    if isinstance(value, bool):
        return value
    raise runtime_error(f"Cannot implicitly convert type '{type_of(value).full_name}' to 'bool'")


def settle(binder: Binder, node: Node, meaning: Meaning) -> Bound:
    """A meaning as a value; a member of a dynamic value that is not called is a property."""
    if isinstance(meaning, MethodGroup) and meaning.receiver is not None and not meaning.candidates:
        return binder.finished(dynamic_property(meaning.receiver, meaning.name))
    return binder.finished(meaning) if isinstance(meaning, Bound) else binder.value(node)


def common_type(types: list[Type]) -> Type | None:
    """The one of *types* that all the others convert to; NULL alone gives nothing."""
    known = [known_type for known_type in dict.fromkeys(types) if known_type is not NULL]
    for candidate in known:
        wide = nullable(candidate) if NULL in types else candidate
        if all(implicit(other, wide) for other in types):
            return wide
    return DYNAMIC if DYNAMIC in known else None
