"""A cached response comes back whole, and nothing else is taken for one."""

from __future__ import annotations

import pytest

from gateway.value_cache import CachedResponse, Codec, CodecError

RESPONSE = CachedResponse(
    200, "OK", (("Content-Type", "text/plain"), ("X-A", "1"), ("x-a", "\u00e9")), b"\x00body", stored_at=12
)


def test_response_comes_back() -> None:
    """Status, reason, every header line in order, body and time survive."""
    assert CachedResponse.from_bytes(RESPONSE.to_bytes()) == RESPONSE


@pytest.mark.parametrize(
    "value",
    [
        "text",
        [200, "OK", [], b""],
        ["200", "OK", [], b"", 1.0],
        [200, "OK", [["a"]], b"", 1.0],
        [200, "OK", [["a", 1]], b"", 1.0],
        [200, "OK", {}, b"", 1.0],
        [200, "OK", [], "", 1.0],
    ],
    ids=repr,
)
def test_anything_else_is_refused(value: object) -> None:
    """A value under a response's key is not taken for a response."""
    with pytest.raises(CodecError, match="not a response"):
        CachedResponse.from_bytes(Codec().encode(value))
