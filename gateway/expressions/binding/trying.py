"""``try``, ``catch``, ``finally``, ``throw``, ``using``, ``lock``."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from tree_sitter import Node

from gateway.expressions.binding.binder import Binder, Statement, field, named, statement, text_of
from gateway.expressions.binding.bound import Frame, Run
from gateway.expressions.binding.scope import Variable
from gateway.expressions.binding.statements import declarations, embedded
from gateway.expressions.binding.typenames import bind_type
from gateway.expressions.clr import OBJECT, definition_of, make
from gateway.expressions.failures import as_thrown
from gateway.expressions.limits import LimitExceeded
from gateway.expressions.thrown import ExceptionValue, Thrown, derives, null_reference


@dataclass(slots=True)
class Catch:
    """One catch clause: which exceptions, where the value goes, under which condition."""

    full_name: str
    slot: int
    body: Run
    completes: bool
    breaks: bool
    test: Run | None = None


@statement("throw_statement")
def bind_throw_statement(b: Binder, node: Node) -> Statement:
    """``throw new X(…);`` and, in a catch, ``throw;``."""
    inner = named(node)
    if inner:
        return Statement(throw_run(b, inner[0]), completes=False)
    current = b.scope.find("<caught>")
    if current is None:
        raise b.problem(node, "syntax-error", "throw; stands only in a catch", "throw new Exception(…)")
    slot = current.slot

    def rethrow(frame: Frame) -> None:
        raise Thrown(frame[slot])

    return Statement(rethrow, completes=False)


def throw_run(b: Binder, node: Node) -> Run:
    """Throws the exception that *node* gives."""
    definition = definition_of("System.Exception")
    run = b.converted(node, make(definition)).run

    def throw(frame: Frame) -> None:
        value = run(frame)
        if not isinstance(value, ExceptionValue):
            raise null_reference()
        raise Thrown(value)

    return throw


@statement("try_statement")
def bind_try(b: Binder, node: Node) -> Statement:
    """``try { } catch (X ex) when (test) { } finally { }``."""
    body_node = field(node, "body")
    body = b.statement(body_node)
    catches = [_catch(b, each) for each in named(node) if each.type == "catch_clause"]
    final_node = next((each for each in named(node) if each.type == "finally_clause"), None)
    completes = body.completes or any(each.completes for each in catches)
    run = _guarded(body.run, catches) if catches else body.run
    if final_node is not None:
        final = b.statement(named(final_node)[0])
        run = _finally(run, final.run)
        completes = completes and final.completes
    return Statement(run, completes, body.breaks or any(each.breaks for each in catches))


def _catch(b: Binder, node: Node) -> Catch:
    body_node = field(node, "body")
    declaration = next((each for each in named(node) if each.type == "catch_declaration"), None)
    condition = next((each for each in named(node) if each.type == "catch_filter_clause"), None)
    with b.block() as scope:
        made = definition_of("System.Exception")
        caught = make(made)
        name = None
        if declaration is not None:
            type_node = field(declaration, "type")
            caught = bind_type(b, type_node)
            name = declaration.child_by_field_name("name")
        scope.names.pop("<caught>", None)
        variable = b.declare(node, text_of(name), caught) if name is not None else None
        slot = variable.slot if variable is not None else b.function.slot()
        scope.names["<caught>"] = variable or _hidden(b, slot)
        test = b.condition(named(condition)[0]) if condition is not None else None
        body = b.statement(body_node)
    return Catch(caught.definition.full_name, slot, body.run, body.completes, body.breaks, test)


def _hidden(b: Binder, slot: int) -> Variable:
    return Variable("<caught>", OBJECT, b.function, slot)


def _guarded(body: Run, catches: Sequence[Catch]) -> Run:
    def run(frame: Frame) -> object:
        try:
            return body(frame)
        except LimitExceeded:
            raise
        except Exception as error:
            value = as_thrown(error).value
            for catch in catches:
                if derives(value.full_name, catch.full_name):
                    frame[catch.slot] = value
                    if catch.test is None or catch.test(frame):
                        return catch.body(frame)
            raise

    return run


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
def bind_using(b: Binder, node: Node) -> Statement:
    """``using (var x = …) { }``: disposing does nothing here, for no allowed type holds anything."""
    parts = named(node)
    with b.block():
        starts: list[Run] = []
        for each in parts[:-1]:
            starts += declarations(b, each) if each.type == "variable_declaration" else [b.value(each).run]
        body = embedded(b, parts[-1])

    def run(frame: Frame) -> object:
        for start in starts:
            start(frame)
        return body.run(frame)

    return Statement(run, body.completes, body.breaks)
