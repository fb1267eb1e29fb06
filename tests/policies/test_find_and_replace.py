"""find-and-replace: text replaced in requests and responses."""

from __future__ import annotations

import gzip

import pytest

from tests.policies.bench import Bench, answer, get, new_context, post


@pytest.mark.parametrize(
    ("body", "headers", "expected"),
    [
        (b"a.b.a", [], b"X.b.X"),
        (b"A", [], b"A"),
        (gzip.compress(b"a!"), [("Content-Encoding", "gzip")], b"X!"),
        (b"\xffa", [], b"\xffX"),
        (b"", [], b""),
    ],
    ids="all case gzip not-utf-8 empty".split(),
)
def test_find_and_replace(bench: Bench, body: bytes, headers: list[tuple[str, str]], expected: bytes) -> None:
    """Every occurrence, exactly; compressed bodies are opened, other bytes stay as they are."""
    context = new_context(response=answer(200, body, headers))
    ran = bench.run('<find-and-replace from="a" to="X"/>', section="outbound", context=context)
    assert ran.response.body.content == expected
    assert "Content-Encoding" not in ran.response.headers


def test_find_and_replace_on_requests(bench: Bench) -> None:
    """In inbound it changes the request; nothing to look for changes nothing."""
    body = bench.run('<find-and-replace from="a" to="X"/>', post("aa")).request.body
    assert body is not None
    assert body.content == b"XX"
    assert bench.run('<find-and-replace from="" to="X"/>', get("/")).request.body is None
    assert bench.run('<find-and-replace from="a" to="X"/>', get("/")).request.body is None
