"""
Which fields a caller may ask for: paths of types and fields, the most specific first.

A field is known by ``/Type/field``; one of a root type, wherever it is selected, also by ``/field`` and by the usual
name of its type (``/Query/field``). Through an interface or a union it is judged as the field of every type that may be
there, and on a type also as the field of its interfaces. The strictest action holds: otherwise an inline fragment more
or less would be a way around a rule.

Source: APIM policy reference, "validate-graphql-request".
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from fnmatch import translate
from itertools import chain
from re import Pattern, compile

from graphql import (
    FieldNode,
    FragmentDefinitionNode,
    GraphQLNamedType,
    GraphQLSchema,
    InlineFragmentNode,
    OperationDefinitionNode,
    SelectionSetNode,
    get_named_type,
    is_abstract_type,
    is_composite_type,
    is_union_type,
)

from gateway.wire.slices import rest

ALLOW, IGNORE, REMOVE, REJECT = "allow", "ignore", "remove", "reject"
_STRICTEST_LAST = (ALLOW, REMOVE, REJECT)
_USUAL = {"query": "Query", "mutation": "Mutation", "subscription": "Subscription"}


@dataclass(frozen=True, slots=True)
class SelectedField:
    """A field of a document, and the type that it is selected on."""

    node: FieldNode
    parent: str


class FieldRules:
    """The rules of one policy, their paths prepared; the actions are the caller's."""

    def __init__(self, paths: Sequence[str]) -> None:
        order = sorted(range(len(paths)), key=lambda index: _specificity(paths[index]))
        self._paths: list[tuple[int, Pattern[str]]] = [(index, _pattern(paths[index])) for index in order]
        self._chains: dict[tuple[GraphQLSchema, str, str], frozenset[tuple[int, ...]]] = {}

    def action(self, schema: GraphQLSchema, field: SelectedField, evaluate: Callable[[int], str]) -> str:
        """What becomes of *field*; *evaluate* gives the action of a rule."""
        key = (schema, field.parent, field.node.name.value)
        chains = self._chains.get(key)
        if chains is None:
            chains = self._chains[key] = frozenset(self._chains_of(*key))
        return max((_first(rules, evaluate) for rules in chains), key=_STRICTEST_LAST.index)

    def _chains_of(self, schema: GraphQLSchema, parent: str, field: str) -> Iterator[tuple[int, ...]]:
        for names, inherited in _names(schema, parent, field):
            own = self._chain(names)
            yield own
            yield from (tuple(rule for rule in self._chain((name,)) if rule not in own) for name in inherited)

    def _chain(self, names: tuple[str, ...]) -> tuple[int, ...]:
        """The rules that apply to a field with these *names*, the most specific first."""
        rest()
        return tuple(index for index, path in self._paths if any(map(path.fullmatch, names)))


def unmatched(paths: Sequence[str], schema: GraphQLSchema) -> list[str]:
    """Those of *paths* that no field of *schema* has: a slip of the pen would leave a field without its rule."""
    names = {"/__schema", "/__type", *_all_names(schema)}
    return [path for path in paths if not any(map(_pattern(path).fullmatch, names))]


def _all_names(schema: GraphQLSchema) -> Iterator[str]:
    """The names of every field."""
    for type_ in filter(is_composite_type, schema.type_map.values()):
        fields = ["__typename", *(() if is_union_type(type_) else type_.fields)]
        names = (own for field in fields for own, _ in _names(schema, type_.name, field))
        yield from chain.from_iterable(names)


def _first(rules: tuple[int, ...], evaluate: Callable[[int], str]) -> str:
    actions = (evaluate(index) for index in rules)
    decided = next((action for action in actions if action != IGNORE), ALLOW)
    return decided if decided in _STRICTEST_LAST else REJECT  # an expression that gives anything else allows nothing


def _specificity(path: str) -> tuple[bool, int]:
    return "*" in path, -len(path.partition("*")[0])


def _pattern(path: str) -> Pattern[str]:
    return compile(translate(path.replace("[", "[[]").replace("?", "[?]")))


def _names(schema: GraphQLSchema, parent: str, field: str) -> Iterator[tuple[tuple[str, ...], tuple[str, ...]]]:
    """The names of a field for each type that may be there, and those that it has from the interfaces of this type."""
    type_ = schema.type_map.get(parent)
    inherited = tuple(f"/{interface.name}/{field}" for interface in getattr(type_, "interfaces", ()))
    yield (f"/{parent}/{field}", *_names_at_root(schema, parent, field)), inherited
    if is_abstract_type(type_):
        for possible in schema.get_possible_types(type_):
            yield from _names(schema, possible.name, field)


def _names_at_root(schema: GraphQLSchema, parent: str, field: str) -> Iterator[str]:
    """What a field of a root type is called besides."""
    roots = {root.name: usual for kind, usual in _USUAL.items() if (root := _root(schema, kind)) is not None}
    if parent in roots:
        yield f"/{roots[parent]}/{field}"
    if parent in roots and field != "__typename":
        yield f"/{field}"


def _root(schema: GraphQLSchema, kind: str) -> GraphQLNamedType | None:
    return {"query": schema.query_type, "mutation": schema.mutation_type}.get(kind, schema.subscription_type)


def selected_fields(
    schema: GraphQLSchema, operation: OperationDefinitionNode, fragments: Sequence[FragmentDefinitionNode]
) -> Iterator[SelectedField]:
    """Every field of *operation* and of *fragments*, each once. The document is valid."""
    waiting: list[tuple[SelectionSetNode, GraphQLNamedType | None]] = [
        (operation.selection_set, _root(schema, operation.operation.value))
    ]
    waiting += [(fragment.selection_set, schema.get_type(fragment.type_condition.name.value)) for fragment in fragments]
    while waiting:
        members = [*_members(*waiting.pop())]
        waiting += [inside for member in members for inside in _inside(schema, *member)]
        yield from (SelectedField(node, parent.name) for node, parent in members if isinstance(node, FieldNode))


def _members(
    selection_set: SelectionSetNode, parent: GraphQLNamedType | None
) -> Iterator[tuple[FieldNode | InlineFragmentNode, GraphQLNamedType]]:
    """What is selected on *parent*, spreads aside; nothing on an unknown type, which validation has refused."""
    for node in () if parent is None else selection_set.selections:
        if parent is not None and isinstance(node, FieldNode | InlineFragmentNode):
            yield node, parent


def _inside(
    schema: GraphQLSchema, node: FieldNode | InlineFragmentNode, parent: GraphQLNamedType
) -> Iterator[tuple[SelectionSetNode, GraphQLNamedType | None]]:
    """The selection inside *node*, and its type."""
    if node.selection_set is None:
        return
    if isinstance(node, FieldNode):
        yield node.selection_set, _type_of(schema, parent, node)
    else:
        condition = node.type_condition
        yield node.selection_set, parent if condition is None else schema.get_type(condition.name.value)


def _type_of(schema: GraphQLSchema, parent: GraphQLNamedType, node: FieldNode) -> GraphQLNamedType | None:
    field = schema.get_field(parent, node.name.value) if is_composite_type(parent) else None
    return None if field is None else get_named_type(field.type)
