"""Header fields: one name for all its spellings, several values in order, and no value that ends its line."""

from __future__ import annotations

import pytest

from gateway.wire.fields import FieldError
from gateway.wire.headers import Headers, field_line

SPELLINGS = ["Caller-ObjectId", "caller-objectid", "CALLER_OBJECTID", "Caller_ObjectId"]


@pytest.mark.parametrize("asked", SPELLINGS)
@pytest.mark.parametrize("written", SPELLINGS)
def test_a_name_stands_for_all_its_spellings(written: str, asked: str) -> None:
    """Whatever the spelling, it is found, replaced and removed."""
    headers = Headers([(written, "a")])
    assert asked in headers
    assert headers.first(asked) == "a"
    headers.replace(asked, "b")
    assert list(headers) == [(asked, "b")]
    headers.remove(written)
    assert len(headers) == 0


def test_values_keep_their_order() -> None:
    """Several lines of one name stay several, in order; joined is what APIM's GetValueOrDefault gives."""
    headers = Headers([("A", "1"), ("B", "x"), ("a", "2,3")])
    assert headers.values("A") == ("1", "2,3")
    assert headers.joined("A") == "1,2,3"
    assert headers.first("A") == "1"
    assert list(headers) == [("A", "1"), ("a", "2,3"), ("B", "x")]
    assert len(headers) == 3


@pytest.mark.parametrize("name", ["Absent", "", "not a name", "colon:"])
def test_what_is_not_there(name: str) -> None:
    """An absent or malformed name is simply not there."""
    headers = Headers([("A", "1")])
    assert name not in headers
    assert (headers.first(name), headers.joined(name), headers.values(name)) == (None, None, ())
    headers.remove(name)
    assert len(headers) == 1


@pytest.mark.parametrize("value", ["a\r\nX: 1", "a\nb", "a\rb", "a\0b", "ä\r\nX: 1"])
def test_no_value_ends_its_line(value: str) -> None:
    """A value cannot begin another field, and nothing is kept of one that tries."""
    headers = Headers([("A", "1")])
    for change in (headers.append, headers.replace):
        with pytest.raises(FieldError):
            change("A", value)
    assert list(headers) == [("A", "1")]


@pytest.mark.parametrize("name", ["", "a b", "a:b", "a\r\nb", "ä"])
def test_a_name_is_a_token(name: str) -> None:
    """A malformed name is refused when it is set. Source: RFC 9110 §5.1."""
    with pytest.raises(FieldError):
        Headers([(name, "1")])


@pytest.mark.parametrize(
    ("value", "octets"),
    [("plain", b"plain"), ("sm\u00f8r", b"sm\xf8r"), ("\u20ac", "\u20ac".encode()), ("tab\there", b"tab\there")],
    ids=["ascii", "latin-1", "beyond latin-1", "tab"],
)
def test_octets_of_a_value(value: str, octets: bytes) -> None:
    """Latin-1 goes out as it is, everything beyond as UTF-8."""
    assert field_line("A", value).encode("latin-1") == b"A: " + octets


def test_replace_by_nothing_removes() -> None:
    """No value: no field."""
    headers = Headers([("A", "1"), ("A", "2")])
    headers.replace("a")
    assert "A" not in headers


def test_a_copy_is_independent() -> None:
    """A change to the copy leaves the original alone."""
    headers = Headers([("A", "1")])
    copy = headers.copy()
    assert copy == headers
    copy.append("A", "2")
    assert headers.values("A") == ("1",)


def test_values_are_not_shown() -> None:
    """The representation names fields only: values may be secret."""
    assert repr(Headers([("Authorization", "Bearer secret")])) == "Headers(['authorization'])"
