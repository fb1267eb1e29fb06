"""Bodies as text: what cannot be decoded fails the request."""

from __future__ import annotations

import gzip

import pytest

from gateway.errors import PolicyError
from gateway.wire.body import BodyTooLarge
from tests.policies.bench import Bench, answer, new_context


@pytest.mark.parametrize(
    ("body", "coding", "error"),
    [
        (b"x", "zstd", PolicyError),
        (b"not gzip", "gzip", PolicyError),
        (gzip.compress(b"a" * 20_000_000), "gzip", BodyTooLarge),
    ],
    ids=["unknown", "broken", "bomb"],
)
def test_a_body_that_cannot_be_read(bench: Bench, body: bytes, coding: str, error: type[Exception]) -> None:
    """An unknown coding, broken bytes and a bomb fail the request."""
    context = new_context(response=answer(200, body, [("Content-Encoding", coding)]))
    with pytest.raises(error):
        bench.run('<find-and-replace from="a" to="X"/>', section="outbound", context=context)
