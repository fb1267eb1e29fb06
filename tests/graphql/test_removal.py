"""Documents without some of their fields: still valid, and nothing is left that was there for those alone."""

from __future__ import annotations

import pytest
from graphql import build_schema, parse, print_ast, validate

from gateway.graphql.document import Document
from gateway.graphql.removal import kept
from gateway.graphql.rules import selected_fields
from tests.graphql.rig import SCHEMA

_SCHEMA = build_schema(SCHEMA)


@pytest.mark.parametrize(
    ("query", "unwanted", "expected"),
    [
        ("{users{id name}}", "User.name", "{users{id}}"),
        ("{users{name}}", "User.name", None),
        ("{users{friends{name}} user(id:1){id}}", "User.name", "{user(id:1){id}}"),
        ("query A($n:Int,$i:ID!){users(first:$n){id} user(id:$i){id}}", "Query.users",
         "query A($i:ID!){user(id:$i){id}}"),
        ("{users{id ...F}} fragment F on User{name}", "User.name", "{users{id}}"),
        ("{users{...F}} fragment F on User{id ...G} fragment G on User{name}", "User.name",
         "{users{...F}} fragment F on User{id}"),
        ("{users{id ...G}} fragment F on User{name} fragment G on User{...F}", "User.name", "{users{id}}"),
        ("{users{id ...on User{name}}}", "User.name", "{users{id}}"),
        ("{users{id ...F}} fragment F on User{friends{id name} name}", "User.name",
         "{users{id ...F}} fragment F on User{friends{id}}"),
        ("query A{users{id}} query B{user(id:1){name}}", "User.name", "query A{users{id}}"),
    ],
)  # fmt: skip
def test_removed_fields(query: str, unwanted: str, expected: str | None) -> None:
    """Empty selections, fragments and variables without use go too; other operations never go on."""
    document = Document(parse(query))
    operation = next(iter(document.operations.values()))
    fields = selected_fields(_SCHEMA, operation, document.reachable(operation))
    ids = [id(field.node) for field in fields if f"{field.parent}.{field.node.name.value}" == unwanted]
    document.measure(250)
    node = kept(document, operation, ids)
    if expected is None:
        assert node is None
        return
    assert node is not None
    assert print_ast(node) == print_ast(parse(expected))
    assert validate(_SCHEMA, node) == []
