"""
gRPC-Web: the same messages in a body that HTTP/1.1 and browsers can carry, trailers as a last message, perhaps base64.

Source: gRPC, "gRPC-Web" (https://github.com/grpc/grpc/blob/master/doc/PROTOCOL-WEB.md).
"""

from __future__ import annotations

import re
from base64 import b64encode
from binascii import Error, a2b_base64
from collections.abc import Iterable

from gateway.errors import PolicyError

_TRAILERS = 0x80
"""Flag of the message that has the trailers."""
MAX_PARTS = 512
"""Texts of base64 in one piece of a body: each ends with padding, and each costs a call."""
_PART = re.compile(rb"[^=]+={0,2}")


def trailer_message(lines: Iterable[str]) -> bytes:
    """The last message of an answer; *lines*: ``name: value``."""
    block = "".join(f"{_lower(line)}\r\n" for line in lines).encode("latin-1")
    return bytes([_TRAILERS]) + len(block).to_bytes(4) + block


def encode_text(data: bytes) -> bytes:
    """*data* as one text of base64, padded, so that its reader can use it at once."""
    return b64encode(data)


class TextDecoder:
    """Decodes base64 that arrives in pieces, itself one text or several, each padded."""

    __slots__ = ("_rest",)

    def __init__(self) -> None:
        self._rest = b""

    def decode(self, data: bytes) -> bytes:
        """What is complete. Raises PolicyError: it is not base64."""
        data = self._rest + data
        whole = len(data) // 4 * 4
        self._rest = data[whole:]
        parts = _PART.findall(data, 0, whole)
        if len(parts) > MAX_PARTS or sum(map(len, parts)) != whole:
            raise _malformed()
        try:
            return b"".join([a2b_base64(part, strict_mode=True) for part in parts])
        except Error:
            raise _malformed() from None

    def end(self) -> None:
        """Nothing follows. Raises PolicyError: it broke off."""
        if self._rest:
            raise _malformed()


def _malformed() -> PolicyError:
    return PolicyError(400, "BadGrpcWebText", "The body is not base64 of gRPC-Web messages")


def _lower(line: str) -> str:
    name, colon, value = line.partition(":")
    return f"{name.lower()}{colon}{value}"
