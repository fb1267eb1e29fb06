"""
Heads as Envoy sends them, read as strictly as those of our own listener.

A request's head is put together as text and goes through the listener's own reader, so that both judge the same thing:
the same normal form of the path, the same limits, the same fields that only a proxy may write.

Source: Envoy, "HTTP header map" in ``envoy/config/core/v3/base.proto``; RFC 9113 §8.3.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from gateway.data_plane.envoy.heads import client_scheme, field_pairs
from gateway.wire.fields import check_octets, parse_fields
from gateway.wire.headers import Headers
from gateway.wire.server.request_head import HeadError

ENVOYS_OWN = "x-envoy-"
"""Fields that Envoy writes and acts on; policies neither see nor change them."""

_PSEUDO = (":method", ":path", ":authority", ":scheme")
_KNOWN = frozenset([*_PSEUDO, ":status", ":protocol"])


@dataclass(slots=True)
class EnvoyHead:
    """
    A head as Envoy has it.

    Attributes:
        pseudo: ``:method`` and the like, by name.
        fields: Every other field in order, the name in lower case as Envoy keeps it; text is Latin-1.
    """

    pseudo: dict[str, str]
    fields: list[tuple[str, str]]

    def values(self) -> dict[str, list[str]]:
        """The values of each name, spelled as Envoy has it."""
        by_name: dict[str, list[str]] = {}
        for name, value in self.fields:
            by_name.setdefault(name, []).append(value)
        return by_name

    def first(self, name: str) -> str | None:
        """The first value of the field spelled *name*."""
        return next((value for key, value in self.fields if key == name), None)

    @property
    def scheme(self) -> str:
        """``http`` or ``https``: how the client is connected, as far as Envoy says so."""
        return "https" if client_scheme(self.pseudo.get(":scheme", ""), self.fields) == "https" else "http"

    @property
    def is_grpc(self) -> bool:
        """Whether the message is one of gRPC, whose body is a conversation."""
        return (self.first("content-type") or "").lower().startswith("application/grpc")

    @property
    def is_endless(self) -> bool:
        """Whether the body of a request has no end before its answer: gRPC's, or what Envoy takes for an upgrade."""
        is_upgrade = self.first("upgrade") and "upgrade" in (self.first("connection") or "").lower()
        return self.is_grpc or bool(is_upgrade)

    @property
    def length(self) -> int | None:
        """The body's announced size in bytes; None: it is not announced, or not a number."""
        value = self.first("content-length") or ""
        return int(value) if value.isascii() and value.isdecimal() and len(value) < 19 else None


def head_of(header_map: Any) -> EnvoyHead:
    """The head in Envoy's ``HeaderMap``. Raises HeadError: a pseudo-header appears twice, or is unknown."""
    pseudo: dict[str, str] = {}
    fields: list[tuple[str, str]] = []
    for name, value in field_pairs(header_map):
        if ":" not in name:
            fields.append((name, value))
        elif name in pseudo or name not in _KNOWN:
            raise HeadError(400, f"{name} twice, or unknown, in the head that Envoy sent")
        else:
            pseudo[name] = value
    return EnvoyHead(pseudo, fields)


def request_text(head: EnvoyHead) -> bytes:
    """
    A request's head as the listener's reader takes it, with the empty line at its end.

    Raises:
        HeadError: Something is missing, or a value would begin another line.
    """
    try:
        method, path, authority, _ = [head.pseudo[name] for name in _PSEUDO]
    except KeyError as missing:
        raise HeadError(400, f"No {missing.args[0]} in the head that Envoy sent") from None
    lines = [f"{method} {path} HTTP/1.1", f"Host: {authority}"]
    lines += [f"{name}: {value}" for name, value in head.fields if _concerns_us(name, value)]
    text = "\r\n".join(lines)
    if text.count("\r\n") != len(lines) - 1:  # a line end in a value would be another field
        raise HeadError(400, "Control character or bare line end in the message head")
    return f"{text}\r\n\r\n".encode("latin-1")


def _concerns_us(name: str, value: str) -> bool:
    """Whether the reader should see a field: how Envoy received a body and what it writes for itself is its own."""
    if name == "transfer-encoding":  # Envoy has decoded it; other codings it refuses
        return value.lower() != "chunked"
    return name != "expect" and not name.startswith(ENVOYS_OWN)


def answer_headers(head: EnvoyHead) -> Headers:
    """The fields of a backend's answer. Raises FieldError: they are malformed."""
    lines = [f"{name}: {value}" for name, value in head.fields if not name.startswith(ENVOYS_OWN)]
    text = "\r\n".join(lines)
    check_octets(text.encode("latin-1"), max(1, len(lines)))
    return Headers.from_lines(parse_fields(lines))
