"""
Overload resolution and type inference, for static types at load and for run-time types when an argument is dynamic.

A *plan* says how the values of the written arguments become those that the Python function takes.

C# compares applicable overloads in pairs, argument by argument, and calls a draw an error. Here each conversion has a
cost and the least sum wins: for the overloads on the allow-list this gives the same choice, and the first in the table
wins a draw.

Source: C# language specification (ECMA-334), §12.6.3 "Type inference", §12.6.4 "Overload resolution";
https://learn.microsoft.com/dotnet/csharp/language-reference/language-specification/expressions#1264-overload-resolution.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field

from gateway.expressions import primitives as p
from gateway.expressions.clr import (
    DYNAMIC,
    NULL,
    NULLABLE,
    VOID,
    Candidate,
    MethodParameter,
    Type,
    make,
    nullable,
    underlying,
)
from gateway.expressions.conversions import Conversion, implicit
from gateway.expressions.signatures import delegate, delegate_shape

MAX_COST = 10_000
TIE = 0.1  # decides only between overloads whose conversions are equally good


@dataclass(slots=True)
class Argument:
    """
    One written argument.

    Attributes:
        type: Static type; None for a lambda, a method group or an ``out var``, whose type comes from the parameter.
        arity: Number of parameters of a lambda; None for other arguments.
        mode: ``out`` or empty.
        result: For a lambda or method group: a function from parameter types to the result type.
    """

    type: Type | None
    name: str = ""
    mode: str = ""
    constant: object = None
    arity: int | None = None
    result: Callable[[tuple[Type, ...]], Type] | None = None


@dataclass(slots=True)
class Item:
    """Where one parameter's value comes from: an argument, the default, or the rest of the arguments (params)."""

    parameter: MethodParameter
    type: Type
    argument: int | None = None
    rest: tuple[int, ...] | None = None


@dataclass(slots=True)
class Plan:
    """A chosen overload."""

    candidate: Candidate
    items: list[Item]
    bindings: dict[str, Type] = field(default_factory=dict)
    cost: float = 0

    @property
    def result(self) -> Type:
        """The type of the call's result."""
        return self.candidate.member.type.substitute(self.bindings).closed()

    @property
    def type_arguments(self) -> tuple[Type, ...]:
        """The method's own type arguments."""
        names = self.candidate.member.type_parameters or self.candidate.member.owner.parameters
        return tuple(self.bindings.get(name, DYNAMIC) for name in names)


def choose(
    candidates: Iterable[Candidate], arguments: Sequence[Argument], type_args: tuple[Type, ...] = ()
) -> Plan | None:
    """The best applicable overload, or None."""
    attempts = [applicable(candidate, arguments, type_args) for candidate in candidates]
    plans = [plan for plan in attempts if plan is not None]
    best = min(plans, key=lambda plan: plan.cost, default=None)
    return None if best is None or _is_ambiguous(best, plans, arguments) else best


def _is_ambiguous(best: Plan, plans: Sequence[Plan], arguments: Sequence[Argument]) -> bool:
    nulls = any(argument.type is NULL for argument in arguments)
    return (nulls and _has_rival(best, plans, arguments)) or (len(plans) > 1 and _is_torn(best, plans, arguments))


def _is_torn(best: Plan, plans: Sequence[Plan], arguments: Sequence[Argument]) -> bool:
    """Whether a whole number fits both double and decimal, neither of which is the better one: ``Math.Round(1)``."""
    if not arguments or not best.items or arguments[0].type not in p.INTEGRAL or best.items[0].type is not p.DOUBLE:
        return False
    return any(plan.items[0].type is p.DECIMAL for plan in plans if len(plan.items) == len(best.items))


def _has_rival(best: Plan, plans: Sequence[Plan], arguments: Sequence[Argument]) -> bool:
    rivals = (plan for plan in plans if plan.cost == best.cost and plan is not best)
    return any(_draw(best, rival, arguments) for rival in rivals)


def _draw(left: Plan, right: Plan, arguments: Sequence[Argument]) -> bool:
    """Whether a null fits two types of which neither is better: ``x.ToString(null)``."""
    if len(left.items) != len(arguments) or len(right.items) != len(arguments):
        return False
    return any(
        argument.type is NULL and not (implicit(mine.type, other.type) or implicit(other.type, mine.type))
        for argument, mine, other in zip(arguments, left.items, right.items, strict=True)
    )


