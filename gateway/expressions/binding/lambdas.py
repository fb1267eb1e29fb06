"""Lambdas, anonymous methods and local functions."""

from __future__ import annotations

from collections.abc import Callable

from tree_sitter import Node

from gateway.expressions.binding.binder import (
    Binder,
    Statement,
    common_type,
    expression,
    field,
    named,
    settle,
    statement,
    text_of,
)
from gateway.expressions.binding.bound import Bound, Frame, Meaning, Run
from gateway.expressions.binding.overloads import func_type
from gateway.expressions.binding.scope import Function
from gateway.expressions.binding.typenames import bind_type
from gateway.expressions.clr import DYNAMIC, VOID, Type, certain
from gateway.expressions.limits import enter, leave
from gateway.expressions.signatures import delegate_shape

LAMBDAS = frozenset({"lambda_expression", "anonymous_method_expression"})
_ASSIGNS = frozenset({"assignment_expression", "postfix_unary_expression"})


def lambda_parameters(node: Node) -> list[Node]:
    """The parameter nodes: one implicit parameter, or those of the list."""
    parameters = node.child_by_field_name("parameters")
    if parameters is None:
        return []
    return [parameters] if parameters.type == "implicit_parameter" else named(parameters)


def lambda_arity(node: Node) -> int | None:
    """How many arguments the lambda takes; None for ``delegate { … }``, which takes any."""
    if node.type == "anonymous_method_expression" and node.child_by_field_name("parameters") is None:
        return None
    return len(lambda_parameters(node))


def lambda_result(binder: Binder, node: Node, inputs: tuple[Type, ...]) -> Type:
    """The type of the body for these parameter types."""
    bound = bind_lambda(binder, node, func_type(inputs, DYNAMIC), infer=True)
    return certain(delegate_shape(bound.type))[1]


def bind_lambda(binder: Binder, node: Node, target: Type | None, infer: bool = False) -> Bound:
    """
    A lambda as a delegate.

    Args:
        target: The required delegate type; it provides the parameter types if the lambda names none.
        infer: Take the result type from the body instead of from *target*.

    Source: C# language specification, "Anonymous function conversions" (ECMA-334 §10.7).
    """
    parameters = lambda_parameters(node)
    inputs, output, wanted = _shape(binder, node, parameters, target)
    if lambda_arity(node) not in (None, len(inputs)):
        raise binder.problem(
            node, "wrong-type", f"the function must take {len(inputs)} arguments, not {len(parameters)}"
        )
    given = None if infer else wanted
    declared_result = output if given is not None else None
    with binder.nested_function(None if declared_result is DYNAMIC else declared_result) as function:
        types = _declare_all(binder, parameters, inputs)
        body, result = _body(binder, node, function, declared_result)
    return Bound(given or func_type(types, result), maker(body, function, len(inputs), _shares(node)))


def _declare_all(binder: Binder, parameters: list[Node], inputs: tuple[Type, ...]) -> list[Type]:
    """Give every argument a slot, including those that ``delegate { … }`` does not name; returns the types of all."""
    types = [_declare(binder, parameter, declared) for parameter, declared in zip(parameters, inputs, strict=False)]
    unnamed = inputs[len(types) :]
    for _ in unnamed:
        binder.function.slot()
    return [*types, *unnamed]


def _shape(
    binder: Binder, node: Node, parameters: list[Node], target: Type | None
) -> tuple[tuple[Type, ...], Type, Type | None]:
    """Parameter types, result type, and the delegate type that provides them; None if the lambda has only its own."""
    shape = delegate_shape(target) if target is not None else None
    if shape is None:
        return _written_types(binder, node, parameters, target), DYNAMIC, None
    return *shape, target


def _written_types(binder: Binder, node: Node, parameters: list[Node], target: Type | None) -> tuple[Type, ...]:
    typed = [parameter.child_by_field_name("type") for parameter in parameters]
    if target is not None and target is not DYNAMIC and any(type_node is None for type_node in typed):
        raise binder.problem(node, "wrong-type", f"a function is not a {target.name}")
    return tuple(bind_type(binder, type_node) if type_node is not None else DYNAMIC for type_node in typed)


def _declare(binder: Binder, parameter: Node, clr_type: Type) -> Type:
    type_node = parameter.child_by_field_name("type")
    if type_node is not None and type_node.type != "implicit_type":
        clr_type = bind_type(binder, type_node)
    name = parameter if parameter.type == "implicit_parameter" else parameter.child_by_field_name("name")
    binder.declare(certain(name), text_of(certain(name)), clr_type)
    return clr_type


