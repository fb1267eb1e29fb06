"""Which rule decides about a field: the most specific path, through every type that may be there."""

from __future__ import annotations

import pytest
from graphql import build_schema, parse

from gateway.graphql.document import Document
from gateway.graphql.rules import FieldRules, selected_fields, unmatched
from tests.graphql.rig import SCHEMA

_SCHEMA = build_schema(SCHEMA)


def decided(query: str, *rules: tuple[str, str]) -> dict[str, str]:
    """The action for each field, by ``Type.field``, of those that are not allowed."""
    document = Document(parse(query))
    operation = document.operation(None)
    prepared, kind = FieldRules([path for path, _ in rules]), operation.operation.value
    actions = {
        f"{field.parent}.{field.node.name.value}": prepared.action(_SCHEMA, kind, field, lambda index: rules[index][1])
        for field in selected_fields(_SCHEMA, operation, document.reachable(operation))
    }
    return {name: action for name, action in actions.items() if action != "allow"}


@pytest.mark.parametrize(
    ("query", "rules", "expected"),
    [
        ("{users{id name}}", [], {}),
        ("{users{id name}}", [("/User/name", "remove")], {"User.name": "remove"}),
        ("{users{id}}", [("/Query/users", "reject")], {"Query.users": "reject"}),
        ("{users{id}}", [("/users", "reject")], {"Query.users": "reject"}),
        ('mutation{makeUser(name:""){id}}', [("/Mutation/*", "reject")], {"Mutation.makeUser": "reject"}),
        ("{__schema{types{name}}}", [("/__*", "reject")], "introspection"),
        ('{__type(name:"User"){name}}', [("/__*", "reject")], "introspection"),
        ("{__typename users{__typename}}", [("/__*", "reject")], {}),
        ("{users{id name}}", [("/User/*", "remove"), ("/User/id", "allow")], {"User.name": "remove"}),
        (
            "{users{id}}",
            [("/*", "reject"), ("/User/*", "allow"), ("/Query/users", "ignore")],
            {"Query.users": "reject"},
        ),
        ("{users{id}}", [("/User/id", "ignore"), ("/User/*", "remove")], {"User.id": "remove"}),
        ("{users{id}}", [("/User/id", "deny")], {"User.id": "reject"}),
        ("{users{id}}", [("/User/id", "")], {"User.id": "reject"}),
        ("{node{id}}", [("/User/id", "reject")], {"Node.id": "reject"}),
        ("{node{id}}", [("/User/id", "remove"), ("/Robot/id", "reject")], {"Node.id": "reject"}),
        ("{node{id}}", [("/Node/id", "remove")], {"Node.id": "remove"}),
        ("{node{...on User{name}}}", [("/User/name", "remove")], {"User.name": "remove"}),
        (
            "{found{__typename ...F}} fragment F on Robot{model}",
            [("/Robot/model", "remove")],
            {"Robot.model": "remove"},
        ),
        ("{a:users{b:name}}", [("/User/name", "remove")], {"User.name": "remove"}),
        ("{users{id @skip(if:true)}}", [("/User/id", "remove")], {"User.id": "remove"}),
        ("{users{name}}", [("/User/n?me", "reject"), ("/User/[n]ame", "reject"), ("/user/name", "reject")], {}),
    ],
)
def test_actions(query: str, rules: list[tuple[str, str]], expected: dict[str, str] | str) -> None:
    """
    Exact paths before patterns, long ones before short ones; `ignore` gives way; anything unknown rejects.

    A field behind an interface is judged for each type; aliases, fragments and directives change nothing.
    """
    actions = decided(query, *rules)
    if expected == "introspection":
        assert set(actions.values()) == {"reject"}
        assert any(name.startswith("Query.__") for name in actions)
    else:
        assert actions == expected


def test_names_of_a_schema() -> None:
    """Every way to name a field is known, and nothing else."""
    known = "/User/id /User/* /users /Query/users /Mutation/* /makeUser /__* /Node/id /Found/__typename".split()
    assert unmatched([*known, "/Query/makeUser", "/__nope", "/Filter/name", "/id"], _SCHEMA) == [
        "/Query/makeUser",
        "/__nope",
        "/Filter/name",
        "/id",
    ]


def test_a_root_type_of_another_name() -> None:
    """The usual names of the root types hold whatever a schema calls them."""
    schema = build_schema("schema{query:Root} type Root{a:Int}")
    document = Document(parse("{a}"))
    (field,) = selected_fields(schema, document.operation(None), ())
    for path in ("/Query/a", "/Root/a", "/a"):
        assert FieldRules([path]).action(schema, "query", field, lambda _: "reject") == "reject"
