"""
Which revision of the protocol a message is in, and what it must have there.

From 2026-07-28 on each request says everything about itself, in ``_meta`` and again in its header fields. Before, a
handshake comes first; a server need not keep anything of it, and this one does not.

Source: Model Context Protocol 2026-07-28, "Transports", "Versioning"; 2025-11-25, "Lifecycle", "Transports".
"""

from __future__ import annotations

import base64
import binascii
import re
from dataclasses import dataclass

from gateway.data_plane.mcp.messages import HEADER_MISMATCH, INVALID_PARAMS, UNSUPPORTED_VERSION, Message, RpcError
from gateway.wire.headers import Headers

MODERN = ("2026-07-28",)
HANDSHAKE = ("2025-11-25", "2025-06-18", "2025-03-26")
SUPPORTED = (*MODERN, *HANDSHAKE)

VERSION_FIELD = "MCP-Protocol-Version"
METHOD_FIELD = "Mcp-Method"
NAME_FIELD = "Mcp-Name"

_VERSION_META = "io.modelcontextprotocol/protocolVersion"
_CAPABILITIES_META = "io.modelcontextprotocol/clientCapabilities"
SERVER_META = "io.modelcontextprotocol/serverInfo"

# Methods whose target is repeated in a header field, and the parameter that it is.
_NAMED = {"tools/call": "name", "prompts/get": "name", "resources/read": "uri"}
_ENCODED = re.compile(r"=\?base64\?(.*)\?=", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Era:
    """How the messages of one revision are answered: without a handshake (*is_modern*), or after one."""

    is_modern: bool


STATELESS, HANDSHAKEN = Era(True), Era(False)


def era_of(message: Message, headers: Headers) -> Era:
    """The era of *message*. Raises RpcError: its revision is not known, or it contradicts itself."""
    versions = headers.values(VERSION_FIELD)
    version = versions[0] if versions else None
    if len(versions) > 1:
        raise RpcError(HEADER_MISMATCH, f"{VERSION_FIELD} occurs more than once", message.id)
    if version is None or version in HANDSHAKE:
        return HANDSHAKEN
    if version not in MODERN:
        data = {"supported": list(SUPPORTED), "requested": version[:64]}
        raise RpcError(UNSUPPORTED_VERSION, "This protocol version is not supported", message.id, data)
    return STATELESS


def check_envelope(message: Message, headers: Headers) -> None:
    """Raises RpcError: a request of the stateless era lacks what it must have, or its header says something else."""
    missing = [key for key in (_VERSION_META, _CAPABILITIES_META) if key not in message.meta]
    if missing:
        raise RpcError(INVALID_PARAMS, f"params._meta lacks {', '.join(missing)}", message.id)
    _check_field(headers, VERSION_FIELD, message.meta[_VERSION_META], message)
    _check_field(headers, METHOD_FIELD, message.method, message)
    key = _NAMED.get(message.method)
    if key is not None and message.params.get(key) is not None:
        _check_field(headers, NAME_FIELD, message.params[key], message)


def check_repeated(message: Message, headers: Headers) -> None:
    """Raises RpcError: a field that repeats a part of *message*, so that policies may judge by it, says otherwise."""
    if METHOD_FIELD in headers:
        _check_field(headers, METHOD_FIELD, message.method, message)
    key = _NAMED.get(message.method)
    if NAME_FIELD in headers and key is not None:
        _check_field(headers, NAME_FIELD, message.params.get(key), message)


def _check_field(headers: Headers, name: str, expected: object, message: Message) -> None:
    values = headers.values(name)
    if len(values) != 1 or _decoded(values[0]) != expected:
        raise RpcError(HEADER_MISMATCH, f"{name} must occur once, and agree with the body", message.id)


def _decoded(value: str) -> str | None:
    """A field's value without the coding that texts beyond ASCII are given; None where that is broken."""
    encoded = _ENCODED.fullmatch(value)
    if encoded is None:
        return value
    try:
        return base64.b64decode(encoded[1], validate=True).decode()
    except (binascii.Error, UnicodeDecodeError):
        return None


def negotiated(requested: object) -> str:
    """The revision that a handshake agrees on: the client's if it is known, else the newest."""
    return requested if isinstance(requested, str) and requested in HANDSHAKE else HANDSHAKE[0]
