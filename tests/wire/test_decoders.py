"""Where bodies end, however the network cuts them."""

from __future__ import annotations

import pytest

from gateway.wire.decoders import ChunkedDecoder, CloseDecoder, Decoder, FramingError, LengthDecoder

CHUNKED = [
    pytest.param(b"0\r\n\r\n", b"", id="empty"),
    pytest.param(b"3\r\nabc\r\n0\r\n\r\n", b"abc", id="one chunk"),
    pytest.param(b"3\r\nabc\r\n002\r\nde\r\n0\r\n\r\n", b"abcde", id="leading zeros"),
    pytest.param(b"A\r\n0123456789\r\n0\r\n\r\n", b"0123456789", id="hexadecimal"),
    pytest.param(b"3;a=b;c\r\nabc\r\n0;d\r\n\r\n", b"abc", id="extensions"),
    pytest.param(b"3 ; a\r\nabc\r\n0\r\n\r\n", b"abc", id="space before an extension"),
    pytest.param(b'3;a = "b; \\"c"\t;\td\r\nabc\r\n0\r\n\r\n', b"abc", id="a quoted extension"),
    pytest.param(b"0" * 40 + b"3\r\nabc\r\n0\r\n\r\n", b"abc", id="many leading zeros"),
    pytest.param(b"3\r\nabc\r\n0\r\nX: y\r\nZ: w\r\n\r\n", b"abc", id="trailers"),
    pytest.param(b"2\r\n\r\n\r\n0\r\n\r\n", b"\r\n", id="line ends inside"),
]

BROKEN = [
    b"\r\n",
    b"g\r\n",
    b"-1\r\nx\r\n",
    b"+1\r\nx\r\n",
    b"0x1\r\nx\r\n",
    b"1_0\r\n",
    b" 1\r\nx\r\n",
    b"1 \r\nx\r\n",
    b"1\nx\n",
    b"1\r\nxy\r\n",
    b"1\r\nx\n",
    b"1\r\nx\rY",
    b"1;\r\nx\r\n",
    b"1;a[b=x\r\nx\r\n",
    b'1;a="b\r\nx\r\n',
    b"1;a=\r\nx\r\n",
    b"1;a b\r\nx\r\n",
    b"1;\x00\r\nx\r\n",
    b"1;a\nb\r\nx\r\n",
    b"1" * 16 + b"\r\n",
    b"0\r\nX : y\r\n\r\n",
    b"0\r\n folded\r\n\r\n",
    b"0\r\nX: \x01\r\n\r\n",
    b"0\r\nX: y\nZ: w\r\n\r\n",
    b"1" * 2000,
    b"1;" + b"a" * 2000,
    b"0\r\nX: " + b"y" * 20000,
    (b"1;" + b"a" * 1000 + b"\r\nx\r\n") * 20,
]


@pytest.mark.parametrize("step", [1, 2, 3, 1000], ids=lambda step: f"{step} bytes a read")
@pytest.mark.parametrize(("data", "body"), CHUNKED)
def test_decodes_chunks(data: bytes, body: bytes, step: int) -> None:
    """Every cut gives the same body, and what lies behind its end is left alone."""
    assert _decode(ChunkedDecoder(), data, step) == (body, True, b"")
    decoder = ChunkedDecoder()
    assert decoder.decode(data + b"GET /") == body
    assert decoder.rest == b"GET /"


@pytest.mark.parametrize("data", BROKEN, ids=lambda data: data[:12].hex(" "))
def test_refuses_malformed_chunks(data: bytes) -> None:
    """A chunk that two parsers could read differently breaks the message."""
    with pytest.raises(FramingError):
        _decode(ChunkedDecoder(), data, 1000)


def test_decodes_a_length() -> None:
    """A body of known length ends there."""
    decoder = LengthDecoder(5)
    assert (decoder.decode(b"abc"), decoder.done, decoder.missing) == (b"abc", False, 2)
    assert (decoder.decode(b"deGET"), decoder.done, decoder.rest) == (b"de", True, b"GET")
    exact = LengthDecoder(3)
    assert (exact.decode(b"abc"), exact.done, exact.rest) == (b"abc", True, b"")


def test_decodes_until_the_close() -> None:
    """Without a length everything belongs to the body."""
    assert _decode(CloseDecoder(), b"abc", 1) == (b"abc", False, b"")


def _decode(decoder: Decoder, data: bytes, step: int) -> tuple[bytes, bool, bytes]:
    pieces = [decoder.decode(data[at : at + step]) for at in range(0, len(data), step)]
    return b"".join(pieces), decoder.done, decoder.rest
