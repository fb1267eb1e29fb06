"""Messages, read strictly."""

from __future__ import annotations

import json

import pytest

from gateway.data_plane.mcp.messages import (
    MAX_DEPTH,
    MessageKind,
    RpcError,
    error_text,
    event_of,
    read_message,
    result_text,
)


def _nested(levels: int) -> bytes:
    return b'{"jsonrpc":"2.0","id":1,"method":"m","params":' + b'{"a":' * levels + b"1" + b"}" * (levels + 1)


def test_what_a_message_wants() -> None:
    """A request has an id, a notification has none, and an answer has no method."""
    call = read_message(b'{"jsonrpc":"2.0","id":"x","method":"tools/call","params":{"name":"t","_meta":{"a":1}}}')
    assert (call.kind, call.id, call.tool, call.meta) == (MessageKind.REQUEST, "x", "t", {"a": 1})
    other = read_message(b'{"jsonrpc":"2.0","method":"prompts/get","params":{"name":"t","_meta":7}}')
    assert (other.kind, other.tool, other.meta) == (MessageKind.NOTIFICATION, None, {})
    assert read_message(b'{"jsonrpc":"2.0","id":1,"error":{}}').kind is MessageKind.ANSWER


@pytest.mark.parametrize("levels", [1, MAX_DEPTH - 2])
def test_nesting_that_is_allowed(levels: int) -> None:
    """A message may be nested as deep as schemas are."""
    assert read_message(_nested(levels)).method == "m"


@pytest.mark.parametrize("levels", [MAX_DEPTH, 5_000])
def test_nesting_that_is_refused(levels: int) -> None:
    """A deeper one is refused, however deep it is."""
    with pytest.raises(RpcError):
        read_message(_nested(levels))


def test_answers_are_one_line() -> None:
    """No line break of a value ends an event early, and an unknown id is null."""
    text = result_text(1, {"a": "x\ny\u2028é"})
    assert event_of(text).count(b"\n") == 3
    assert json.loads(text)["result"] == {"a": "x\ny\u2028é"}
    assert json.loads(error_text(RpcError(-1, "no", data={"b": 2}))) == {
        "jsonrpc": "2.0",
        "id": None,
        "error": {"code": -1, "message": "no", "data": {"b": 2}},
    }
