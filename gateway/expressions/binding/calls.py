"""Calls: of methods, extension methods, delegates, local functions; and the arguments of constructors and indexers."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial

from tree_sitter import Node

from gateway.errors import LoadError
from gateway.expressions.binding import remedies
from gateway.expressions.binding.binder import Binder, expression, field, named, settle, text_of
from gateway.expressions.binding.bound import Bound, Frame, Meaning, MethodGroup, Run, Store, TypeName, constant
from gateway.expressions.binding.lambdas import LAMBDAS, bind_lambda, lambda_arity, lambda_result
from gateway.expressions.binding.names import bind_access, through
from gateway.expressions.binding.overloads import Argument, Item, Plan, choose, func_type
from gateway.expressions.binding.typenames import bind_type
from gateway.expressions.clr import DYNAMIC, NULLABLE, OBJECT, Candidate, Type, certain
from gateway.expressions.dispatch import call_chosen, dynamic_call
from gateway.expressions.limits import enter, leave
from gateway.expressions.primitives import STRING
from gateway.expressions.signatures import delegate_shape
from gateway.expressions.thrown import null_reference
from gateway.expressions.values import Ref


@dataclass(slots=True)
class Written:
    """An argument as written: its node, what it is bound to so far, and how overload resolution sees it."""

    node: Node
    seen: Argument
    bound: Bound | None = None
    group: MethodGroup | None = None
    declares: Node | None = None


def bind_arguments(binder: Binder, nodes: Sequence[Node]) -> list[Written]:
    """Bind what needs no target type; lambdas and method groups wait for the parameter."""
    return [_argument(binder, node) for node in nodes]


def _argument(binder: Binder, node: Node) -> Written:
    name_node = node.child_by_field_name("name")
    name = text_of(name_node) if name_node is not None else ""
    inner = named(node)[-1]
    keywords = {child.type for child in node.children}
    if "ref" in keywords or "in" in keywords:
        raise binder.problem(node, "unsupported-syntax", "ref arguments are not supported")
    if "out" in keywords:
        return _out_argument(binder, inner, name)
    return value_argument(binder, inner, name)


def value_argument(binder: Binder, inner: Node, name: str = "") -> Written:
    """One argument other than ``out``."""
    if inner.type in LAMBDAS:
        seen = Argument(None, name, arity=lambda_arity(inner), result=lambda types: lambda_result(binder, inner, types))
        return Written(inner, seen)
    meaning = binder.meaning(inner)
    if isinstance(meaning, MethodGroup) and (meaning.candidates or meaning.receiver is None):
        group = meaning
        seen = Argument(None, name, result=lambda types: group_result(group, types))
        return Written(inner, seen, group=group)
    bound = settle(binder, inner, meaning)
    return Written(inner, Argument(bound.type, name, constant=bound.constant_value), bound)


def _out_argument(binder: Binder, inner: Node, name: str) -> Written:
    if inner.type == "declaration_expression":
        type_node = field(inner, "type")
        clr_type = None if type_node.type == "implicit_type" else bind_type(binder, type_node)
        return Written(inner, Argument(clr_type, name, "out"), declares=inner.child_by_field_name("name"))
    if inner.type == "identifier" and text_of(inner) == "_":
        return Written(inner, Argument(None, name, "out"), declares=inner)
    bound = binder.value(inner)
    if bound.store is None:
        raise binder.problem(inner, "not-a-variable", "an out argument must be a variable")
    return Written(inner, Argument(bound.type, name, "out"), bound)


def group_result(group: MethodGroup, types: tuple[Type, ...]) -> Type:
    """The result type of a method group for these parameter types."""
    plan = choose(group.candidates, [Argument(clr_type) for clr_type in types], group.type_args)
    return plan.result if plan else DYNAMIC


def group_delegate(binder: Binder, node: Node, group: MethodGroup, target: Type) -> Bound:
    """A method group as a delegate of type *target*."""
    shape = delegate_shape(target)
    inputs = shape[0] if shape else (DYNAMIC,)
    plan = choose(group.candidates, [Argument(clr_type) for clr_type in inputs], group.type_args)
    if plan is None:
        raise binder.problem(node, "no-overload", f"no overload of {group.name} fits {target.name}")
    member, receiver = plan.candidate.member, group.receiver
    binder.may_be_long |= member.long
    types = plan.type_arguments

    def make(frame: Frame) -> object:
        first = [types] if member.generic else []
        if receiver is not None:
            first.append(receiver.run(frame))
        return lambda *values: member.call(*first, *values)

    return Bound(target if shape else func_type(inputs, plan.result), make)


def fill(binder: Binder, plan: Plan, written: Sequence[Written]) -> list[Run]:
    """The closures that compute what the Python function takes, one for each parameter."""
    return [_item(binder, item, written) for item in plan.items]


def _item(binder: Binder, item: Item, written: Sequence[Written]) -> Run:
    if item.rest is not None:
        runs = [_value(binder, written[index], item.type) for index in item.rest]
        return lambda frame: [run(frame) for run in runs]
    if item.argument is None:
        default = item.parameter.default
        return lambda _frame: default
    return _value(binder, written[item.argument], item.type)


def _value(binder: Binder, argument: Written, target: Type) -> Run:
    if argument.seen.mode == "out":
        return _out_ref(binder, argument, target)
    if argument.group is not None:
        return group_delegate(binder, argument.node, argument.group, target).run
    if argument.bound is None:
        return bind_lambda(binder, argument.node, target).run
    return binder.convert(argument.bound, target, argument.node).run


def _out_ref(binder: Binder, argument: Written, target: Type) -> Run:
    """The callee gets a Ref; the variable gets the value as soon as the Ref is set."""
    store = certain(argument.bound.store if argument.bound is not None else _declared_store(binder, argument, target))
    return lambda frame: OutRef(frame, store)


def _declared_store(binder: Binder, argument: Written, target: Type) -> Store | None:
    name = certain(argument.declares)
    variable = binder.declare(name, text_of(name), argument.seen.type or target)
    slot = variable.slot
    return lambda frame, value: frame.__setitem__(slot, value)


class OutRef(Ref):
    """A Ref whose value goes straight to the caller's variable."""

    __slots__ = ("_frame", "_store")

    def __init__(self, frame: Frame, store: Store) -> None:
        self._frame = frame
        self._store = store

    def __setattr__(self, name: str, value: object) -> None:
        object.__setattr__(self, name, value)
        if name == "value":
            self._store(self._frame, value)


