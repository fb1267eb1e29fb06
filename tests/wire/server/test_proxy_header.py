"""The PROXY header, byte by byte: what is one, whose address it gives, and how much of the connection belongs to it."""

from __future__ import annotations

import pytest

from gateway.wire.server.proxy_header import MOST_BYTES, SIGNATURE, ProxyHeaderError, client_of, extent

V4 = bytes([203, 0, 113, 9, 10, 0, 0, 1, 0x1F, 0x90, 0, 80])
V6 = bytes.fromhex("20010db800000000000000000000000720010db8000000000000000000000001") + b"\x1f\x90\0P"
MAPPED = bytes.fromhex("00000000000000000000ffffcb00710900000000000000000000ffff0a000001") + b"\x1f\x90\0P"


def block(command: int, family: int, content: bytes, length: int | None = None) -> bytes:
    """A header of version 2; *length* where it lies about its content."""
    size = len(content) if length is None else length
    return SIGNATURE + bytes([command, family]) + size.to_bytes(2, "big") + content


VALID = {
    "v1, IPv4": (b"PROXY TCP4 203.0.113.7 10.0.0.1 56324 443\r\n", "203.0.113.7"),
    "v1, IPv6": (b"PROXY TCP6 2001:db8::7 2001:DB8::1 1 65535\r\n", "2001:db8::7"),
    "v1, the longest IPv6": (
        b"PROXY TCP6 %s %s 65535 65535\r\n" % ((b"ffff:" * 8)[:-1], (b"ffff:" * 8)[:-1]),
        "ffff:" * 7 + "ffff",
    ),
    "v1, unknown": (b"PROXY UNKNOWN\r\n", ""),
    "v1, unknown with anything behind it": (b"PROXY UNKNOWN ffff:ff 1.2.3.4 x\r\n", ""),
    "v2, IPv4": (block(0x21, 0x11, V4), "203.0.113.9"),
    "v1, IPv4 in IPv6": (b"PROXY TCP6 ::ffff:203.0.113.7 ::1 1 2\r\n", "203.0.113.7"),
    "v2, IPv6": (block(0x21, 0x21, V6), "2001:db8::7"),
    "v2, IPv4 in IPv6": (block(0x21, 0x21, MAPPED), "203.0.113.9"),
    "v2, TLVs": (block(0x21, 0x11, V4 + b"\x03\0\4\xff\xff\xff\xff" + b"\x20\0\1"), "203.0.113.9"),
    "v2, as much as is accepted": (block(0x21, 0x11, V4 + bytes(MOST_BYTES - 16 - 12)), "203.0.113.9"),
    "v2, LOCAL": (block(0x20, 0x00, b""), ""),
    "v2, LOCAL with an address that does not count": (block(0x20, 0x11, V4), ""),
    "v2, LOCAL with anything": (block(0x20, 0xFF, b"abc"), ""),
    "v2, unspecified": (block(0x21, 0x00, b"abc"), ""),
    "v2, a Unix socket": (block(0x21, 0x31, bytes(216)), ""),
}

