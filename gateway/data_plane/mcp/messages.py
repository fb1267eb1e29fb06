"""
JSON-RPC messages: one a request, read strictly, answered in one line.

Source: JSON-RPC 2.0; Model Context Protocol 2025-11-25 and 2026-07-28, "Base protocol".
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from enum import Enum
from typing import Any, TypeAlias

from gateway.reading.json_text import read_json

PARSE_ERROR = -32700
INVALID_REQUEST = -32600
METHOD_NOT_FOUND = -32601
INVALID_PARAMS = -32602
INTERNAL_ERROR = -32603
HEADER_MISMATCH = -32020
UNSUPPORTED_VERSION = -32022

MAX_METHOD = 128  # characters
MAX_ID = 256
MAX_DEPTH = 64

# Some readers do not look at case, and would take such a member for the one that was judged.
_MEMBERS = ("jsonrpc", "id", "method", "params", "result", "error")
_CALLED = ("name", "arguments")
_UNREADABLE = "The body is not JSON in UTF-8 with one reading, as where a member occurs twice"

MessageId: TypeAlias = "str | int | None"


class RpcError(Exception):
    """A message that is answered with an error; *data* is for programs."""

    def __init__(self, code: int, text: str, id: MessageId = None, data: Any = None) -> None:
        super().__init__(text)
        self.code = code
        self.text = text
        self.id = id
        self.data = data


class MessageKind(Enum):
    """What a message wants."""

    REQUEST = "request"
    NOTIFICATION = "notification"
    ANSWER = "answer"


@dataclass(frozen=True, slots=True)
class Message:
    """
    One message.

    Attributes:
        id: None unless it is a request.
        method: Empty for an answer.
    """

    kind: MessageKind
    method: str = ""
    id: MessageId = None
    params: dict[str, Any] = field(default_factory=dict)

    @property
    def tool(self) -> str | None:
        """The tool that it calls, by the name that it gives."""
        name = self.params.get("name")
        return name if self.method == "tools/call" and isinstance(name, str) else None

    @property
    def meta(self) -> dict[str, Any]:
        """``params._meta``; empty where there is none."""
        meta = self.params.get("_meta")
        return meta if isinstance(meta, dict) else {}


def read_message(content: bytes) -> Message:
    """The message in *content*. Raises RpcError."""
    value = _value(content)
    if isinstance(value, list):
        raise RpcError(INVALID_REQUEST, "Batches are not accepted: send one message a request")
    if not isinstance(value, dict) or value.get("jsonrpc") != "2.0":
        raise RpcError(INVALID_REQUEST, 'A message is an object with "jsonrpc": "2.0"')
    if not (_is_exact(value, _MEMBERS) and _is_exact(value.get("params"), _CALLED)):
        raise RpcError(INVALID_REQUEST, "A member has the name of another one in other letters")
    if not is_shallow(value):
        raise RpcError(INVALID_REQUEST, f"The message is nested more than {MAX_DEPTH} levels deep")
    return _message(value)


def _value(content: bytes) -> Any:
    """The JSON value in *content*. Raises RpcError: it has more readings than one, or none."""
    try:
        value = read_json(content)
        if b"\\u" in content:
            json.dumps(value, ensure_ascii=False).encode()  # half a character is none
    except (ValueError, RecursionError):
        raise RpcError(PARSE_ERROR, _UNREADABLE) from None
    return value


def _message(value: dict[str, Any]) -> Message:
    id, method, params = value.get("id"), value.get("method", ""), value.get("params", {})
    if "id" in value and not _is_id(id):
        raise RpcError(INVALID_REQUEST, "id is a text or a whole number")
    if "method" not in value and not value.keys().isdisjoint(("result", "error")):
        return Message(MessageKind.ANSWER, id=id)
    if not _is_method(method):
        raise RpcError(INVALID_REQUEST, "method is missing", id)
    if not isinstance(params, dict):
        raise RpcError(INVALID_PARAMS, "params is an object", id)
    return Message(MessageKind.REQUEST if "id" in value else MessageKind.NOTIFICATION, method, id, params)


def _is_id(id: Any) -> bool:
    return (isinstance(id, str) and len(id) <= MAX_ID) or (isinstance(id, int) and not isinstance(id, bool))


def _is_method(method: Any) -> bool:
    return isinstance(method, str) and 0 < len(method) <= MAX_METHOD


def _is_exact(value: Any, names: tuple[str, ...]) -> bool:
    """Whether no member of *value* is one of *names* to readers that do not look at case."""
    return not isinstance(value, dict) or all(name in names or name.casefold() not in names for name in value)


def is_shallow(value: Any) -> bool:
    """Whether nothing is nested too deeply; level by level, so that no depth is too much for the stack."""
    level = [value]
    for _ in range(MAX_DEPTH):
        level = [inner for outer in level for inner in _inside(outer) if isinstance(inner, dict | list)]
        if not level:
            return True
    return False


def _inside(value: Any) -> Any:
    return value.values() if isinstance(value, dict) else value


def result_text(id: MessageId, result: Any) -> bytes:
    """The answer to a request."""
    return text_of({"jsonrpc": "2.0", "id": id, "result": result})


def spliced_text(id: MessageId, result: dict[str, Any], name: str, value: bytes) -> bytes:
    """The answer to a request, to whose *result* a member is added that is JSON already."""
    head, members = text_of({"jsonrpc": "2.0", "id": id})[:-1], text_of(result)[1:-1]
    comma = b"," if members else b""
    return b"".join((head, b',"result":{', members, comma, text_of({name: 0})[1:-2], value, b"}}"))


def error_text(error: RpcError) -> bytes:
    """The answer to a request that failed; its id is null where it could not be read."""
    described: dict[str, Any] = {"code": error.code, "message": error.text}
    if error.data is not None:
        described["data"] = error.data
    return text_of({"jsonrpc": "2.0", "id": error.id, "error": described})


def text_of(message: dict[str, Any]) -> bytes:
    """*message* on one line."""
    return json.dumps(message, separators=(",", ":"), ensure_ascii=False).encode("utf-8", "replace")


def event_of(text: bytes) -> bytes:
    """A message as one event of a stream. Source: HTML Living Standard §9.2."""
    return b"event: message\ndata: " + text + b"\n\n"