def _name_of(binder: Binder, node: Node, names: list[Node]) -> Bound:
    if len(names) != 1:
        raise binder.problem(node, "syntax-error", "nameof takes one name", "write nameof(x)")
    return constant(STRING, text_of(names[0]).rpartition(".")[2])


@expression("invocation_expression")
def bind_invocation(binder: Binder, node: Node, _target: Type | None) -> Meaning:
    """``callee(arguments)``."""
    callee, arguments = field(node, "function"), field(node, "arguments")
    if callee.type == "identifier" and text_of(callee) == "nameof" and binder.scope.find("nameof") is None:
        return _name_of(binder, node, named(arguments))
    meaning = bind_access(binder, callee, True) if callee.type == "member_access_expression" else binder.meaning(callee)
    if isinstance(meaning, Bound):
        return _invoke_delegate(binder, node, meaning, arguments)
    return _invoke_group(binder, node, _method_group(binder, callee, meaning), arguments)


def _method_group(binder: Binder, callee: Node, meaning: Meaning) -> MethodGroup:
    if isinstance(meaning, MethodGroup):
        return meaning
    if isinstance(meaning, TypeName):
        message = f"{meaning.type.name} is a type, not a method"
        raise binder.problem(callee, "unknown-member", message, "write new to make one")
    raise binder.problem(callee, "not-callable", f"{text_of(callee)} is not a method")


def _invoke_group(binder: Binder, node: Node, group: MethodGroup, arguments: Node) -> Bound:
    receiver = group.receiver
    if receiver is None or not receiver.conditional:
        return call_group(binder, node, group, arguments)
    return through(binder, receiver, lambda value: call_group(binder, node, replace(group, receiver=value), arguments))


