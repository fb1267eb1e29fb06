"""Calls: of methods, extension methods, delegates, local functions; and the arguments of constructors and indexers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

from tree_sitter import Node

from gateway.expressions.binding.binder import Binder, dynamic_property, expression, field, named, text_of
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


def bind_arguments(b: Binder, nodes: Sequence[Node]) -> list[Written]:
    """Bind what needs no target type; lambdas and method groups wait for the parameter."""
    return [_argument(b, node) for node in nodes]


def _argument(b: Binder, node: Node) -> Written:
    name_node = node.child_by_field_name("name")
    name = text_of(name_node) if name_node is not None else ""
    inner = named(node)[-1]
    keywords = {child.type for child in node.children}
    if "ref" in keywords or "in" in keywords:
        raise b.problem(node, "unsupported-syntax", "ref arguments are not supported")
    if "out" in keywords:
        return _out_argument(b, inner, name)
    return value_argument(b, inner, name)


def value_argument(b: Binder, inner: Node, name: str = "") -> Written:
    """One argument that is no ``out``."""
    if inner.type in LAMBDAS:
        seen = Argument(None, name, arity=lambda_arity(inner), result=lambda types: lambda_result(b, inner, types))
        return Written(inner, seen)
    meaning = b.meaning(inner)
    if isinstance(meaning, MethodGroup) and (meaning.candidates or meaning.receiver is None):
        group = meaning
        seen = Argument(None, name, result=lambda types: group_result(group, types))
        return Written(inner, seen, group=group)
    bound = settle(b, inner, meaning)
    return Written(inner, Argument(bound.type, name, constant=bound.constant_value), bound)


def settle(b: Binder, node: Node, meaning: Meaning) -> Bound:
    """A meaning as a value; a member of a dynamic value that is not called is a property."""
    if isinstance(meaning, MethodGroup) and meaning.receiver is not None and not meaning.candidates:
        return b.finished(dynamic_property(meaning.receiver, meaning.name))
    return b.finished(meaning) if isinstance(meaning, Bound) else b.value(node)


def _out_argument(b: Binder, inner: Node, name: str) -> Written:
    if inner.type == "declaration_expression":
        type_node = field(inner, "type")
        made = None if type_node.type == "implicit_type" else bind_type(b, type_node)
        return Written(inner, Argument(made, name, "out"), declares=inner.child_by_field_name("name"))
    if inner.type == "identifier" and text_of(inner) == "_":
        return Written(inner, Argument(None, name, "out"), declares=inner)
    bound = b.value(inner)
    if bound.store is None:
        raise b.problem(inner, "not-a-variable", "an out argument must be a variable")
    return Written(inner, Argument(bound.type, name, "out"), bound)


def group_result(group: MethodGroup, types: tuple[Type, ...]) -> Type:
    """The type that a method group gives for these parameter types."""
    plan = choose(group.candidates, [Argument(made) for made in types], group.type_args)
    return plan.result if plan else DYNAMIC


def group_delegate(b: Binder, node: Node, group: MethodGroup, target: Type) -> Bound:
    """A method group as a delegate of type *target*."""
    shape = delegate_shape(target)
    inputs = shape[0] if shape else (DYNAMIC,)
    plan = choose(group.candidates, [Argument(made) for made in inputs], group.type_args)
    if plan is None:
        raise b.problem(node, "no-overload", f"no overload of {group.name} fits {target.name}")
    member, receiver = plan.candidate.member, group.receiver
    types = plan.type_arguments

    def make(frame: Frame) -> object:
        first = [types] if member.generic else []
        if receiver is not None:
            first.append(receiver.run(frame))
        return lambda *values: member.call(*first, *values)

    return Bound(target if shape else func_type(inputs, plan.result), make)


def fill(b: Binder, plan: Plan, written: Sequence[Written]) -> list[Run]:
    """The closures that compute what the Python function takes, one for each parameter."""
    return [_item(b, item, written) for item in plan.items]


def _item(b: Binder, item: Item, written: Sequence[Written]) -> Run:
    if item.rest is not None:
        runs = [_value(b, written[index], item.type) for index in item.rest]
        return lambda frame: [run(frame) for run in runs]
    if item.argument is None:
        default = item.parameter.default
        return lambda _frame: default
    return _value(b, written[item.argument], item.type)


def _value(b: Binder, argument: Written, target: Type) -> Run:
    if argument.seen.mode == "out":
        return _out_ref(b, argument, target)
    if argument.group is not None:
        return group_delegate(b, argument.node, argument.group, target).run
    if argument.bound is None:
        return bind_lambda(b, argument.node, target).run
    return b.convert(argument.bound, target, argument.node).run


def _out_ref(b: Binder, argument: Written, target: Type) -> Run:
    """The callee gets a Ref; the variable takes its value as soon as it is set."""
    store = certain(argument.bound.store if argument.bound is not None else _declared_store(b, argument, target))
    return lambda frame: OutRef(frame, store)


def _declared_store(b: Binder, argument: Written, target: Type) -> Store | None:
    name = certain(argument.declares)
    variable = b.declare(name, text_of(name), argument.seen.type or target)
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


def _name_of(b: Binder, node: Node, names: list[Node]) -> Bound:
    if len(names) != 1:
        raise b.problem(node, "syntax-error", "nameof takes one name", "write nameof(x)")
    return constant(STRING, text_of(names[0]).rpartition(".")[2])


@expression("invocation_expression")
def bind_invocation(b: Binder, node: Node, _target: Type | None) -> Meaning:
    """``callee(arguments)``."""
    callee = field(node, "function")
    arguments = field(node, "arguments")
    if callee.type == "identifier" and text_of(callee) == "nameof" and b.scope.find("nameof") is None:
        return _name_of(b, node, named(arguments))
    meaning = bind_access(b, callee, True) if callee.type == "member_access_expression" else b.meaning(callee)
    if isinstance(meaning, TypeName):
        raise b.problem(
            callee, "unknown-member", f"{meaning.type.name} is a type, not a method", "write new to make one"
        )
    if isinstance(meaning, Bound):
        return _invoke_delegate(b, node, meaning, arguments)
    if not isinstance(meaning, MethodGroup):
        raise b.problem(callee, "not-callable", f"{text_of(callee)} is not a method")
    receiver = meaning.receiver
    if receiver is not None and receiver.conditional:

        def call(value: Bound) -> Bound:
            group = MethodGroup(meaning.name, meaning.candidates, value, meaning.type_args)
            return call_group(b, node, group, arguments)

        return through(b, receiver, call)
    return call_group(b, node, meaning, arguments)


def call_group(b: Binder, node: Node, group: MethodGroup, arguments: Node) -> Bound:
    """Choose an overload and call it."""
    written = bind_arguments(b, named(arguments))
    if group.receiver is not None and not group.candidates:
        return _dynamic_call(b, group, written)
    instance = [each for each in group.candidates if not each.member.extension or group.receiver is None]
    if _needs_run_time(instance, written):
        return _run_time_call(b, instance, group, written)
    plan = choose(instance, [each.seen for each in written], group.type_args)
    if plan is not None:
        return emit_call(b, plan, written, group.receiver)
    extension = _extension_plan(b, node, group, written)
    if extension is not None:
        return extension
    raise no_overload(b, node, group, written)


def _needs_run_time(candidates: Sequence[Candidate], written: Sequence[Written]) -> bool:
    """A dynamic argument decides between overloads only when the expression runs."""
    if not any(each.seen.type is DYNAMIC and not each.seen.mode for each in written):
        return False
    if any(each.bound is None for each in written):
        return False
    fitting = [each for each in candidates if choose([each], [argument.seen for argument in written])]
    return len(fitting) > 1


def _run_time_call(b: Binder, candidates: Sequence[Candidate], group: MethodGroup, written: Sequence[Written]) -> Bound:
    runs = [each.bound.run for each in written if each.bound is not None]
    results = {each.member.type.substitute(each.bindings).closed() for each in candidates}
    result = results.pop() if len(results) == 1 else DYNAMIC
    receiver = group.receiver

    def call(frame: Frame) -> object:
        value = receiver.run(frame) if receiver is not None else None
        if receiver is not None and value is None:
            raise null_reference()
        return call_chosen(candidates, [run(frame) for run in runs], group.type_args, value)

    return Bound(result, call)


def _extension_plan(b: Binder, node: Node, group: MethodGroup, written: list[Written]) -> Bound | None:
    receiver = group.receiver
    candidates = [each for each in group.candidates if each.member.extension]
    if receiver is None or not candidates:
        return None
    first = Written(node, Argument(receiver.type), receiver)
    everything = [first, *written]
    plan = choose(candidates, [each.seen for each in everything], group.type_args)
    return emit_call(b, plan, everything, None) if plan is not None else None


def no_overload(b: Binder, node: Node, group: MethodGroup, written: Sequence[Written]) -> Exception:
    """The arguments fit no overload."""
    kinds = ", ".join(each.seen.type.name if each.seen.type else "a function" for each in written) or "nothing"
    # A mistake inside a lambda is the better message.
    for each in written:
        if each.bound is None and each.group is None and each.seen.mode == "":
            shapes = [
                item.type for c in group.candidates for item in c.member.parameters if item.type.kind == "delegate"
            ]
            if shapes:
                bind_lambda(b, each.node, shapes[0].closed())
    name = "the constructor" if group.name == "new" else group.name
    return b.problem(
        node, "no-overload", f"no overload of {name} takes ({kinds})", "check the number and types of arguments"
    )


def emit_call(b: Binder, plan: Plan, written: Sequence[Written], receiver: Bound | None) -> Bound:
    """The closure that runs the chosen overload."""
    member = plan.candidate.member
    if member.owner.name == "IMessageBody":
        b.touched.add("reads")
    runs = fill(b, plan, written)
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


def _dynamic_call(b: Binder, group: MethodGroup, written: Sequence[Written]) -> Bound:
    receiver = certain(group.receiver)
    runs = [_value(b, each, each.seen.type or OBJECT) for each in written]
    name, types = group.name, group.type_args
    if name.startswith("As"):
        b.touched.update({"Request", "Response", "reads"})
    run = receiver.run
    return Bound(DYNAMIC, lambda frame: dynamic_call(run(frame), name, [each(frame) for each in runs], types))


def _invoke_delegate(b: Binder, node: Node, callee: Bound, arguments: Node) -> Bound:
    """``f(x)`` where f is a local function or a delegate."""
    shape = delegate_shape(callee.type)
    if shape is None and callee.type is not DYNAMIC:
        raise b.problem(node, "not-callable", f"a value of type {callee.type.name} cannot be called")
    inputs, result = shape if shape is not None else ((DYNAMIC,) * len(named(arguments)), DYNAMIC)
    written = bind_arguments(b, named(arguments))
    if len(written) != len(inputs):
        raise b.problem(node, "no-overload", f"the function takes {len(inputs)} arguments, {len(written)} are given")
    runs = [_value(b, each, made) for each, made in zip(written, inputs, strict=True)]
    run = callee.run

    def call(frame: Frame) -> object:
        function = run(frame)
        if function is None:
            raise null_reference()
        enter()
        try:
            return function(*[each(frame) for each in runs])
        finally:
            leave()

    return Bound(result, call)
