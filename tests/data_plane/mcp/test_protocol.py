"""Which era a message is of, and what it must have there."""

from __future__ import annotations

from typing import Any

import pytest

from gateway.data_plane.mcp.messages import Message, MessageKind, RpcError
from gateway.data_plane.mcp.protocol import check_envelope, era_of, negotiated
from gateway.wire.headers import Headers

AGREED: list[tuple[object, str]] = [("2025-06-18",) * 2, ("2026-07-28", "2025-11-25"), (1, "2025-11-25")]
META = {"io.modelcontextprotocol/protocolVersion": "2026-07-28", "io.modelcontextprotocol/clientCapabilities": {}}
FIELDS = [("MCP-Protocol-Version", "2026-07-28"), ("Mcp-Method", "tools/call"), ("Mcp-Name", "t")]


def _call(**params: Any) -> Message:
    return Message(MessageKind.REQUEST, "tools/call", 1, {"name": "t", "_meta": META, **params})


@pytest.mark.parametrize(
    ("fields", "is_modern"),
    [([], False), ([("mcp-protocol-version", "2025-03-26")], False), (FIELDS[:1], True)],
)
def test_eras(fields: list[tuple[str, str]], is_modern: bool) -> None:
    """The header field decides; without it a message is of the older era."""
    assert era_of(_call(), Headers(fields)).is_modern is is_modern


@pytest.mark.parametrize("fields", [[("MCP-Protocol-Version", "1")], FIELDS[:1] * 2])
def test_unknown_versions(fields: list[tuple[str, str]]) -> None:
    """A version that is not known, or is given twice, is refused."""
    with pytest.raises(RpcError):
        era_of(_call(), Headers(fields))


def test_a_whole_envelope() -> None:
    """A request whose fields agree with it passes, a coded name too."""
    check_envelope(_call(), Headers(FIELDS))
    check_envelope(_call(name="é"), Headers([*FIELDS[:2], ("Mcp-Name", "=?base64?w6k=?=")]))


@pytest.mark.parametrize(
    ("message", "fields"),
    [
        (_call(_meta={}), FIELDS),
        (_call(), FIELDS[1:]),
        (_call(), FIELDS[:2]),
        (_call(), [*FIELDS, FIELDS[2]]),
        (_call(name="u"), FIELDS),
        (_call(), [*FIELDS[:2], ("Mcp-Name", "=?base64?!?=")]),
    ],
)
def test_envelopes_that_are_refused(message: Message, fields: list[tuple[str, str]]) -> None:
    """What an intermediary reads in the fields is what the body says."""
    with pytest.raises(RpcError):
        check_envelope(message, Headers(fields))


@pytest.mark.parametrize(("requested", "agreed"), AGREED)
def test_a_handshake(requested: object, agreed: str) -> None:
    """A known revision is agreed to; otherwise the newest one that has a handshake is offered."""
    assert negotiated(requested) == agreed