def _body(binder: Binder, node: Node, function: Function, output: Type | None) -> tuple[Run, Type]:
    body = node.child_by_field_name("body") or named(node)[-1]
    if body.type == "block":
        return block_body(binder, body, function, output)
    # An Action may have any expression as its body.
    if output is VOID:
        run = binder.value(body).run
        return lambda frame: (run(frame), None)[1], VOID
    if output is None or output is DYNAMIC:
        bound = _any_value(binder, body)
        return bound.run, bound.type
    bound = binder.converted(body, output)
    return bound.run, output


def _any_value(binder: Binder, body: Node) -> Bound:
    return settle(binder, body, binder.meaning(body))


def block_body(binder: Binder, body: Node, function: Function, output: Type | None) -> tuple[Run, Type]:
    """The body of a lambda or local function that is a block; the result type is inferred if *output* is None."""
    bound = binder.statement(body)
    result = output
    if result is None:
        result = (common_type(function.returned) or DYNAMIC) if function.returned else VOID
    if result is not VOID and bound.completes and result is not DYNAMIC:
        raise binder.problem(body, "no-return", "not every path of this function returns a value", "add a return")
    run = bound.run

    def call(frame: Frame) -> object:
        signal = run(frame)
        return signal[0] if signal is not None else None

    return call, result


def _shares(node: Node) -> bool:
    """Whether the body assigns to anything: then it must see the enclosing frame itself, not a copy of it."""
    todo = [node]
    while todo:
        current = todo.pop()
        if current.type in _ASSIGNS or (
            current.type == "prefix_unary_expression" and text_of(current)[:2] in ("++", "--")
        ):
            return True
        todo += current.children
    return False


def maker(body: Run, function: Function, count: int, shares: bool = True) -> Run:
    """
    The closure that makes the Python function of a lambda.

    It sees the enclosing variables themselves. If it reads a loop's variable, it keeps that iteration's: copying
    the frame gives it that, unless it also assigns.
    """

    def make(frame: Frame) -> Callable[..., object]:
        around = frame[:] if function.keeps_turn and not shares else frame
        padding = [None] * (function.size - 1 - count)

        def invoke(*values: object) -> object:
            enter()
            try:
                return body([around, *values, *padding])
            finally:
                leave()

        return invoke

    return make


@expression("lambda_expression", "anonymous_method_expression")
def bind_lambda_value(binder: Binder, node: Node, target: Type | None) -> Meaning:
    """A lambda whose delegate type is known from its surroundings."""
    return bind_lambda(binder, node, target)


def declare_local_functions(binder: Binder, nodes: list[Node]) -> None:
    """Declare the local functions among *nodes*: they may be called anywhere in their block, even above it."""
    for node in nodes:
        if node.type == "local_function_statement":
            _declare_local_function(binder, node)


def _declare_local_function(binder: Binder, node: Node) -> None:
    name, result = field(node, "name"), field(node, "type")
    parameters = named(field(node, "parameters"))
    if any(child.type in ("ref", "out", "params") for parameter in parameters for child in parameter.children):
        raise binder.problem(node, "unsupported-syntax", "local functions take plain parameters only")
    inputs = [bind_type(binder, parameter.child_by_field_name("type") or parameter) for parameter in parameters]
    binder.declare(name, text_of(name), func_type(inputs, bind_type(binder, result)))


@statement("local_function_statement")
def bind_local_function(binder: Binder, node: Node) -> Statement:
    """``int f(int x) { … }``; it may call itself."""
    name, body = field(node, "name"), field(node, "body")
    parameters = field(node, "parameters")
    variable = certain(binder.scope.find(text_of(name)))
    inputs, output = certain(delegate_shape(variable.type))
    with binder.nested_function(output) as function:
        for parameter, clr_type in zip(named(parameters), inputs, strict=True):
            _declare(binder, parameter, clr_type)
        run = _local_body(binder, body, function, output)
    make, slot = maker(run, function, len(inputs)), variable.slot
    return Statement(lambda frame: frame.__setitem__(slot, make(frame)))


def _local_body(binder: Binder, body: Node, function: Function, output: Type) -> Run:
    if body.type == "block":
        return block_body(binder, body, function, output)[0]
    inner = named(body)[0]
    return binder.value(inner).run if output is VOID else binder.converted(inner, output).run