def applicable(candidate: Candidate, arguments: Sequence[Argument], type_args: tuple[Type, ...]) -> Plan | None:
    """
    The plan for one overload, or None if the arguments do not fit.

    Source: ECMA-334 §12.6.4.2, "Applicable function member": the normal form first, then the expanded form, in which
    a ``params`` array is made of the arguments that are left.
    """
    if type_args and len(type_args) != len(candidate.member.type_parameters):
        return None
    plans = (_plan(candidate, arguments, type_args, expanded) for expanded in (False, True))
    return next((plan for plan in plans if plan is not None), None)


def _plan(
    candidate: Candidate, arguments: Sequence[Argument], type_args: tuple[Type, ...], expanded: bool
) -> Plan | None:
    member = candidate.member
    items = _match(member.parameters, arguments, expanded)
    if items is None:
        return None
    bindings = {**candidate.bindings, **dict(zip(member.type_parameters, type_args, strict=False))}
    plan = Plan(candidate, items, bindings, cost=TIE if expanded else 0)
    if not _infer(plan, arguments) or not _is_inferred(plan, arguments) or not _is_allowed(plan):
        return None
    return plan if _price(plan, arguments) else None


_SUMMED = (p.INT, p.LONG, p.FLOAT, p.DOUBLE, p.DECIMAL)
# What a selector gives → the overload that takes it: the conversions to the other types are worse.
_SELECTED = {p.SBYTE: p.INT, p.BYTE: p.INT, p.SHORT: p.INT, p.USHORT: p.INT, p.CHAR: p.INT, p.UINT: p.LONG}
_AVERAGES = {p.INT: p.DOUBLE, p.LONG: p.DOUBLE}


def _is_allowed(plan: Plan) -> bool:
    """Whether the last type argument meets the member's constraint."""
    member = plan.candidate.member
    if not member.constraint:
        return True
    if member.constraint == "numeric":
        return _is_number(plan)
    bound = plan.bindings.get(member.type_parameters[-1], DYNAMIC)
    return bound is DYNAMIC or bound.kind == "enum"


def _is_number(plan: Plan) -> bool:
    """
    Whether the last type argument of a ``numeric`` member is one that C# has an overload for, which then is it.

    Source: .NET API reference, "Enumerable.Sum" and "Enumerable.Average".
    """
    member = plan.candidate.member
    name = member.type_parameters[-1]
    bound = plan.bindings.get(name, DYNAMIC)
    has_selector = len(member.type_parameters) > 1
    number = underlying(bound)
    chosen = _SELECTED.get(number, number) if has_selector else number
    if chosen not in _SUMMED:
        return bound is DYNAMIC
    if has_selector:
        result = _AVERAGES.get(chosen, chosen) if member.name == "Average" else chosen
        plan.bindings[name] = nullable(result) if bound.definition is NULLABLE else result
    return True


def _is_inferred(plan: Plan, arguments: Sequence[Argument]) -> bool:
    """Whether the method's type arguments are known; those of the run-time binder need not be."""
    names = plan.candidate.member.type_parameters
    known = all(name in plan.bindings for name in names)
    return known or any(
        argument.type in (DYNAMIC, NULL) or (argument.type is None and not argument.mode) for argument in arguments
    )


def _match(parameters: tuple[MethodParameter, ...], arguments: Sequence[Argument], expanded: bool) -> list[Item] | None:
    """Which argument goes to which parameter. Source: ECMA-334 §12.6.2.2, "Corresponding parameters"."""
    if expanded and not _has_params(parameters):
        return None
    items = [Item(parameter, parameter.type) for parameter in (parameters[:-1] if expanded else parameters)]
    rest = _place(items, arguments, expanded)
    if rest is None or not _complete(items):
        return None
    if expanded:
        items.append(Item(parameters[-1], parameters[-1].type.args[0], rest=rest))
    return items


def _has_params(parameters: tuple[MethodParameter, ...]) -> bool:
    return bool(parameters) and parameters[-1].mode == "params"


def _complete(items: list[Item]) -> bool:
    return all(item.argument is not None or item.parameter.mode == "optional" for item in items)


def _place(items: list[Item], arguments: Sequence[Argument], expanded: bool) -> tuple[int, ...] | None:
    """Give each item its argument; returns the indices of those left for ``params``, or None if one has no place."""
    rest: list[int] = []
    for index, argument in enumerate(arguments):
        position = _position(items, argument, index)
        if position is None and expanded and not argument.name:
            rest.append(index)
        elif position is None or items[position].argument is not None:
            return None
        else:
            items[position].argument = index
    return tuple(rest)


def _position(items: list[Item], argument: Argument, index: int) -> int | None:
    if not argument.name:
        return index if index < len(items) else None
    return next((place for place, item in enumerate(items) if item.parameter.name == argument.name), None)


