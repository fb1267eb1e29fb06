"""Blocks, declarations, ``if``, ``return`` and expression statements."""

from __future__ import annotations

from collections.abc import Sequence

from tree_sitter import Node

from gateway.expressions.binding.binder import Binder, Statement, field, named, statement, text_of
from gateway.expressions.binding.bound import NOT_CONSTANT, Frame, Run
from gateway.expressions.binding.jumps import labelled, labels_of, run_labelled
from gateway.expressions.binding.lambdas import LAMBDAS, bind_lambda, declare_local_functions
from gateway.expressions.binding.operations import checked_region
from gateway.expressions.binding.scope import Variable
from gateway.expressions.binding.tuples import bind_deconstruction
from gateway.expressions.binding.typenames import bind_type
from gateway.expressions.clr import NULL, VOID, Type, certain

_CALLS = frozenset({
    "invocation_expression", "assignment_expression", "postfix_unary_expression", "prefix_unary_expression",
    "object_creation_expression", "conditional_access_expression", "await_expression", "parenthesized_expression",
})  # fmt: skip


def sequence(binder: Binder, nodes: Sequence[Node]) -> Statement:
    """Statements one after the other."""
    declare_local_functions(binder, list(nodes))
    labels = labels_of(nodes)
    with labelled(binder, labels):
        bound = [binder.statement(node) for node in nodes]
    breaks = any(statement.breaks for statement in bound)
    if labels:
        return Statement(run_labelled([statement.run for statement in bound], labels), bound[-1].completes, breaks)
    return Statement(run_all(_functions_first(bound, nodes)), all(part.completes for part in bound), breaks)


def _functions_first(bound: Sequence[Statement], nodes: Sequence[Node]) -> list[Run]:
    """Local functions come first: they may be called before the line that declares them."""
    kinds = zip(bound, (node.type == "local_function_statement" for node in nodes), strict=True)
    return [part.run for part, _ in sorted(kinds, key=lambda placed: not placed[1])]


def run_all(runs: Sequence[Run]) -> Run:
    """Run until a statement returns a signal."""
    if len(runs) == 1:
        return runs[0]

    def run(frame: Frame) -> object:
        for step in runs:
            signal = step(frame)
            if signal is not None:
                return signal
        return None

    return run


@statement("block")
def bind_block(binder: Binder, node: Node) -> Statement:
    """``{ … }``."""
    with binder.block():
        return sequence(binder, named(node))


@statement("empty_statement", "comment")
def bind_empty(_b: Binder, _node: Node) -> Statement:
    """``;``."""
    return Statement(lambda _frame: None)


@statement("expression_statement")
def bind_expression_statement(binder: Binder, node: Node) -> Statement:
    """A call, an assignment, an increment or a decrement."""
    inner = named(node)[0]
    if inner.type not in _CALLS:
        raise binder.problem(
            inner, "not-a-statement", "only calls and assignments can be statements", "return or assign it"
        )
    run = binder.value(inner).run

    def execute(frame: Frame) -> None:
        run(frame)

    return Statement(execute)


@statement("return_statement")
def bind_return(binder: Binder, node: Node) -> Statement:
    """``return x;``."""
    inner = named(node)
    if not inner:
        if binder.function.depth == 0:
            raise binder.problem(node, "no-return", "a policy expression must return a value", "return null or a value")
        return Statement(lambda _frame: (None,), completes=False)
    result = binder.function.result
    if result is VOID:
        raise binder.problem(node, "wrong-type", "this function returns nothing", "declare its type")
    bound = binder.value(inner[0]) if result is None else binder.converted(inner[0], result)
    binder.function.returned.append(bound.type)
    run = bound.run
    return Statement(lambda frame: (run(frame),), completes=False)


@statement("if_statement")
def bind_if(binder: Binder, node: Node) -> Statement:
    """``if (test) … else …``."""
    condition, consequence = field(node, "condition"), field(node, "consequence")
    alternative = node.child_by_field_name("alternative")
    bound = binder.value(condition)
    test = binder.truth(bound, condition)
    yes = embedded(binder, consequence)
    no = embedded(binder, alternative) if alternative is not None else Statement(lambda _frame: None)
    first, second = yes.run, no.run
    return Statement(
        lambda frame: first(frame) if test(frame) else second(frame),
        _completes(bound.constant, yes, no),
        yes.breaks or no.breaks,
    )


