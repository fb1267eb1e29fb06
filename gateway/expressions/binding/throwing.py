"""``throw``, as a statement and as an expression."""

from __future__ import annotations

from tree_sitter import Node

from gateway.expressions.binding.binder import Binder, Statement, expression, named, statement
from gateway.expressions.binding.bound import Bound, Frame, Meaning, Run
from gateway.expressions.clr import DYNAMIC, Type, definition_of, make
from gateway.expressions.thrown import ExceptionValue, Thrown, null_reference

CAUGHT = "<caught>"  # the name under which a catch clause declares the exception that ``throw;`` throws again


@expression("throw_expression")
def bind_throw(binder: Binder, node: Node, target: Type | None) -> Meaning:
    """``throw new Exception(…)`` as an expression: it fits every type."""
    return Bound(target or DYNAMIC, _throw(binder, named(node)[0]))


@statement("throw_statement")
def bind_throw_statement(binder: Binder, node: Node) -> Statement:
    """``throw new X(…);`` and, in a catch, ``throw;``."""
    inner = named(node)
    if inner:
        return Statement(_throw(binder, inner[0]), completes=False)
    current = binder.scope.find(CAUGHT)
    if current is None:
        raise binder.problem(node, "syntax-error", "throw; is only allowed in a catch", "throw new Exception(…)")
    slot = current.slot

    def rethrow(frame: Frame) -> None:
        raise Thrown(frame[slot])

    return Statement(rethrow, completes=False)


def _throw(binder: Binder, node: Node) -> Run:
    """Throws the exception that *node* evaluates to."""
    run = binder.converted(node, make(definition_of("System.Exception"))).run

    def throw(frame: Frame) -> None:
        value = run(frame)
        if not isinstance(value, ExceptionValue):
            raise null_reference()
        raise Thrown(value)

    return throw