def _pairs(plan: Plan, arguments: Sequence[Argument]) -> list[tuple[Type, Argument]]:
    pairs = []
    for item in plan.items:
        if item.argument is not None:
            pairs.append((item.type, arguments[item.argument]))
        pairs.extend((item.type, arguments[index]) for index in item.rest or ())
    return pairs


def _infer(plan: Plan, arguments: Sequence[Argument]) -> bool:
    """Find the type arguments: plain arguments first, then lambdas from left to right."""
    pairs = _pairs(plan, arguments)
    for wanted, argument in pairs:
        if argument.type is not None and argument.type is not DYNAMIC:
            infer(wanted, argument.type, plan.bindings)
    for wanted, argument in pairs:
        if argument.result is not None and not _infer_delegate(wanted, argument, plan.bindings):
            return False
    return True


def _infer_delegate(wanted: Type, argument: Argument, bindings: dict[str, Type]) -> bool:
    shape = delegate_shape(wanted)
    if wanted.kind == "variable":
        shape = delegate_shape(wanted.substitute(bindings))
    if shape is None or (argument.arity is not None and argument.arity != len(shape[0])):
        return False
    inputs, output = shape
    if output.is_open and argument.result is not None:
        types = tuple(clr_type.substitute(bindings).closed() for clr_type in inputs)
        infer(output, argument.result(types), bindings)
    return True


def infer(parameter: Type, argument: Type, bindings: dict[str, Type]) -> None:
    """Bind the type variables of *parameter* so that *argument* fits."""
    if parameter.kind == "variable":
        _bind(parameter.definition.full_name, argument, bindings)
    elif parameter.definition is NULLABLE:
        infer(parameter.args[0], underlying(argument), bindings)
    elif parameter.is_open:
        _infer_args(parameter, argument, bindings)


def _bind(name: str, argument: Type, bindings: dict[str, Type]) -> None:
    if argument is NULL or argument is VOID:
        return
    known = bindings.get(name)
    if known is None or (known is not argument and implicit(known, argument) and not implicit(argument, known)):
        bindings[name] = argument


def _infer_args(parameter: Type, argument: Type, bindings: dict[str, Type]) -> None:
    instances = [ancestor for ancestor in argument.ancestors if ancestor.definition is parameter.definition]
    if len(instances) != 1 and argument is not DYNAMIC:
        return  # none, or several: a JObject is a sequence of tokens and one of pairs
    instance = instances[0] if instances else None
    sources = instance.args if instance is not None else (DYNAMIC,) * len(parameter.args)
    for inner, source in zip(parameter.args, sources, strict=False):
        infer(inner, source, bindings)


def _price(plan: Plan, arguments: Sequence[Argument]) -> bool:
    """
    Substitute what was inferred and add up the conversions; False when one does not exist.

    Source: ECMA-334 §12.6.4.3, "Better function member": its tie-breaking rules are the small costs here.
    """
    for item in plan.items:
        item.type = item.type.substitute(plan.bindings).closed()
        cost = _item_cost(item, arguments)
        if cost is None:
            return False
        plan.cost += cost
    # A method without type parameters is better than a generic one.
    plan.cost += TIE if plan.candidate.member.type_parameters else 0
    return True


def _item_cost(item: Item, arguments: Sequence[Argument]) -> float | None:
    if item.argument is not None:
        return _argument_cost(arguments[item.argument], item)
    if item.rest is None:
        return TIE / 10  # an overload that needs no default values is better than one that does
    total = 0
    for index in item.rest:
        cost = _argument_cost(arguments[index], item)
        if cost is None:
            return None
        total += cost
    return total


def _argument_cost(argument: Argument, item: Item) -> int | None:
    if (argument.mode == "out") != (item.parameter.mode == "out"):
        return None
    if argument.result is not None or argument.type is None:
        return _untyped_cost(argument, item.type)
    if argument.mode == "out":
        return 0 if argument.type is item.type or DYNAMIC in (argument.type, item.type) else None
    conversion: Conversion | None = implicit(argument.type, item.type, argument.constant)
    return None if conversion is None else conversion.cost


def _untyped_cost(argument: Argument, wanted: Type) -> int | None:
    """A lambda, a method group or an ``out var`` fits every delegate, or takes its type from the parameter."""
    return 0 if argument.mode or wanted.kind == "delegate" or wanted is DYNAMIC else None


def func_type(inputs: Sequence[Type], output: Type) -> Type:
    """``Func<…>`` or, without a result, ``Action<…>``."""
    return make(delegate("Action"), *inputs) if output is VOID else make(delegate("Func"), *inputs, output)