def _completes(test: object, yes: Statement, no: Statement) -> bool:
    if test is NOT_CONSTANT:
        return yes.completes or no.completes
    return yes.completes if test else no.completes


def embedded(binder: Binder, node: Node) -> Statement:
    """The body of an ``if`` or loop; a declaration is not allowed alone there."""
    if node.type == "local_declaration_statement":
        raise binder.problem(node, "syntax-error", "a declaration here needs braces", "write { … }")
    with binder.block():
        return binder.statement(node)


@statement("local_declaration_statement")
def bind_local(binder: Binder, node: Node) -> Statement:
    """``var x = 1;``, ``int a, b = 2;``, ``const string c = "x";``, ``using var r = …;``."""
    is_const = any(text_of(child) == "const" for child in node.children)
    declaration = next(child for child in named(node) if child.type == "variable_declaration")
    return Statement(run_all(declarations(binder, declaration, is_const) or [lambda _frame: None]))


def declarations(binder: Binder, node: Node, is_const: bool = False) -> list[Run]:
    """The declarators of one declaration."""
    type_node = field(node, "type")
    clr_type = None if type_node.type == "implicit_type" else bind_type(binder, type_node)
    declarators = [child for child in named(node) if child.type == "variable_declarator"]
    return [_declarator(binder, declarator, clr_type, is_const) for declarator in declarators]


def _declarator(binder: Binder, node: Node, clr_type: Type | None, is_const: bool) -> Run:
    children = named(node)
    value_node = children[-1] if any(child.type == "=" for child in node.children) else None
    if children[0].type == "tuple_pattern":
        run = bind_deconstruction(binder, children[0], certain(value_node), declares=True).run
        return lambda frame: (run(frame), None)[1]
    name = text_of(children[0]).lstrip("@")
    if value_node is None:
        return _without_value(binder, node, name, clr_type)
    if is_const:
        return _constant(binder, node, name, clr_type, value_node)
    return _with_value(binder, node, name, clr_type, value_node)


def _without_value(binder: Binder, node: Node, name: str, clr_type: Type | None) -> Run:
    if clr_type is None:
        raise binder.problem(node, "wrong-type", f"var {name} needs a value", f"write var {name} = …")
    slot = binder.declare(node, name, clr_type).slot

    def declare(frame: Frame) -> None:
        frame[slot] = clr_type.default

    return declare


def _constant(binder: Binder, node: Node, name: str, clr_type: Type | None, value_node: Node) -> Run:
    bound = binder.value(value_node) if clr_type is None else binder.converted(value_node, clr_type)
    if bound.constant is NOT_CONSTANT:
        raise binder.problem(value_node, "not-constant", f"the value of {name} is not constant", "drop the const")
    variable = binder.declare(node, name, clr_type or bound.type)
    binder.scope.names[name] = Variable(
        name, variable.type, binder.function, variable.slot, bound.constant, readonly=True
    )
    return lambda _frame: None


def _with_value(binder: Binder, node: Node, name: str, clr_type: Type | None, value_node: Node) -> Run:
    if clr_type is None and value_node.type in LAMBDAS:
        bound = bind_lambda(binder, value_node, None)
    else:
        bound = binder.value(value_node) if clr_type is None else binder.converted(value_node, clr_type)
    if clr_type is None and bound.type in (NULL, VOID):
        raise binder.problem(value_node, "wrong-type", f"var {name} takes its type from its value; this has none")
    slot, run = binder.declare(node, name, clr_type or bound.type).slot, bound.run

    def declare(frame: Frame) -> None:
        frame[slot] = run(frame)

    return declare


@statement("checked_statement")
def bind_checked_block(binder: Binder, node: Node) -> Statement:
    """``checked { … }`` and ``unchecked { … }``."""
    with checked_region(binder, node):
        return binder.statement(named(node)[0])
