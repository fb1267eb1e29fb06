"""gRPC-Web's two encodings."""

from __future__ import annotations

from base64 import b64encode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.errors import PolicyError
from gateway.wire.grpc.web import MAX_PARTS, TextDecoder, encode_text, trailer_message


@given(st.lists(st.binary(max_size=20), max_size=8), st.integers(1, 9))
def test_text_is_decoded_however_it_is_cut(texts: list[bytes], size: int) -> None:
    """Several padded texts one after the other, in pieces of any size, give the bytes of all."""
    data, decoder = b"".join(map(b64encode, texts)), TextDecoder()
    pieces = [decoder.decode(data[at : at + size]) for at in range(0, len(data), size)]
    decoder.end()
    assert b"".join(pieces) == b"".join(texts)


@pytest.mark.parametrize(
    "text", [b"====", b"A===", b"AA=A", b"AAA\n", b"AA A", b"AAAA*AAA", b"=AAA", b"AA==" * (MAX_PARTS + 1)]
)
def test_what_is_no_base64_is_refused(text: bytes) -> None:
    """Nothing is skipped or guessed, and no piece may have thousands of texts."""
    with pytest.raises(PolicyError) as refused:
        TextDecoder().decode(text)
    assert refused.value.status == 400


def test_a_text_that_breaks_off_is_refused() -> None:
    """Digits without the rest of their group are an error at the end."""
    decoder = TextDecoder()
    assert decoder.decode(b"AAAAAA") == b"\0\0\0"
    with pytest.raises(PolicyError):
        decoder.end()


def test_trailers_are_the_last_message() -> None:
    """They are marked, have a length, and their names are in lower case."""
    block = b"grpc-status: 0\r\nx-a: B\r\n"
    assert trailer_message(["Grpc-Status: 0", "x-a: B"]) == b"\x80" + len(block).to_bytes(4) + block
    assert encode_text(b"ab") == b"YWI="
