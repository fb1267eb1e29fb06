"""
The closures that read a property, an element or a cast: the parts of nearly every expression.

Binding decides at load which of them an expression needs; only they run for each request. What is known at load is part
of the closure: a constant is no call.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeAlias
from weakref import WeakKeyDictionary

from gateway.expressions.binding.bound import CONTEXT_SLOT, Frame, Run
from gateway.expressions.clr import Type
from gateway.expressions.conversions import cast
from gateway.expressions.runtime import KNOWN
from gateway.expressions.thrown import null_reference

Getter: TypeAlias = Callable[[Any], Any]
Indexer: TypeAlias = Callable[[Any, Any], Any]


def context_property(call: Getter) -> Run:
    """``context.Name``, which is on every path; context is never null."""

    def load(frame: Frame) -> object:
        return call(frame[CONTEXT_SLOT])

    _GETTERS[load] = call
    return load


def property_of(run: Run, call: Getter) -> Run:
    """``value.Name``; on null it throws."""
    if run in _CASTS:
        return _property_of_cast(*_CASTS[run], call)

    def load(frame: Frame) -> object:
        value = run(frame)
        if value is None:
            raise null_reference()
        return call(value)

    return load


def item_of(run: Run, call: Indexer, index: Run) -> Run:
    """``value[index]``; on null it throws before the index is computed."""

    def load(frame: Frame) -> object:
        value = run(frame)
        if value is None:
            raise null_reference()
        return call(value, index(frame))

    return load


def item_at(run: Run, call: Indexer, index: object) -> Run:
    """``value["name"]``: the index is known at load."""
    if run in _GETTERS:
        return _context_item(_GETTERS[run], call, index)

    def load(frame: Frame) -> object:
        value = run(frame)
        if value is None:
            raise null_reference()
        return call(value, index)

    return load


def reference_cast(run: Run, target: Type) -> Run:
    """``(T)value``, decided by the value's own type; a class that represents only *target* is quick."""

    def load(frame: Frame) -> object:
        value = run(frame)
        return value if KNOWN.get(value.__class__) is target else cast(value, target)

    _CASTS[load] = run, target
    return load


def _context_item(get: Getter, call: Indexer, index: object) -> Run:
    """``context.Variables["name"]``."""

    def load(frame: Frame) -> object:
        value = get(frame[CONTEXT_SLOT])
        if value is None:
            raise null_reference()
        return call(value, index)

    return load


def _property_of_cast(run: Run, target: Type, call: Getter) -> Run:
    """``((T)value).Name``."""

    def load(frame: Frame) -> object:
        value = run(frame)
        if KNOWN.get(value.__class__) is not target:
            value = cast(value, target)
        if value is None:
            raise null_reference()
        return call(value)

    return load


# What those closures are made of that often are parts of another one, which then does the work of both: a call less.
_GETTERS: WeakKeyDictionary[Run, Getter] = WeakKeyDictionary()
_CASTS: WeakKeyDictionary[Run, tuple[Run, Type]] = WeakKeyDictionary()
