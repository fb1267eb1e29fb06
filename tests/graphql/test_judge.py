"""Hostile documents are refused within bounds, and the rest is judged as graphql-core judges it."""

from __future__ import annotations

import random
from pathlib import Path
from time import process_time

import pytest
from graphql import build_schema, parse, validate

from gateway.graphql.judge import Judge
from gateway.graphql.refusals import GraphQLRefusal
from gateway.graphql.settings import GraphQLSettings
from gateway.wire.work import Work, WorkExceeded
from tests.graphql.rig import SCHEMA

_SCHEMA = build_schema(SCHEMA)
BOMB = "{users{...F0}}" + " ".join(
    f"fragment F{level} on User{{a:friends{{...F{level + 1}}} b:friends{{...F{level + 1}}}}}" for level in range(40)
)


def judge(**bounds: int) -> Judge:
    """A judge of the rig's schema."""
    return Judge(_SCHEMA, GraphQLSettings(schema_file=Path(__file__), **bounds))  # type: ignore[arg-type]


HOSTILE = {
    "deep": ("{users" + "{friends" * 400 + "{id}" + "}" * 401, "nested too deeply"),
    "lists": ("{users(first:" + "[" * 900 + "]" * 900 + ")}", "nested too deeply"),
    "types": ("query($a:" + "[" * 900 + "Int" + "]" * 900 + "){users{id}}", "nested too deeply|tokens"),
    "aliases": ("{" + " ".join(f"a{n}:user(id:1){{id}}" for n in range(160)) + "}", "more than 250 fields"),
    "repeated": ("{users{" + "id " * 300 + "}}", "more than 250 fields"),
    "bomb": (BOMB + "fragment F40 on User{id}", "more than 250 fields"),
    "circle": ("{users{...A}} fragment A on User{...B} fragment B on User{...A}", "spreads itself"),
    "self": ("{users{...A}} fragment A on User{friends{...A}}", "spreads itself"),
    "tokens": ("{users{id" + " @include(if:true)" * 900 + "}}", "tokens"),
    "comments": ("{users{id}}" + "#\n" * 5000, "comments|omments"),
    "length": ("{users{id}}" + " " * 200_000, "characters"),
    "same operation": ("query A{users{id}} query A{users{id}}", "same name"),
    "two anonymous": ("{users{id}} {users{name}}", "same name"),
    "same fragment": ("{users{...A}} fragment A on User{id} fragment A on User{secret}", "same name"),
    "type": ("type Query{a:Int} {users{id}}", "neither an operation nor a fragment"),
    "nothing": ("fragment A on User{id}", "no operation"),
    "control": ("{users{id}}\x00", "Syntax Error"),
    "half a text": ('{user(id:"', "Syntax Error"),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_documents(name: str) -> None:
    """Each is refused for what it is, and in less time than twice a turn of the event loop."""
    query, said = HOSTILE[name]
    began = process_time()
    with pytest.raises(GraphQLRefusal, match=said):
        judge().document(query, Work())
    assert process_time() - began < 0.2


def test_a_long_chain_of_fragments() -> None:
    """Fragments that spread one another do not become recursion; as many as tokens allow."""
    chain = "{users{...F0}}" + "".join(f"fragment F{n} on User{{...F{n + 1}}}" for n in range(200))
    document = judge().document(chain + "fragment F200 on User{id}", Work())
    extent = document.extent(document.operation(None).selection_set, 250)
    assert (extent.fields, extent.depth) == (2, 2)


def test_the_request_pays(tmp_path: Path) -> None:
    """What judging costs is drawn from the request's budget before it is done."""
    with pytest.raises(WorkExceeded):
        judge().document("{users{id name}}", Work(time_s=1e-6))
    known = judge()
    document = known.document("{users{id name}}", Work())
    with pytest.raises(WorkExceeded):
        known.validate(document, Work(time_s=1e-6))


def test_a_known_document_is_not_judged_again() -> None:
    """The same text costs nothing the second time; another one does."""
    known, query = judge(), "{users{id name}}"
    known.validate(known.document(query, Work()), Work())
    known.validate(known.document(query, Work(time_s=0)), Work(time_s=0))
    with pytest.raises(WorkExceeded):
        known.document(query + " ", Work(time_s=0))


_PARTS = {
    "Query": ["users(first:1)%User", "b:users%User", "user(id:1)%User", "u:user(id:$i)%User", "node{id}", "__typename"],
    "User": [
        "id",
        "name",
        "n:name",
        "friends%User",
        "f:friends(first:$n)%User",
        "secret @include(if:true)",
        "__typename",
    ],
}
_WRONG = [
    "nope",
    "user%User",
    "users",
    "id{id}",
    "...F9",
    "a:id a:name",
    "... on Query{users{id}}",
    "friends(no:1){id}",
]


def _selection(draw: random.Random, kind: str, level: int) -> str:
    return "{" + " ".join(_part(draw, kind, level) for _ in range(draw.randint(1, 3))) + "}"


def _part(draw: random.Random, kind: str, level: int) -> str:
    if draw.random() < 0.03:
        part = draw.choice(_WRONG)
    elif kind == "User" and draw.random() < 0.3:
        part = draw.choice(["...F0", "...F1", "... on Node{id}", "... on User%User", "...@skip(if:false)%User"])
    else:
        part = draw.choice(_PARTS[kind])
    head, nested, inner = part.partition("%")
    if not nested:
        return part
    return head + (_selection(draw, inner, level + 1) if level < 3 else "{id}")


def _document(draw: random.Random) -> str:
    body = _selection(draw, "Query", 0)
    fragments = ""
    for number in (0, 1):
        if f"...F{number}" in body + fragments or draw.random() < 0.05:
            fragments += f" fragment F{number} on User{_selection(draw, 'User', 3).replace('...F0', 'id')}"
    used = [f"{name}:{kind}" for name, kind in (("$n", "Int"), ("$i", "ID!")) if name in body + fragments]
    if draw.random() < 0.05:
        used = draw.choice([[], ["$n:Int", "$i:ID!"], ["$n:String", "$i:ID"]])
    return f"query{'(' + ' '.join(used) + ')' if used else ''}{body}{fragments}"


def test_the_same_verdicts_as_graphql_core() -> None:
    """Of 150 generated documents the judge accepts those that graphql-core finds valid, and no other."""
    draw, verdicts = random.Random(96), {True: 0, False: 0}
    for _ in range(150):
        query = _document(draw)
        expected = not validate(_SCHEMA, parse(query))
        known = judge()
        try:
            known.validate(known.document(query, Work()), Work())
            accepted = True
        except GraphQLRefusal:
            accepted = False
        assert accepted == expected, query
        verdicts[expected] += 1
    assert min(verdicts.values()) > 25, verdicts
