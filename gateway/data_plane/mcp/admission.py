"""
The last step of an MCP API's inbound section: what policies could not read goes nowhere.

Policies that name a tool look at ``mcp-tool``. A message that is read leniently behind the gateway would be a call that
none of them has seen: a member that occurs twice, a batch, a name in other letters. Where a proxy asks for a decision
without the body, nothing has been read, and nothing passes.

Source: JSON-RPC 2.0 §4; Model Context Protocol 2025-11-25, "Transports".
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from gateway.data_plane.mcp.entrance import PLACE, message_key
from gateway.data_plane.mcp.messages import INVALID_PARAMS, INVALID_REQUEST, RpcError, error_text, read_message
from gateway.data_plane.mcp.protocol import check_repeated
from gateway.errors import PolicyError
from gateway.pipeline.changes import Change
from gateway.pipeline.step import PipelineStep, Policy

if TYPE_CHECKING:
    from gateway.data_plane.mcp.messages import Message
    from gateway.pipeline.context import Context
    from gateway.pipeline.outcome import MaybeLater
    from gateway.wire.messages import Request

_WITHOUT_MESSAGE = ("GET", "HEAD", "DELETE", "OPTIONS")
_CALL = "tools/call"


class McpMessageRefusal(PolicyError):
    """A message of which no policy has seen what it asks for; answered with a JSON-RPC error."""

    def __init__(self, error: RpcError) -> None:
        super().__init__(400, "McpMessageUnclear", error.text, expected="one JSON-RPC message that has one reading")
        self.body = error_text(error)


class McpAdmission(Policy):
    """Lets messages pass that were read, and requests that have none."""

    __slots__ = ("_keeps",)

    def __init__(self, keeps: bool) -> None:
        """*keeps*: whether the API's target wants the message, too; otherwise a stream would hold it until its end."""
        self._keeps = keeps

    def apply(self, context: Context) -> MaybeLater:
        """None. Raises PolicyError: no policy has seen which tool is called."""
        request = context.request
        if request.original_method == "POST":
            _check_message(request)
            if not self._keeps:
                del request.memo[message_key(request)]
        elif request.upgrade or request.body is not None or request.original_method not in _WITHOUT_MESSAGE:
            headers = (("Allow", "GET, POST, DELETE"),)
            raise PolicyError(405, "McpMessageNotPosted", "MCP messages are sent with POST", headers=headers)
        return None

    @property
    def changes(self) -> Change | None:
        """Nothing that a trace shows."""
        return None


def _check_message(request: Request) -> None:
    """Raises McpMessageRefusal: its message was not read, calls a tool without a name, or its fields say otherwise."""
    known = request.memo.get(message_key(request))
    if known is None:
        raise McpMessageRefusal(_mistake(b"" if request.body is None else request.body.content))
    message: Message = known[1]
    if message.method == _CALL and message.tool is None:
        raise McpMessageRefusal(RpcError(INVALID_PARAMS, "name is the name of a tool", message.id))
    try:
        check_repeated(message, request.headers)
    except RpcError as error:
        raise McpMessageRefusal(error) from None


def _mistake(content: bytes) -> RpcError:
    """What is wrong with a message."""
    try:
        read_message(content)
    except RpcError as error:
        return error
    return RpcError(INVALID_REQUEST, "No policy has seen this message")


def admission(*, keeps: bool) -> PipelineStep:
    """The step, ready to stand behind a pipeline's inbound section; *keeps*: the API's target wants the message."""
    policy = McpAdmission(keeps)
    return PipelineStep(policy.apply, PLACE, policy)
