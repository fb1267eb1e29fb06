"""
Members of ``dynamic`` values: the same allow-list, looked up when the expression runs.

Source: C# language specification, "Dynamic binding".
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from gateway.expressions import clr
from gateway.expressions.binding.overloads import Argument, Item, choose
from gateway.expressions.clr import Candidate, Member, Type
from gateway.expressions.conversions import implicit
from gateway.expressions.runtime import type_of
from gateway.expressions.thrown import Thrown, null_reference, thrown

# Classes in whose content a dynamic access looks for members, such as a JObject's properties.
DYNAMIC_GET: dict[type, Callable[[object, str], object]] = {}
DYNAMIC_SET: dict[type, Callable[[object, str, object], object]] = {}


def runtime_error(message: str) -> Thrown:
    """The exception that the run-time binder throws."""
    return thrown("RuntimeBinderException", message)


def _receiver(value: object) -> Type:
    if value is None:
        raise thrown("RuntimeBinderException", "Cannot perform runtime binding on a null reference")
    return type_of(value)


def _no_member(receiver: Type, name: str) -> Thrown:
    return runtime_error(f"'{receiver.full_name}' does not contain a definition for '{name}'")


def dynamic_member(value: object, name: str) -> object:
    """``value.name``."""
    receiver = _receiver(value)
    for candidate in receiver.find(name):
        if candidate.member.kind == "property" and not candidate.member.static:
            return candidate.member.call(value)
    content = DYNAMIC_GET.get(value.__class__)
    if content is None:
        raise _no_member(receiver, name)
    return content(value, name)


def dynamic_assign(value: object, name: str, new: object) -> None:
    """``value.name = new``."""
    receiver = _receiver(value)
    store = next((candidate.member.store for candidate in receiver.find(name) if candidate.member.store), None)
    content = DYNAMIC_SET.get(value.__class__)
    if store is not None:
        store(value, new)
    elif content is not None:
        content(value, name, new)
    else:
        raise _no_member(receiver, name)


def dynamic_call(value: object, name: str, arguments: Sequence[object], type_args: tuple[Type, ...] = ()) -> object:
    """``value.name(arguments)``; extension methods do not count, as in C#."""
    receiver = _receiver(value)
    methods = [method for method in receiver.find(name) if method.member.kind == "method" and not method.member.static]
    if not methods:
        member = dynamic_member(value, name)
        if callable(member):
            return member(*arguments)
        raise _no_member(receiver, name)
    return call_chosen(methods, arguments, type_args, value)


def dynamic_index(value: object, arguments: Sequence[object]) -> object:
    """``value[arguments]``."""
    receiver = _receiver(value)
    message = f"Cannot apply indexing to '{receiver.full_name}'"
    return call_chosen(receiver.find("this"), arguments, (), value, message)


def dynamic_store_index(value: object, arguments: Sequence[object], new: object) -> None:
    """``value[arguments] = new``."""
    receiver = _receiver(value)
    for candidate in receiver.find("this"):
        if candidate.member.store is not None and len(candidate.member.parameters) == len(arguments):
            candidate.member.store(value, *arguments, new)
            return
    raise runtime_error(f"Cannot apply indexing to '{receiver.full_name}'")


def call_chosen(
    candidates: Sequence[Candidate],
    values: Sequence[object],
    type_args: tuple[Type, ...] = (),
    receiver: object = None,
    message: str = "The best overloaded method match has some invalid arguments",
) -> object:
    """Choose among *candidates* by the run-time types of *values* and call."""
    plan = choose(candidates, [_seen(value) for value in values], type_args)
    if plan is None:
        raise runtime_error(message)
    member = plan.candidate.member
    inputs = [*_receiver_input(member, receiver), *(_input(item, values) for item in plan.items)]
    return member.call(plan.type_arguments, *inputs) if member.generic else member.call(*inputs)


def _seen(value: object) -> Argument:
    """How overload resolution sees a value; a function fits every delegate."""
    if callable(value):
        return Argument(None, arity=None, result=lambda _types: clr.DYNAMIC)
    return Argument(type_of(value))


def _receiver_input(member: Member, receiver: object) -> list[object]:
    """The receiver, if the Python function takes one."""
    if member.static and not member.extension:
        return []
    if receiver is None and not member.static:
        raise null_reference()
    return [receiver] if receiver is not None else []


def _input(item: Item, values: Sequence[object]) -> object:
    """The value of one parameter."""
    if item.rest is not None:
        return [_converted(values[index], item.type) for index in item.rest]
    return item.parameter.default if item.argument is None else _converted(values[item.argument], item.type)


def _converted(value: object, target: Type) -> object:
    if callable(value):
        return value
    conversion = implicit(type_of(value), target)
    return conversion.run(value) if conversion is not None and conversion.run is not None else value