def call_group(binder: Binder, node: Node, group: MethodGroup, arguments: Node) -> Bound:
    """
    Choose an overload and call it: first among the type's own methods, then among extension methods.

    Source: C# language specification, "Method invocations", "Extension method invocations".
    """
    written = bind_arguments(binder, named(arguments))
    if group.receiver is not None and not group.candidates:
        return _dynamic_call(binder, group, written)
    own = _own_methods(group)
    if _needs_run_time(own, written):
        return _run_time_call(binder, own, group, written)
    plan = choose(own, as_seen(written), group.type_args)
    if plan is not None:
        return emit_call(binder, plan, written, group.receiver)
    extension = _extension_call(binder, node, group, written)
    if extension is not None:
        return extension
    raise no_overload(binder, node, group, written)


def _own_methods(group: MethodGroup) -> list[Candidate]:
    """The methods that take the receiver as such; an extension method counts only if it is called as a static one."""
    return [method for method in group.candidates if not method.member.extension or group.receiver is None]


def as_seen(written: Sequence[Written]) -> list[Argument]:
    """The arguments as overload resolution sees them."""
    return [argument.seen for argument in written]


def _needs_run_time(candidates: Sequence[Candidate], written: Sequence[Written]) -> bool:
    """
    Whether a dynamic argument leaves several overloads open: then the choice is made when the expression runs.

    Source: C# language specification, "Dynamic member invocation", "Compile-time checking of dynamic member
    invocation" (ECMA-334 §12.6.5).
    """
    if not any(argument.seen.type is DYNAMIC and not argument.seen.mode for argument in written):
        return False
    if any(argument.bound is None for argument in written):
        return False
    fitting = [candidate for candidate in candidates if choose([candidate], as_seen(written))]
    return len(fitting) > 1


def _run_time_call(
    binder: Binder, candidates: Sequence[Candidate], group: MethodGroup, written: Sequence[Written]
) -> Bound:
    binder.may_be_long = True
    runs = [argument.bound.run for argument in written if argument.bound is not None]
    results = {candidate.member.type.substitute(candidate.bindings).closed() for candidate in candidates}
    result = results.pop() if len(results) == 1 else DYNAMIC
    receiver = group.receiver

    def call(frame: Frame) -> object:
        value = receiver.run(frame) if receiver is not None else None
        if receiver is not None and value is None:
            raise null_reference()
        return call_chosen(candidates, [run(frame) for run in runs], group.type_args, value)

    return Bound(result, call)


def _extension_call(binder: Binder, node: Node, group: MethodGroup, written: list[Written]) -> Bound | None:
    receiver = group.receiver
    candidates = [method for method in group.candidates if method.member.extension]
    if receiver is None or not candidates:
        return None
    everything = [Written(node, Argument(receiver.type), receiver), *written]
    plan = choose(candidates, as_seen(everything), group.type_args)
    return emit_call(binder, plan, everything, None) if plan is not None else None


def no_overload(binder: Binder, node: Node, group: MethodGroup, written: Sequence[Written]) -> LoadError:
    """The arguments fit no overload. Raises LoadError itself for a mistake inside a lambda: a better message."""
    for argument in written:
        _check_lambda(binder, group, argument)
    kinds = ", ".join(seen.type.name if seen.type else "a function" for seen in as_seen(written)) or "nothing"
    name = "the constructor" if group.name == "new" else group.name
    remedy = remedies.for_call(group.candidates)
    return binder.problem(node, "no-overload", f"no overload of {name} takes ({kinds})", remedy)


def _check_lambda(binder: Binder, group: MethodGroup, argument: Written) -> None:
    """Bind a lambda to the first delegate that an overload takes, so that mistakes inside it are reported."""
    if argument.bound is not None or argument.group is not None or argument.seen.mode:
        return
    delegate = next(_delegates(group), None)
    if delegate is not None:
        bind_lambda(binder, argument.node, delegate.closed())


