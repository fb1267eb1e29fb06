"""Form bodies of both kinds."""

from __future__ import annotations

import pytest

from gateway.emulators.entra.forms import parse_form

MULTIPART = (
    b'--B\r\nContent-Disposition: form-data; name="grant_type"\r\n\r\nclient_credentials\r\n'
    b'--B\r\nContent-Disposition: form-data; name="client_secret"\r\n\r\na+b/c=\r\n--B--\r\n'
)


@pytest.mark.parametrize(
    ("content_type", "body", "fields"),
    [
        ("application/x-www-form-urlencoded", b"a=1&b=x%2By+z&c=", {"a": "1", "b": "x+y z"}),
        ("application/x-www-form-urlencoded", b"a=1&a=2", {"a": "2"}),
        ("multipart/form-data; boundary=B", MULTIPART, {"grant_type": "client_credentials", "client_secret": "a+b/c="}),
        ("multipart/form-data", MULTIPART, {}),
        ("application/json", b"{}", {}),
        ("", b"", {}),
    ],
    ids=["urlencoded", "repeated", "multipart", "no boundary", "json", "empty"],
)
def test_parse_form(content_type: str, body: bytes, fields: dict[str, str]) -> None:
    """Fields come out decoded; what is not a form has none."""
    assert parse_form(content_type, body) == fields
