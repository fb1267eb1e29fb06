"""
One query document: which operation is asked for, how large and how deep it is with its fragments in place.

Nothing here recurses along what a client has written, and no fragment is looked at twice.

Source: GraphQL specification §2.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    OperationDefinitionNode,
    SelectionNode,
    SelectionSetNode,
)

from gateway.graphql.refusals import BAD_REQUEST, INVALID, LIMIT, refusal


@dataclass(frozen=True, slots=True)
class Extent:
    """How many fields a selection has, and how many levels of them; fragments counted where they are spread."""

    fields: int
    depth: int


_NOTHING = Extent(0, 0)  # of a fragment that is not there; validation refuses its spread


class Document:
    """
    A parsed document, its operations and fragments by name.

    Attributes:
        size: Characters of its text.
        is_valid: Whether it has been found to fit the schema.
    """

    __slots__ = ("extents", "fragments", "is_valid", "operations", "size")

    def __init__(self, node: DocumentNode, size: int = 0) -> None:
        """Raises GraphQLRefusal: it has something else than operations and fragments, or two of one name."""
        self.size, self.is_valid = size, False
        self.operations: dict[str | None, OperationDefinitionNode] = {}
        self.fragments: dict[str, FragmentDefinitionNode] = {}
        for definition in node.definitions:
            self._add(definition)
        if not self.operations:
            raise refusal(BAD_REQUEST, "The document has no operation.")
        self.extents: dict[str, Extent] = {}

    def _add(self, definition: object) -> None:
        if isinstance(definition, OperationDefinitionNode):
            name = None if definition.name is None else definition.name.value
            if name in self.operations:
                raise refusal(INVALID, "Two operations have the same name.")
            self.operations[name] = definition
        elif isinstance(definition, FragmentDefinitionNode):
            if definition.name.value in self.fragments:
                raise refusal(INVALID, "Two fragments have the same name.")
            self.fragments[definition.name.value] = definition
        else:
            raise refusal(INVALID, "The document defines something that is neither an operation nor a fragment.")

    def operation(self, name: str | None) -> OperationDefinitionNode:
        """The operation that is asked for. Raises GraphQLRefusal: there is no such one, or *name* is needed."""
        if name is not None:
            operation = self.operations.get(name)
            if operation is None:
                raise refusal(BAD_REQUEST, "operationName names no operation of the document.")
            return operation
        if len(self.operations) > 1:
            raise refusal(BAD_REQUEST, "The document has several operations, and operationName names none of them.")
        return next(iter(self.operations.values()))

    def measure(self, most_fields: int) -> None:
        """Measure every definition. Raises GraphQLRefusal: a circle of fragments, or more than *most_fields*."""
        for name in self.fragments:
            self._measure_fragment(name, most_fields)
        for operation in self.operations.values():
            self.extent(operation.selection_set, most_fields)

    def _measure_fragment(self, root: str, most_fields: int) -> None:
        """Fragments depth first, those that one spreads before it."""
        path, waiting = [root], [self._spreads(root)]
        while path:
            inner = next((name for name in waiting[-1] if name not in self.extents), None)
            if inner is None:
                waiting.pop()
                self._finish_fragment(path.pop(), most_fields)
                continue
            if inner in path:
                raise refusal(INVALID, "A fragment spreads itself.")
            path.append(inner)
            waiting.append(self._spreads(inner))

    def _finish_fragment(self, name: str, most_fields: int) -> None:
        if name not in self.extents:
            self.extents[name] = self.extent(self.fragments[name].selection_set, most_fields)

    def _spreads(self, name: str) -> Iterator[str]:
        return (spread for spread in spreads(self.fragments[name].selection_set) if spread in self.fragments)

    def extent(self, selection_set: SelectionSetNode, most_fields: int) -> Extent:
        """The extent of *selection_set*, whose fragments are measured. Raises GraphQLRefusal: too many fields."""
        fields = depth = 0
        for selection, level in _selections(selection_set):
            if isinstance(selection, FieldNode):
                fields, depth = fields + 1, max(depth, level)
            else:
                inner = self.extents.get(selection.name.value, _NOTHING)
                fields, depth = fields + inner.fields, max(depth, level - 1 + inner.depth)
            if fields > most_fields:
                raise refusal(LIMIT, f"The operation has more than {most_fields} fields.")
        return Extent(fields, depth)

    def reachable(self, operation: OperationDefinitionNode) -> list[FragmentDefinitionNode]:
        """The fragments that *operation* uses, directly or through others."""
        names: dict[str, None] = {}
        waiting = [*spreads(operation.selection_set)]
        while waiting:
            name = waiting.pop()
            if name in self.fragments and name not in names:
                names[name] = None
                waiting += spreads(self.fragments[name].selection_set)
        return [self.fragments[name] for name in names]


def spreads(selection_set: SelectionSetNode) -> Iterator[str]:
    """The names of the fragments that *selection_set* spreads, at any level of its own."""
    selections = (selection for selection, _ in _selections(selection_set))
    return (selection.name.value for selection in selections if isinstance(selection, FragmentSpreadNode))


def _selections(selection_set: SelectionSetNode) -> Iterator[tuple[FieldNode | FragmentSpreadNode, int]]:
    """The fields and spreads of *selection_set* at any level of its own, and at which level of fields each is."""
    waiting = [(selection_set, 1)]
    while waiting:
        current, level = waiting.pop()
        waiting += [inner for selection in current.selections for inner in _below(selection, level)]
        counted = (own for own in current.selections if isinstance(own, FieldNode | FragmentSpreadNode))
        yield from ((selection, level) for selection in counted)


def _below(selection: SelectionNode, level: int) -> list[tuple[SelectionSetNode, int]]:
    if isinstance(selection, FragmentSpreadNode):
        return []
    inner: SelectionSetNode | None = selection.selection_set  # type: ignore[attr-defined]
    return [] if inner is None else [(inner, level + isinstance(selection, FieldNode))]