def _delegates(group: MethodGroup) -> Iterator[Type]:
    parameters = (parameter.type for method in group.candidates for parameter in method.member.parameters)
    return (clr_type for clr_type in parameters if clr_type.kind == "delegate")


def emit_call(binder: Binder, plan: Plan, written: Sequence[Written], receiver: Bound | None) -> Bound:
    """The closure that runs the chosen overload."""
    member = plan.candidate.member
    binder.may_be_long |= member.long
    if member.owner.name == "IMessageBody":
        binder.touched.add("reads")
    runs = fill(binder, plan, written)
    call = member.call
    if member.generic:
        call = partial(member.call, plan.type_arguments)
    if receiver is None or member.static:
        return Bound(plan.result, static_run(call, runs))
    checked = receiver.type.definition is not NULLABLE
    return Bound(plan.result, instance_run(call, receiver.run, runs, checked))


def static_run(call: Run, runs: Sequence[Run]) -> Run:
    """A call without a receiver, with closures for the usual numbers of arguments."""
    if not runs:
        return lambda frame: call()  # type: ignore[call-arg]
    if len(runs) == 1:
        first = runs[0]
        return lambda frame: call(first(frame))
    if len(runs) == 2:
        first, second = runs
        return lambda frame: call(first(frame), second(frame))  # type: ignore[call-arg]
    if len(runs) == 3:
        first, second, third = runs
        return lambda frame: call(first(frame), second(frame), third(frame))  # type: ignore[call-arg]
    return lambda frame: call(*[run(frame) for run in runs])


def instance_run(call: Run, receiver: Run, runs: Sequence[Run], checked: bool) -> Run:
    """A call on a receiver; *checked*: null throws."""
    if not checked:
        return lambda frame: call(receiver(frame), *[run(frame) for run in runs])
    first = runs[0] if runs else None

    def call_none(frame: Frame) -> object:
        value = receiver(frame)
        if value is None:
            raise null_reference()
        return call(value)

    def call_one(frame: Frame) -> object:
        value = receiver(frame)
        if value is None:
            raise null_reference()
        return call(value, first(frame))  # type: ignore[call-arg,misc]

    def call_many(frame: Frame) -> object:
        value = receiver(frame)
        if value is None:
            raise null_reference()
        return call(value, *[run(frame) for run in runs])

    return (call_none, call_one)[len(runs)] if len(runs) < 2 else call_many


def _dynamic_call(binder: Binder, group: MethodGroup, written: Sequence[Written]) -> Bound:
    receiver = certain(group.receiver)
    binder.may_be_long = True
    runs = [_value(binder, argument, argument.seen.type or OBJECT) for argument in written]
    name, types = group.name, group.type_args
    if name.startswith("As"):
        binder.touched.update({"Request", "Response", "reads"})
    run = receiver.run
    return Bound(DYNAMIC, lambda frame: dynamic_call(run(frame), name, [evaluate(frame) for evaluate in runs], types))


def _invoke_delegate(binder: Binder, node: Node, callee: Bound, arguments: Node) -> Bound:
    """``f(x)`` where f is a local function or a delegate."""
    shape = delegate_shape(callee.type)
    if shape is None and callee.type is not DYNAMIC:
        raise binder.problem(node, "not-callable", f"a value of type {callee.type.name} cannot be called")
    inputs, result = shape if shape is not None else ((DYNAMIC,) * len(named(arguments)), DYNAMIC)
    written = bind_arguments(binder, named(arguments))
    if len(written) != len(inputs):
        raise binder.problem(
            node, "no-overload", f"the function takes {len(inputs)} arguments, {len(written)} are given"
        )
    runs = [_value(binder, argument, wanted) for argument, wanted in zip(written, inputs, strict=True)]
    run = callee.run

    def call(frame: Frame) -> object:
        function = run(frame)
        if function is None:
            raise null_reference()
        enter()
        try:
            return function(*[evaluate(frame) for evaluate in runs])
        finally:
            leave()

    return Bound(result, call)
