"""
The PROXY protocol: what a proxy that only passes bytes on says about its client before the first of them.

The header is measured before it is read, so that not one byte of what follows is taken: that may be a TLS handshake.

Source: "The PROXY protocol, versions 1 & 2" (https://www.haproxy.org/download/3.0/doc/proxy-protocol.txt).
"""

from __future__ import annotations

import ipaddress
import re

from gateway.wire.addresses import unwrap

SIGNATURE = b"\r\n\r\n\0\r\nQUIT\n"
MOST_BYTES = 4096  # of version 2, with what proxies add in TLVs; version 1 never has more than 107
_FIXED_BYTES = 16
_LINE_BYTES = 107
_BEGINNING = b"PROXY "
_PORT = rb"(0|[1-9][0-9]{0,4})"
_ENDS = rb"(TCP4|TCP6) ([0-9A-Fa-f.:]+) ([0-9A-Fa-f.:]+) %s %s" % (_PORT, _PORT)
_LINE = re.compile(rb"PROXY (?:%s|UNKNOWN(?: [^\r\n]*)?)\r\n" % _ENDS)
_LOCAL, _PROXY = 0x20, 0x21  # version and command

# Address family and transport → bytes of both addresses and ports, and of one address.
_FAMILIES = {0x00: (0, 0), 0x11: (12, 4), 0x21: (36, 16), 0x31: (216, 0)}


class ProxyHeaderError(ValueError):
    """What arrived is not a PROXY header; the text says why."""


def extent(data: bytes) -> tuple[int, bool]:
    """
    How many bytes at the start of *data* belong to the header, and whether they are all of it.

    Raises:
        ProxyHeaderError: *data* does not begin with a header, or with one that is too long.
    """
    if data[:1] == b"P":
        return _extent_of_line(data)
    _require_beginning(data, SIGNATURE)
    if len(data) < _FIXED_BYTES:
        return len(data), False
    if data[12] not in (_LOCAL, _PROXY):
        raise ProxyHeaderError(f"its version and command are 0x{data[12]:02x}, and only 0x20 and 0x21 exist")
    whole = _FIXED_BYTES + int.from_bytes(data[14:16], "big")
    if whole > MOST_BYTES:
        raise ProxyHeaderError(f"it announces {whole} bytes, and {MOST_BYTES} are accepted")
    return min(whole, len(data)), len(data) >= whole


def _extent_of_line(data: bytes) -> tuple[int, bool]:
    _require_beginning(data, _BEGINNING)
    end = data.find(b"\r\n", 0, _LINE_BYTES) + 2
    if end < 2 and len(data) >= _LINE_BYTES:
        raise ProxyHeaderError(f"its line is longer than {_LINE_BYTES} bytes")
    return (end, True) if end >= 2 else (len(data), False)


def _require_beginning(data: bytes, beginning: bytes) -> None:
    if not data.startswith(beginning[: len(data)]):
        raise ProxyHeaderError("the connection does not begin with one")


def client_of(header: bytes) -> str:
    """
    The client's address in a complete *header*; empty where it names none (``LOCAL``, ``UNKNOWN``, a Unix socket).

    Raises:
        ProxyHeaderError: It is malformed.
    """
    return _client_of_line(header) if header.startswith(_BEGINNING) else _client_of_block(header)


def _client_of_line(header: bytes) -> str:
    parts = _LINE.fullmatch(header)
    if parts is None:
        raise ProxyHeaderError("its line is malformed")
    if parts[1] is None:
        return ""
    version = ipaddress.IPv4Address if parts[1] == b"TCP4" else ipaddress.IPv6Address
    try:
        source, _ = version(parts[2].decode()), version(parts[3].decode())
    except ValueError:
        raise ProxyHeaderError(f"{parts[1].decode()} is followed by something else") from None
    if max(int(parts[4]), int(parts[5])) > 65_535:
        raise ProxyHeaderError("a port is too high")
    return str(unwrap(source))


def _client_of_block(header: bytes) -> str:
    """Version 2. What follows the addresses (TLVs) is skipped; of LOCAL everything is."""
    if header[12] == _LOCAL:
        return ""
    if header[13] not in _FAMILIES:
        raise ProxyHeaderError(f"its address family and transport are 0x{header[13]:02x}, not those of a stream")
    size, source_size = _FAMILIES[header[13]]
    if len(header) < _FIXED_BYTES + size:
        raise ProxyHeaderError("it is too short for the addresses that it announces")
    source = header[_FIXED_BYTES : _FIXED_BYTES + source_size]
    return str(unwrap(ipaddress.ip_address(source))) if source else ""
