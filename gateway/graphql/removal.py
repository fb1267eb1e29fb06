"""
A document without the fields that its caller may not ask for, and without what was there for their sake alone.

Source: GraphQL specification §5.5.1.4 (unused fragments) and §5.8.4 (unused variables).
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any

from graphql import (
    REMOVE,
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    InlineFragmentNode,
    OperationDefinitionNode,
    VariableNode,
    Visitor,
    visit,
)

from gateway.graphql.document import Document


class _Removal(Visitor):
    """Takes fields out, and selections that are empty afterwards."""

    def __init__(self, unwanted: Collection[int]) -> None:
        super().__init__()
        self._unwanted = unwanted
        self.emptied: set[str] = set()

    def enter_field(self, node: FieldNode, *_: Any) -> Any:
        return REMOVE if id(node) in self._unwanted else None

    def leave_field(self, node: FieldNode, *_: Any) -> Any:
        return REMOVE if node.selection_set is not None and not node.selection_set.selections else None

    def leave_inline_fragment(self, node: InlineFragmentNode, *_: Any) -> Any:
        return None if node.selection_set.selections else REMOVE

    def enter_fragment_spread(self, node: FragmentSpreadNode, *_: Any) -> Any:
        return REMOVE if node.name.value in self.emptied else None


class _Variables(Visitor):
    """The variables that are used; their definitions are not looked into."""

    def __init__(self) -> None:
        super().__init__()
        self.names: set[str] = set()

    def enter_variable_definition(self, *_: Any) -> Any:
        return self.SKIP

    def enter_variable(self, node: VariableNode, *_: Any) -> None:
        self.names.add(node.name.value)


def kept(document: Document, operation: OperationDefinitionNode, unwanted: Collection[int] = ()) -> DocumentNode | None:
    """
    *operation* and the fragments that it uses, without the field nodes whose ``id`` is *unwanted*.

    None where nothing is left to ask for.
    """
    if not unwanted:
        return DocumentNode(definitions=(operation, *document.reachable(operation)))
    removal = _Removal(unwanted)
    fragments: list[FragmentDefinitionNode] = []
    for name in document.extents:  # each after those that it spreads
        fragment: FragmentDefinitionNode = visit(document.fragments[name], removal)
        if fragment.selection_set.selections:
            fragments.append(fragment)
        else:
            removal.emptied.add(name)
    rest: OperationDefinitionNode = visit(operation, removal)
    if not rest.selection_set.selections:
        return None
    used = Document(DocumentNode(definitions=(rest, *fragments))).reachable(rest)
    return DocumentNode(definitions=(_without_unused(rest, used), *used))


def _without_unused(
    operation: OperationDefinitionNode, fragments: Sequence[FragmentDefinitionNode]
) -> OperationDefinitionNode:
    """*operation* without the definitions of variables that nothing uses any more."""
    variables = _Variables()
    for node in (operation, *fragments):
        visit(node, variables)

    class _Unused(Visitor):
        def enter_variable_definition(self, node: Any, *_: Any) -> Any:
            return None if node.variable.name.value in variables.names else REMOVE

    used: OperationDefinitionNode = visit(operation, _Unused())
    return used
