"""
Members of ``dynamic`` values: the same allow-list, looked up when the expression runs.

Source: C# language specification, "Dynamic binding".
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from gateway.expressions import clr
from gateway.expressions.clr import Candidate, Type
from gateway.expressions.conversions import implicit
from gateway.expressions.runtime import type_of
from gateway.expressions.thrown import Thrown, null_reference, thrown

# Classes whose members a dynamic access finds by content, such as a JObject's properties.
DYNAMIC_GET: dict[type, Callable[[object, str], object]] = {}
DYNAMIC_SET: dict[type, Callable[[object, str, object], object]] = {}


def runtime_error(message: str) -> Thrown:
    """What the run-time binder throws."""
    return thrown("RuntimeBinderException", message)


def _receiver(value: object) -> Type:
    if value is None:
        raise thrown("RuntimeBinderException", "Cannot perform runtime binding on a null reference")
    return type_of(value)


def _no_member(made: Type, name: str) -> Thrown:
    return runtime_error(f"'{made.full_name}' does not contain a definition for '{name}'")


def dynamic_member(value: object, name: str) -> object:
    """``value.name``."""
    made = _receiver(value)
    found = next((each for each in made.find(name) if each.member.kind == "property" and not each.member.static), None)
    if found is not None:
        return found.member.call(value)
    content = DYNAMIC_GET.get(value.__class__)
    if content is None:
        raise _no_member(made, name)
    return content(value, name)


def dynamic_assign(value: object, name: str, new: object) -> None:
    """``value.name = new``."""
    made = _receiver(value)
    found = next((each for each in made.find(name) if each.member.store is not None), None)
    content = DYNAMIC_SET.get(value.__class__)
    if found is not None and found.member.store:
        found.member.store(value, new)
    elif content is not None:
        content(value, name, new)
    else:
        raise _no_member(made, name)


def dynamic_call(value: object, name: str, arguments: Sequence[object], type_args: tuple[Type, ...] = ()) -> object:
    """``value.name(arguments)``; extension methods do not count, as in C#."""
    made = _receiver(value)
    candidates = [each for each in made.find(name) if each.member.kind == "method" and not each.member.static]
    if not candidates:
        member = dynamic_member(value, name)
        if callable(member):
            return member(*arguments)
        raise _no_member(made, name)
    return call_chosen(candidates, arguments, type_args, value)


def dynamic_index(value: object, arguments: Sequence[object]) -> object:
    """``value[arguments]``."""
    made = _receiver(value)
    return call_chosen(made.find("this"), arguments, (), value, f"Cannot apply indexing to '{made.full_name}'")


def dynamic_store_index(value: object, arguments: Sequence[object], new: object) -> None:
    """``value[arguments] = new``."""
    made = _receiver(value)
    for candidate in made.find("this"):
        if candidate.member.store is not None and len(candidate.member.parameters) == len(arguments):
            candidate.member.store(value, *arguments, new)
            return
    raise runtime_error(f"Cannot apply indexing to '{made.full_name}'")


def call_chosen(
    candidates: Sequence[Candidate],
    values: Sequence[object],
    type_args: tuple[Type, ...] = (),
    receiver: object = None,
    message: str = "The best overloaded method match has some invalid arguments",
) -> object:
    """Choose among *candidates* by the run-time types of *values* and call."""
    from gateway.expressions.binding.overloads import Argument, choose

    arguments = [
        Argument(None, arity=None, result=lambda _types: clr.DYNAMIC) if callable(value) else Argument(type_of(value))
        for value in values
    ]
    plan = choose(candidates, arguments, type_args)
    if plan is None:
        raise runtime_error(message)
    member = plan.candidate.member
    made: list[object] = [] if member.static and not (member.extension and receiver is not None) else [receiver]
    if made and receiver is None:
        raise null_reference()
    for item in plan.items:
        if item.rest is not None:
            made.append([_converted(values[index], item.type) for index in item.rest])
        else:
            made.append(
                item.parameter.default if item.argument is None else _converted(values[item.argument], item.type)
            )
    return member.call(plan.type_arguments, *made) if member.generic else member.call(*made)


def _converted(value: object, target: Type) -> object:
    if callable(value):
        return value
    found = implicit(type_of(value), target)
    return found.run(value) if found is not None and found.run is not None else value
