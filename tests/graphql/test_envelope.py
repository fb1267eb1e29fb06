"""Requests as HTTP carries them: what is read, and what two parsers might read differently."""

from __future__ import annotations

import json

import pytest

from gateway.graphql.envelope import Envelope, GraphQLRefusal, read_get, read_post

JSON = "application/json"


@pytest.mark.parametrize(
    ("kind", "content", "expected"),
    [
        (JSON, b'{"query":"{a}"}', Envelope("{a}")),
        (JSON, b'{"query":"{a}","operationName":"A","variables":{"n":1}}', Envelope("{a}", "A", {"n": 1})),
        (JSON, b'{"query":"{a}","operationName":null,"variables":null,"extensions":{}}', Envelope("{a}")),
        (JSON, b'{"query":"{a}","operationName":""}', Envelope("{a}")),
        (JSON, b'{"query":"{a}","extensions":{"persistedQuery":{"v":1},"t":2}}', Envelope("{a}", extensions={"t": 2})),
        ("application/graphql", b"{a}", Envelope("{a}")),
    ],
    ids="plain all nulls empty-name persisted-with-query graphql".split(),
)
def test_posts_that_are_read(kind: str, content: bytes, expected: Envelope) -> None:
    """Query, operation name, variables and extensions; the hash of a persisted query does not go on."""
    assert read_post(kind, content, "") == expected


@pytest.mark.parametrize(
    ("kind", "content", "url", "said"),
    [
        (JSON, b'{"query":"{a}","query":"{b}"}', "", "one meaning"),
        (JSON, b'{"query":"{a}","variables":{"n":1,"n":2}}', "", "one meaning"),
        (JSON, b'{"query":"{a}","variables":{"n":NaN}}', "", "one meaning"),
        (JSON, b'{"query":"{a}","variables":{"n":1e999}}', "", "one meaning"),
        (JSON, b'{"query":"{a}","variables":{"n":' + b"9" * 400 + b"}}", "", "one meaning"),
        (JSON, b'{"query":"{a}","variables":' + b'{"a":' * 70 + b"1" + b"}" * 70 + b"}", "", "levels"),
        (JSON, b"[" * 100_000, "", "one meaning"),
        (JSON, b'{"query":"{a}","variables":{"n":[' + b"1," * 6000 + b"1]}}", "", "values"),
        (JSON, b'[{"query":"{a}"}]', "", "Batches"),
        (JSON, b'"{a}"', "", "object"),
        (JSON, b"{}", "", "no query"),
        (JSON, b'{"query":1}', "", "no query"),
        (JSON, b'{"query":" "}', "", "no query"),
        (JSON, b'{"query":"{a}","variables":[]}', "", "variables"),
        (JSON, b'{"query":"{a}","operationName":"a b"}', "", "operationName"),
        (JSON, b'{"query":"{a}","doc":"{b}"}', "", "1 members"),
        (JSON, b'{"query":"\\ud800"}', "", "surrogate"),
        (JSON, b'{"query":"\xff"}', "", "UTF-8"),
        (JSON, b'{"extensions":{"persistedQuery":{"version":1}}}', "", "PersistedQueryNotSupported"),
        (JSON, b'{"query":"{a}"}', "query={b}", "URL"),
        (JSON, b'{"query":"{a}"}', "x=1&%71uery={b}", "URL"),
        (JSON, b'{"query":"{a}"}', "OperationName=b", "URL"),
        (JSON, b'{"query":"{a}"}', "x=1;query={b}", "URL"),
        (JSON, b'{"query":"{a}"}', "%20query={b}", "URL"),
        (JSON, b'{"query":"{a}"}', "variables[n]=1", "URL"),
        (JSON, b'{"query":"{a}"}', "&".join(["x=1"] * 101), "parameters"),
        ("text/plain", b'{"query":"{a}"}', "", "application/json"),
        ("application/x-www-form-urlencoded", b"query={a}", "", "application/json"),
    ],
)
def test_posts_that_are_refused(kind: str, content: bytes, url: str, said: str) -> None:
    """Doubled members, numbers without one value, bounds, batches, other types, parameters in two places."""
    with pytest.raises(GraphQLRefusal, match=said):
        read_post(kind, content, url)


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("query=%7Ba%7D&other=1", Envelope("{a}")),
        ("query={a}&operationName=A&variables=%7B%22n%22%3A1%7D", Envelope("{a}", "A", {"n": 1})),
        ("query={a}&query={b}", "twice"),
        ("variables={}", "no query"),
        ("query={a}&variables={n}", "one meaning"),
        ("query=%ff", "cannot be read"),
    ],
)
def test_gets(query: str, expected: Envelope | str) -> None:
    """The parameters of a GET, each once."""
    if isinstance(expected, Envelope):
        assert read_get(query) == expected
    else:
        with pytest.raises(GraphQLRefusal, match=expected):
            read_get(query)


def test_what_is_written_is_what_was_read() -> None:
    """A request written anew is read as the same again, characters of every kind and numbers included."""
    envelope = Envelope("{a}", "A", {"t": 'é"\\\u2028', "n": [1, 1.5, 10**30, True, None]}, {"t": 1})
    assert read_post(JSON, envelope.written("{b}", "A"), "") == Envelope(
        "{b}", "A", envelope.variables, envelope.extensions
    )
    assert json.loads(Envelope("{a}").written("{a}", None)) == {"query": "{a}"}
