"""
Binding an expression that is still being written, to learn what the marked name in it may be.

It is the binder of the gateway, with its types and its allow-list, except that a mistake is no end: what cannot be
bound has an unknown type, and binding continues behind it.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TypeAlias

from tree_sitter import Node

from gateway.commands.lsp.csharp.closing import MARK, UnfinishedCode
from gateway.errors import LoadError, Location
from gateway.expressions import expression as _constructs  # noqa: F401  (fills the allow-list, registers constructs)
from gateway.expressions.binding.binder import MAX_NODE_DEPTH, Binder, Statement, named, text_of
from gateway.expressions.binding.bound import Bound, Meaning, MethodGroup, Namespace, TypeName
from gateway.expressions.binding.scope import NameScope
from gateway.expressions.clr import DYNAMIC, Type, underlying
from gateway.expressions.context_types import CONTEXT
from gateway.expressions.syntax import Source, parse_loosely

_PLACE = Location("(the editor's text)")
_TRYING_S = 0.2  # processor time, after which no further reading of an unfinished expression is tried
_ACCESSES = ("member_access_expression", "qualified_name")
_MISTAKES = (LoadError, LookupError, ValueError, TypeError, AttributeError, IndexError)


@dataclass(frozen=True, slots=True)
class Members:
    """The marked name is a member of *owner*: of a value, or of the type itself."""

    owner: Type
    static: bool = False


@dataclass(frozen=True, slots=True)
class Names:
    """The marked name stands alone: a local, a type, a keyword; *locals* has the types of what is in scope."""

    locals: Mapping[str, Type] = field(default_factory=dict)


Probed: TypeAlias = Members | Namespace | Names | None


def probe(written: UnfinishedCode) -> Probed:
    """What the word at the end of *written* is, as far as can be told; None where nothing can."""
    if written.depth > MAX_NODE_DEPTH:
        return None
    fallback, end_s = None, time.thread_time() + _TRYING_S
    for text in written.completions():
        source = Source(text, _PLACE)
        try:
            node, right = parse_loosely(source)
        except LoadError:
            return None
        if right:
            return _bound(source, node)
        fallback = fallback or source
        if time.thread_time() > end_s:
            break
    return None if fallback is None else _bound(fallback, parse_loosely(fallback)[0])


def _bound(source: Source, node: Node) -> Probed:
    binder = _LooseBinder(source)
    try:
        binder.statement(node) if source.is_block else binder.meaning(node)
    except RecursionError:
        return None
    return binder.found


class _LooseBinder(Binder):
    """A binder that notes what the marked name may be, and takes what it cannot bind for a value of unknown type."""

    def __init__(self, source: Source) -> None:
        super().__init__(source, CONTEXT)
        self.found: Probed = None

    def meaning(self, node: Node, target: Type | None = None) -> Meaning:
        """The meaning of *node*, or a value of unknown type."""
        if self._is_marked(node):
            self._note(self._owner(node))
            return _unknown()
        if node.type == "identifier" and text_of(node) == MARK:
            self._note(Names(_in_scope(self.scope)))
            return _unknown()
        try:
            return super().meaning(node, target)
        except _MISTAKES:
            self._search(node)
            return _unknown()

    def statement(self, node: Node) -> Statement:
        """The statement, or one that does nothing."""
        try:
            return super().statement(node)
        except _MISTAKES:
            self._search(node)
            return Statement(lambda _frame: None)

    def _note(self, probed: Probed) -> None:
        """Keep the first that is known: a lambda is bound once for each overload that may take it."""
        if self.found is None or self.found == Members(DYNAMIC):
            self.found = probed

    @staticmethod
    def _is_marked(node: Node) -> bool:
        return node.type in _ACCESSES and bool(named(node)) and text_of(named(node)[-1]).partition("<")[0] == MARK

    def _owner(self, node: Node) -> Probed:
        receiver = named(node)[0]
        if self.source.is_conditional(receiver):
            receiver = named(receiver)[0]
        meaning = self.meaning(receiver)
        match meaning:
            case Bound():
                return Members(underlying(meaning.type))
            case TypeName():
                return Members(meaning.type, static=True)
            case MethodGroup():
                return None
        return meaning

    def _search(self, node: Node) -> None:
        """Look for the mark inside of what could not be bound as a whole."""
        if self.found is not None or MARK.encode() not in (node.text or b""):
            return
        for child in node.named_children:
            if child.type.endswith(("_statement", "block")):
                self.statement(child)
            elif MARK.encode() in (child.text or b""):
                self.meaning(child)


def _unknown() -> Bound:
    return Bound(DYNAMIC, lambda _frame: None, store=lambda _frame, _value: None)


def _in_scope(scope: NameScope) -> dict[str, Type]:
    """The names that are visible, the nearest first."""
    names: dict[str, Type] = {}
    around: NameScope | None = scope
    while around is not None:
        for name, variable in around.names.items():
            names.setdefault(name, variable.type)
        around = around.outer
    return names
