"""
The head of a request that Envoy carries, read as strictly as one that arrives here.

It is written down as HTTP/1.1 again and goes through the listener's own check, so that a name, a length or a path that
receivers could read differently is refused in the same way. The peer is the client as Envoy sees it; where that is one
of ``trusted-proxies``, its forwarding fields are read.

Source: docs/wire.md; Envoy "HTTP header manipulation" for the names that Envoy writes itself.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any
from urllib.parse import unquote_to_bytes

from cryptography import x509

from gateway.wire.fields import FieldError, field_key
from gateway.wire.messages import DEFAULT_PORTS, Request
from gateway.wire.server.forwarded import Peer
from gateway.wire.server.forwarding_fields import node_address
from gateway.wire.server.listener import Caller
from gateway.wire.server.request_head import HeadError, head_too_large
from gateway.wire.settings import ServerSettings


@dataclass(frozen=True, slots=True)
class CarriedHead:
    """
    A head as Envoy describes it.

    Attributes:
        path: With the query.
        host: Empty where HTTP/1.0 has none.
        scheme: ``:scheme``.
        fields: Names in lower case as the client spelled them, values as Latin-1; no pseudo-headers.
        client: The client's address, without a port.
    """

    method: str
    path: str
    host: str
    scheme: str
    protocol: str
    fields: Sequence[tuple[str, str]]
    client: str

    def request(self, settings: ServerSettings, certificate: x509.Certificate | None = None) -> Request:
        """
        The request, with an id of ours and without a body.

        Raises:
            HeadError: It is refused before any policy runs.
        """
        if not self.method.isupper():
            raise HeadError(403, "The method is not in upper case")  # for some backends it would be another one
        if not _is_address(self.client):
            raise HeadError(403, "The question does not name the client's address")
        scheme = client_scheme(self.scheme, self.fields)
        if scheme not in DEFAULT_PORTS:
            raise HeadError(400, "Malformed scheme")
        caller = Caller(_peer(self.client, scheme, settings.trusted_proxies), settings, certificate)
        return caller.request(caller.read(self._written(settings)))

    def _written(self, settings: ServerSettings) -> bytes:
        """The head as HTTP/1.1. Raises HeadError."""
        version = "1.0" if self.protocol == "HTTP/1.0" else "1.1"
        lines = [f"{self.method} {self.path} HTTP/{version}"]
        if self.host:
            lines.append(f"host: {self.host}")
        try:
            for name, value in self.fields:
                field_key(name)
                lines.append(f"{name}: {value}")
            data = "\r\n".join([*lines, "", ""]).encode("latin-1")
        except (FieldError, UnicodeEncodeError):
            raise HeadError(400, "Malformed header") from None
        if data.count(b"\r\n") != len(lines) + 1:  # a line end in a value would be another field
            raise HeadError(400, "Control character or bare line end in the message head")
        if len(data) > settings.limits.head_bytes:
            raise head_too_large(len(data), settings.limits.head_bytes)
        return data


_peer = lru_cache(maxsize=4096)(Peer)


@lru_cache(maxsize=4096)
def _is_address(text: str) -> bool:
    return bool(node_address(text))


def field_pairs(header_map: Any) -> list[tuple[str, str]]:
    """Names and values of a HeaderMap, pseudo-headers included; values are Latin-1, whichever of the two forms."""
    return [
        (header.key, header.raw_value.decode("latin-1") if header.raw_value else as_latin(header.value))
        for header in header_map.headers
    ]


def client_scheme(stated: str, fields: Iterable[tuple[str, str]]) -> str:
    """
    How the client is connected, in lower case: what Envoy has written into X-Forwarded-Proto.

    *stated* is ``:scheme``, which a client of HTTP/2 chooses; it counts only where Envoy shows no more.
    """
    scheme = stated
    for name, value in fields:
        if name == "x-forwarded-proto":
            scheme = value.rpartition(",")[2].strip(" \t")
    return scheme.lower()


def as_latin(value: str) -> str:
    """Text of a message as the octets that came over the wire."""
    return value if value.isascii() else value.encode().decode("latin-1")


def certificate_of(text: str) -> x509.Certificate | None:
    """
    The client's certificate, URL-encoded PEM as Envoy sends it; None for an empty *text*.

    Raises:
        HeadError: It is not one.
    """
    if not text:
        return None
    try:
        return x509.load_pem_x509_certificate(unquote_to_bytes(text))
    except ValueError:
        raise HeadError(400, "The client's certificate cannot be read") from None
