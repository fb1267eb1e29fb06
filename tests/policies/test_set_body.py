"""set-body: the bytes that go on."""

from __future__ import annotations

import pytest

from tests.policies.bench import Bench, answer, get, new_context, post

SOAP = '<soap:Envelope xmlns:soap="s">\n  <a>@(1 &lt; 2)</a>\n</soap:Envelope>'


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ("plain", b"plain"),
        ("@(context.Variables[&quot;x&quot;])", b"\x00\xff"),
        ("@(1 + 1)", b"2"),
        (SOAP, SOAP.encode()),
        ("", b""),
        ("grüße", "grüße".encode()),
    ],
    ids=["text", "bytes", "number", "mark-up", "empty", "utf-8"],
)
def test_content(bench: Bench, content: str, expected: bytes) -> None:
    """Text goes out as UTF-8, bytes as they are, mark-up verbatim."""
    ran = bench.run(f"<set-body>{content}</set-body>", post("old"), x=b"\x00\xff")
    assert ran.request.body is not None
    assert ran.request.body.content == expected
    assert ran.request.body.buffered


def test_a_request_without_a_body_gets_one(bench: Bench) -> None:
    """GET may carry one too."""
    body = bench.run("<set-body>x</set-body>", get("/")).request.body
    assert body is not None
    assert body.content == b"x"


@pytest.mark.parametrize(
    ("content", "encoding"), [("text", None), ("@(context.Variables[&quot;x&quot;])", "gzip")], ids=["text", "bytes"]
)
def test_text_is_not_compressed(bench: Bench, content: str, encoding: str | None) -> None:
    """Content-Encoding goes with the old bytes; Content-Type stays."""
    response = answer(200, b"old", [("Content-Encoding", "gzip"), ("Content-Type", "a/b")])
    ran = bench.run(
        f"<set-body>{content}</set-body>", section="outbound", context=new_context(response=response), x=b"1"
    )
    assert ran.response.headers.first("Content-Encoding") == encoding
    assert ran.response.headers.first("Content-Type") == "a/b"


@pytest.mark.parametrize("section", ["outbound", "on-error"])
def test_outbound_changes_the_response(bench: Bench, section: str) -> None:
    """In outbound and on-error the response's body is replaced."""
    ran = bench.run("<set-body>new</set-body>", section=section, context=new_context(response=answer(200, "old")))
    assert ran.response.body.content == b"new"