HOSTILE = {
    "HTTP": b"GET / HTTP/1.1\r\n",
    "TLS": b"\x16\x03\x01\x02\0",
    "an empty line and HTTP": b"\r\n\r\nGET / HTTP/1.1\r\n",
    "another method with P": b"POST / HTTP/1.1\r\n",
    "v1, small letters": b"proxy TCP4 1.2.3.4 1.2.3.4 1 2\r\n",
    "v1, no address": b"PROXY TCP4\r\n",
    "v1, one address": b"PROXY TCP4 1.2.3.4 1 2\r\n",
    "v1, two spaces": b"PROXY TCP4  1.2.3.4 1.2.3.4 1 2\r\n",
    "v1, a space at the end": b"PROXY TCP4 1.2.3.4 1.2.3.4 1 2 \r\n",
    "v1, a tab": b"PROXY\tTCP4 1.2.3.4 1.2.3.4 1 2\r\n",
    "v1, an address of the other family": b"PROXY TCP4 ::1 ::1 1 2\r\n",
    "v1, the other way round": b"PROXY TCP6 1.2.3.4 1.2.3.4 1 2\r\n",
    "v1, an address that is none": b"PROXY TCP4 1.2.3.256 1.2.3.4 1 2\r\n",
    "v1, a leading zero": b"PROXY TCP4 01.2.3.4 1.2.3.4 1 2\r\n",
    "v1, a scope": b"PROXY TCP6 fe80::1%eth0 ::1 1 2\r\n",
    "v1, a port too high": b"PROXY TCP4 1.2.3.4 1.2.3.4 65536 2\r\n",
    "v1, a port with a zero": b"PROXY TCP4 1.2.3.4 1.2.3.4 01 2\r\n",
    "v1, a sign": b"PROXY TCP4 1.2.3.4 1.2.3.4 -1 2\r\n",
    "v1, UDP": b"PROXY UDP4 1.2.3.4 1.2.3.4 1 2\r\n",
    "v1, UNKNOWN and more": b"PROXY UNKNOWNS\r\n",
    "v1, a bare line end within": b"PROXY TCP4 1.2.3.4\n1.2.3.4 1 2\r\n",
    "v1, too long": b"PROXY UNKNOWN " + b"x" * 92 + b"\r\n",
    "v1, without an end": b"PROXY TCP4 " + b"1" * 120,
    "v2, version 1": block(0x11, 0x11, V4),
    "v2, version 3": block(0x31, 0x11, V4),
    "v2, a command that does not exist": block(0x22, 0x11, V4),
    "v2, UDP": block(0x21, 0x12, V4),
    "v2, a family that does not exist": block(0x21, 0x41, V4),
    "v2, too short for IPv4": block(0x21, 0x11, V4[:-1]),
    "v2, too short for IPv6": block(0x21, 0x21, V6[:-1]),
    "v2, too short for a Unix socket": block(0x21, 0x31, bytes(215)),
    "v2, without addresses": block(0x21, 0x11, b""),
    "v2, more than is accepted": block(0x21, 0x11, V4, MOST_BYTES - 15),
    "v2, 64 KiB announced": block(0x21, 0x11, V4, 0xFFFF),
    "v2, another signature": SIGNATURE[:-1] + b"\r" + b"\x21\x11\0\x0c" + V4,
}


def taken(stream: bytes) -> bytes:
    """The header at the start of *stream*, of which one byte more is there each time."""
    received = b""
    for end in range(1, len(stream) + 1):
        size, is_whole = extent(stream[:end])
        assert size <= end
        received = stream[:size]
        if is_whole:
            return received
    raise AssertionError(f"{received!r} is not all of it")


@pytest.mark.parametrize(("header", "client"), VALID.values(), ids=VALID.keys())
def test_valid(header: bytes, client: str) -> None:
    """Whose address it gives; and of what follows, here another header, not a byte is taken."""
    assert extent(header + b"PROXY GET\r\n\r\n") == (len(header), True)
    assert taken(header + b"\r\n\r\n\0") == header
    assert client_of(header) == client


@pytest.mark.parametrize("header", [header for header, _ in VALID.values()], ids=VALID.keys())
def test_truncated(header: bytes) -> None:
    """A beginning is waited for, whole; it never counts as the header."""
    for end in range(len(header)):
        assert extent(header[:end]) == (end, False)


@pytest.mark.parametrize("stream", HOSTILE.values(), ids=HOSTILE.keys())
def test_hostile(stream: bytes) -> None:
    """Anything else is refused, no later than it is complete."""
    with pytest.raises(ProxyHeaderError):
        client_of(taken(stream))


def test_refused_early() -> None:
    """What cannot become a header is not waited for."""
    for beginning in (b"G", b"\x16", b"PO", b"\r\n\r\nG", SIGNATURE + b"\x31", block(0x21, 0x11, b"", 0xFFFF)):
        with pytest.raises(ProxyHeaderError):
            assert extent(beginning.ljust(16, b"x")) == (16, False)
