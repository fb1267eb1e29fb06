"""``try``, ``catch``, ``finally``, ``using``, ``lock``."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from tree_sitter import Node

from gateway.expressions.binding.binder import (
    Binder,
    Statement,
    child_of_type,
    field,
    named,
    statement,
    text_of,
)
from gateway.expressions.binding.bound import Frame, Run
from gateway.expressions.binding.scope import Variable
from gateway.expressions.binding.statements import declarations, embedded
from gateway.expressions.binding.throwing import CAUGHT
from gateway.expressions.binding.typenames import bind_type
from gateway.expressions.clr import OBJECT, Type, definition_of, make
from gateway.expressions.failures import as_thrown
from gateway.expressions.limits import LimitExceeded
from gateway.expressions.thrown import ExceptionValue, derives
from gateway.wire.work import WorkExceeded


@dataclass(slots=True)
class Catch:
    """One catch clause: which exceptions, which variable gets the value, and under which condition."""

    full_name: str
    slot: int
    body: Statement
    test: Run | None = None


@statement("try_statement")
def bind_try(binder: Binder, node: Node) -> Statement:
    """``try { } catch (X ex) when (test) { } finally { }``."""
    body = binder.statement(field(node, "body"))
    catches = [_catch(binder, child) for child in named(node) if child.type == "catch_clause"]
    parts = [body, *(catch.body for catch in catches)]
    run = _guarded(body.run, catches)
    completes = any(part.completes for part in parts)
    breaks = any(part.breaks for part in parts)
    final_node = child_of_type(node, "finally_clause")
    if final_node is None:
        return Statement(run, completes, breaks)
    final = binder.statement(named(final_node)[0])
    return Statement(_finally(run, final.run), completes and final.completes, breaks)


def _catch(binder: Binder, node: Node) -> Catch:
    declaration = child_of_type(node, "catch_declaration")
    condition = child_of_type(node, "catch_filter_clause")
    with binder.block() as scope:
        caught, name = _caught(binder, declaration)
        scope.names.pop(CAUGHT, None)
        variable = binder.declare(node, text_of(name), caught) if name is not None else _hidden(binder)
        scope.names[CAUGHT] = variable
        test = binder.condition(named(condition)[0]) if condition is not None else None
        body = binder.statement(field(node, "body"))
    return Catch(caught.definition.full_name, variable.slot, body, test)


def _caught(binder: Binder, declaration: Node | None) -> tuple[Type, Node | None]:
    """The exception type of a catch clause, and the name that it gives the exception."""
    if declaration is None:
        return make(definition_of("System.Exception")), None
    return bind_type(binder, field(declaration, "type")), declaration.child_by_field_name("name")


def _hidden(binder: Binder) -> Variable:
    """Where ``throw;`` finds an exception that has no name."""
    return Variable(CAUGHT, OBJECT, binder.function, binder.function.slot())


def _guarded(body: Run, catches: Sequence[Catch]) -> Run:
    if not catches:
        return body

    def run(frame: Frame) -> object:
        try:
            return body(frame)
        except (LimitExceeded, WorkExceeded):
            raise
        except Exception as error:
            catch = _catching(catches, as_thrown(error).value, frame)
            if catch is None:
                raise
            return catch.body.run(frame)

    return run


def _catching(catches: Sequence[Catch], value: ExceptionValue, frame: Frame) -> Catch | None:
    """The first clause whose type and ``when`` accept *value*, which is then in its variable."""
    for catch in catches:
        if derives(value.full_name, catch.full_name) and _accepts(catch, value, frame):
            return catch
    return None


def _accepts(catch: Catch, value: ExceptionValue, frame: Frame) -> bool:
    frame[catch.slot] = value
    return catch.test is None or bool(catch.test(frame))


def _finally(body: Run, final: Run) -> Run:
    def run(frame: Frame) -> object:
        signal = None
        try:
            signal = body(frame)
        finally:
            final(frame)
        return signal

    return run


@statement("using_statement", "lock_statement")
def bind_using(binder: Binder, node: Node) -> Statement:
    """``using (var x = …) { }``: disposing does nothing here, because no allowed type holds a resource."""
    parts = named(node)
    with binder.block():
        starts: list[Run] = []
        for part in parts[:-1]:
            starts += declarations(binder, part) if part.type == "variable_declaration" else [binder.value(part).run]
        body = embedded(binder, parts[-1])

    def run(frame: Frame) -> object:
        for start in starts:
            start(frame)
        return body.run(frame)

    return Statement(run, body.completes, body.breaks)
