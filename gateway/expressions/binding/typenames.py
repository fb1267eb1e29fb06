"""Types as written in source: ``string[]``, ``int?``, ``List<JToken>``, ``System.Text.Encoding``."""

from __future__ import annotations

from tree_sitter import Node

from gateway.errors import LoadError
from gateway.expressions import clr
from gateway.expressions.binding import remedies
from gateway.expressions.binding.binder import Binder, field, named, text_of
from gateway.expressions.clr import Type
from gateway.expressions.grids import GRIDS, MAX_RANK
from gateway.expressions.signatures import delegate
from gateway.expressions.syntax import type_argument_nodes

_DELEGATES = ("Func", "Action", "Predicate", "Comparison", "Converter")


def bind_type(binder: Binder, node: Node) -> Type:
    """The type that *node* names."""
    kind = node.type
    if kind == "array_type":
        return _array_type(binder, node)
    if kind == "nullable_type":
        return clr.nullable(bind_type(binder, named(node)[0]))
    if kind == "tuple_type":
        return _tuple_type(binder, named(node))
    return _named_type(binder, node)


def _array_type(binder: Binder, node: Node) -> Type:
    inner, rank = bind_type(binder, field(node, "type")), node.child_by_field_name("rank")
    dimensions = 1 + sum(child.type == "," for child in (rank.children if rank is not None else ()))
    if dimensions == 1:
        return clr.array_of(inner)
    if dimensions > MAX_RANK:
        raise binder.problem(node, "unsupported-syntax", f"arrays have at most {MAX_RANK} dimensions", "use int[][]")
    return clr.make(GRIDS[dimensions], inner)


def _tuple_type(binder: Binder, elements: list[Node]) -> Type:
    names = [element.child_by_field_name("name") for element in elements]
    parts = [bind_type(binder, element.child_by_field_name("type") or element) for element in elements]
    return tuple_type(parts, [text_of(name) if name is not None else "" for name in names])


def tuple_type(parts: list[Type], names: list[str] | None = None) -> Type:
    """``(T1, T2)``, its elements with names or without."""
    given = tuple(names or ()) if any(names or ()) else ()
    return clr.make(clr.definition_of("System.ValueTuple", len(parts)), *parts, names=given)


def _named_type(binder: Binder, node: Node) -> Type:
    name, args = split_name(binder, node)
    if name in clr.KEYWORDS and not args:
        return clr.KEYWORDS[name]
    simple = name.removeprefix("System.")
    if simple in _DELEGATES and (args or simple == "Action"):
        return clr.make(delegate(simple), *args)
    if name in ("Nullable", "System.Nullable") and len(args) == 1:
        return clr.nullable(args[0])
    definition = _definition(binder, node, name, len(args))
    return clr.make(definition, *args)


def _definition(binder: Binder, node: Node, name: str, arity: int) -> clr.TypeDef:
    definition = clr.find_definition(name, arity) or _suffix(name, arity)
    if definition is None:
        raise unknown_type(binder, node, name)
    binder.note_use(node, [definition])
    return definition


def _suffix(name: str, arity: int) -> clr.TypeDef | None:
    """``Linq.JObject``: a name qualified only in part, as ``using`` directives of the service allow."""
    key = f".{name}`{arity}" if arity else f".{name}"
    return next(
        (definition for full, definition in clr.DEFINITIONS.items() if "." in name and full.endswith(key)), None
    )


def split_name(binder: Binder, node: Node) -> tuple[str, tuple[Type, ...]]:
    """The dotted name without type arguments, and those of its last part."""
    if node.type in ("qualified_name", "member_access_expression"):
        left, right = named(node)[0], named(node)[-1]
        return f"{split_name(binder, left)[0]}.{split_name(binder, right)[0]}", type_arguments(binder, right)
    if node.type == "alias_qualified_name":
        return split_name(binder, named(node)[-1])
    if node.type == "generic_name":
        return text_of(named(node)[0]), type_arguments(binder, node)
    if node.start_byte in binder.source.generics:
        return member_name(binder, node), type_arguments(binder, node)
    return text_of(node).lstrip("@"), ()


def member_name(binder: Binder, node: Node) -> str:
    """The plain name of a member, without its type arguments."""
    joined = binder.source.generics.get(node.start_byte)
    if joined is not None:
        return joined[0]
    return text_of(named(node)[0] if node.type == "generic_name" else node).lstrip("@")


def type_arguments(binder: Binder, node: Node) -> tuple[Type, ...]:
    """The ``<…>`` of a generic name; empty for a plain one."""
    joined = binder.source.generics.get(node.start_byte)
    if joined is not None:
        return tuple(bind_type(binder, argument) for argument in type_argument_nodes(binder.source, *joined[1:]))
    if node.type != "generic_name":
        return ()
    return tuple(bind_type(binder, child) for child in named(named(node)[-1]))


def unknown_type(binder: Binder, node: Node, name: str) -> LoadError:
    """A type that is not on the allow-list."""
    message = f"the type {name} is not allowed in policy expressions"
    return binder.problem(node, "unknown-type", message, remedies.for_type(name))
