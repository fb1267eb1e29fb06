"""The words of failures: what of an answer is shown."""

from __future__ import annotations

import pytest

from gateway.notifications.d365.errors import odata_message


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (b'{"error": {"message": "outer", "innererror": {"message": "inner", "stacktrace": "at X"}}}', "inner"),
        (b'{"error": {"message": "outer", "innererror": null}}', "outer"),
        (b'{"error": "text"}', ""),
        (b"<html>", ""),
        (b"[]", ""),
        pytest.param(b"[" * 100_000, "", id="deep"),
    ],
)
def test_odata_message(body: bytes, message: str) -> None:
    """The useful sentence is found, the stack trace never."""
    assert odata_message(body) == message
