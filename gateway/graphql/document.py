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
    SelectionSetNode,
)

from gateway.graphql.refusals import BAD_REQUEST, INVALID, LIMIT, refusal


@dataclass(frozen=True, slots=True)
class Extent:
    """How many fields a selection has, and how many levels of them; fragments counted where they are spread."""

    fields: int
    depth: int


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
                name = path.pop()
                waiting.pop()
                if name not in self.extents:
                    self.extents[name] = self.extent(self.fragments[name].selection_set, most_fields)
            elif inner in path:
                raise refusal(INVALID, "A fragment spreads itself.")
            else:
                path.append(inner)
                waiting.append(self._spreads(inner))

    def _spreads(self, name: str) -> Iterator[str]:
        return (spread for spread in spreads(self.fragments[name].selection_set) if spread in self.fragments)

    def extent(self, selection_set: SelectionSetNode, most_fields: int) -> Extent:
        """The extent of *selection_set*, whose fragments are measured. Raises GraphQLRefusal: too many fields."""
        fields = depth = 0
        waiting = [(selection_set, 1)]
        while waiting:
            current, level = waiting.pop()
            for selection in current.selections:
                if isinstance(selection, FieldNode):
                    fields, depth = fields + 1, max(depth, level)
                    waiting += [(selection.selection_set, level + 1)] if selection.selection_set else []
                elif isinstance(selection, FragmentSpreadNode):
                    inner = self.extents.get(selection.name.value, Extent(0, 0))
                    fields, depth = fields + inner.fields, max(depth, level - 1 + inner.depth)
                else:
                    waiting.append((selection.selection_set, level))  # type: ignore[attr-defined]
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
    waiting = [selection_set]
    while waiting:
        for selection in waiting.pop().selections:
            if isinstance(selection, FragmentSpreadNode):
                yield selection.name.value
            elif selection.selection_set:  # type: ignore[attr-defined]
                waiting.append(selection.selection_set)  # type: ignore[attr-defined]
