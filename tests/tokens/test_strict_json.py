"""JSON in tokens has exactly one reading and bounded cost."""

from __future__ import annotations

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.errors import TokenError
from gateway.tokens.strict_json import MAX_DEPTH, parse_object

REFUSED = {
    "empty": b"",
    "array": b"[1]",
    "text": b'"a"',
    "null": b"null",
    "duplicate": b'{"a":1,"a":1}',
    "duplicate of another value": b'{"a":1,"b":2,"a":3}',
    "duplicate after unescaping": b'{"a":1,"\\u0061":1}',
    "nested duplicate": b'{"x":[{"a":1,"a":2}]}',
    "byte-order mark": b'\xef\xbb\xbf{"a":1}',
    "UTF-16": '{"a":1}'.encode("utf-16"),
    "not UTF-8": b'{"a":"\xff"}',
    "overlong UTF-8": b'{"a":"\xc0\xaf"}',
    "raw surrogate": b'{"a":"\xed\xa0\x80"}',
    "escaped half surrogate": b'{"a":"\\ud800"}',
    "half surrogate in a name": b'{"\\udfff":1}',
    "NaN": b'{"a":NaN}',
    "Infinity": b'{"a":-Infinity}',
    "1e400": b'{"a":1e400}',
    "huge integer": b'{"a":' + b"9" * 500 + b"}",
    "more digits than Python converts": b'{"a":' + b"9" * 9_000 + b"}",
    "deep arrays": b'{"a":' + b"[" * 40 + b"]" * 40 + b"}",
    "deep objects": b'{"a":' * 40 + b"1" + b"}" * 40,
    "very deep": b'{"a":' + b"[" * 100_000 + b"]" * 100_000 + b"}",
    "unclosed": b'{"a":[' * 50,
    "trailing text": b'{"a":1} x',
    "second object": b'{"a":1}{}',
    "comment": b'{"a":1/**/}',
    "single quotes": b"{'a':1}",
    "control character": b'{"a":"\n"}',
    "trailing comma": b'{"a":1,}',
    "NUL after": b'{"a":1}\0',
}


@pytest.mark.parametrize("raw", REFUSED.values(), ids=REFUSED)
def test_refused(raw: bytes) -> None:
    """Every other reading is JwtInvalid, and the message does not quote the token."""
    with pytest.raises(TokenError) as refused:
        parse_object(raw, "payload")
    assert refused.value.reason == "JwtInvalid"
    assert refused.value.message.startswith("JWT is not well formed: payload ")


FAULTS = {
    "array": "is not a JSON object",
    "duplicate": "has a duplicate member",
    "not UTF-8": "is not UTF-8 encoded JSON",
    "escaped half surrogate": "holds half of a surrogate pair",
    "NaN": "holds NaN or Infinity",
    "1e400": "holds a number out of range",
    "huge integer": "holds a number out of range",
    "deep arrays": "is nested too deeply",
    "very deep": "is nested too deeply",
    "trailing text": "is not UTF-8 encoded JSON",
}


@pytest.mark.parametrize("name", FAULTS)
def test_faults(name: str) -> None:
    """The message names what is wrong, and whether it is in the header or the payload."""
    with pytest.raises(TokenError) as refused:
        parse_object(REFUSED[name], "header")
    assert refused.value.message == f"JWT is not well formed: header {FAULTS[name]}."


ACCEPTED = {
    "white space": b' {"a" :\r\n1 } ',
    "whole pair of surrogates": b'{"a":"\\ud83d\\ude00"}',
    "many shallow arrays": b'{"a":[' + b"[]," * 100 + b"[]]}",
    "brackets in text": b'{"a":"' + b"[" * 100 + b'","b":"\\"]"}',
    "at the depth limit": b'{"a":' + b"[" * (MAX_DEPTH - 1) + b"]" * (MAX_DEPTH - 1) + b"}",
    "64 bits": b'{"a":18446744073709551615}',
}


@pytest.mark.parametrize("raw", ACCEPTED.values(), ids=ACCEPTED)
def test_accepted(raw: bytes) -> None:
    """What has one reading is read as the standard library reads it."""
    assert parse_object(raw, "payload") == json.loads(raw)


SCALARS = st.none() | st.booleans() | st.integers(-(10**18), 10**18) | st.text(max_size=9)
VALUES = st.recursive(SCALARS, lambda inner: st.lists(inner, max_size=3), max_leaves=5)


@settings(max_examples=50)
@given(st.dictionaries(st.text(max_size=5), VALUES, max_size=5), st.sampled_from([(",", ":"), (", ", ": ")]))
def test_any_object_survives(value: dict[str, object], spelling: tuple[str, str]) -> None:
    """What a well-behaved issuer writes, tightly or with spaces, is read back equal, or refused for its depth."""
    raw = json.dumps(value, separators=spelling, ensure_ascii=spelling[0] == ", ").encode("utf-8", "surrogatepass")
    try:
        assert parse_object(raw, "payload") == value
    except TokenError as error:
        assert "nested too deeply" in error.message or "surrogate" in error.message  # noqa: PT017


@given(st.binary(max_size=300))
def test_any_bytes_are_read_or_refused(raw: bytes) -> None:
    """No input raises anything but TokenError."""
    try:
        assert isinstance(parse_object(raw, "payload"), dict)
    except TokenError as error:
        assert error.reason == "JwtInvalid"  # noqa: PT017
