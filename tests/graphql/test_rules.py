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
    prepared = FieldRules([path for path, _ in rules])
    actions = {
        f"{field.parent}.{field.node.name.value}": prepared.action(_SCHEMA, field, lambda index: rules[index][1])
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


_ROOTS = build_schema("""
schema { query: Root mutation: Mutation }
interface Node { id: ID secret: String }
type Root implements Node { id: ID secret: String viewer: Root }
type Mutation { login: Payload }
type Payload { query: Root node: Node }
""")


@pytest.mark.parametrize("path", ["/Query/id", "/Root/id", "/id", "/Node/id", "/__*", "/Root/*"])
@pytest.mark.parametrize(
    "query",
    [
        "{id __schema{__typename}}",
        "{viewer{id __schema{__typename}}}",
        "mutation{login{query{id __schema{__typename}}}}",
    ],
)
def test_a_root_type_wherever_it_is(path: str, query: str) -> None:
    """Every name of a root type's fields holds whatever a schema calls it, deep in an answer and in any operation."""
    document = Document(parse(query))
    fields = [*selected_fields(_ROOTS, document.operation(None), ())]
    actions = [FieldRules([path]).action(_ROOTS, field, lambda _: "reject") for field in fields]
    assert "reject" in actions


@pytest.mark.parametrize(
    ("rules", "expected"),
    [
        ([("/Node/secret", "reject")], "reject"),
        ([("/Node/*", "allow"), ("/User/*", "reject")], "reject"),
        ([("/*", "reject"), ("/User/*", "allow")], "allow"),
        ([("/User/secret", "allow"), ("/Node/secret", "remove")], "remove"),
    ],
)
def test_a_field_of_an_interface_on_its_type(rules: list[tuple[str, str]], expected: str) -> None:
    """A rule for an interface holds on its types; a rule for everything is left to the type's own."""
    schema = build_schema(
        "interface Node{secret:Int} type User implements Node{secret:Int} type Query{user:User node:Node}"
    )
    document = Document(parse("{user{secret}}"))
    field = next(field for field in selected_fields(schema, document.operation(None), ()) if field.parent == "User")
    prepared = FieldRules([path for path, _ in rules])
    assert prepared.action(schema, field, lambda index: rules[index][1]) == expected
