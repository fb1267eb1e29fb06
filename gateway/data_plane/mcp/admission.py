"""
The last step of an MCP API's inbound section: what policies could not read goes nowhere.

Policies that name a tool look at ``mcp-tool``. A message that is read leniently behind the gateway would be a call that
none of them has seen: a member that occurs twice, a batch, a name in other letters. A server made of operations itself
answers what cannot be read; where a proxy only asks for decisions, nothing is read, and nothing passes.

Source: JSON-RPC 2.0 §4; Model Context Protocol 2025-11-25, "Transports".
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from gateway.data_plane.mcp.entrance import MESSAGE, PLACE
from gateway.data_plane.mcp.messages import INVALID_PARAMS, INVALID_REQUEST, RpcError, error_text, read_message
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

    __slots__ = ("_answers",)

    def __init__(self, answers: bool) -> None:
        """*answers*: whether what follows reads messages as strictly, and says itself what is wrong with them."""
        self._answers = answers

    def apply(self, context: Context) -> MaybeLater:
        """None. Raises PolicyError: no policy has seen which tool is called."""
        request = context.request
        if request.original_method == "POST":
            if request.body is None or not self._answers:
                _check_message(request)
        elif request.upgrade or not (self._answers or _has_none(request)):
            headers = (("Allow", "GET, POST, DELETE"),)
            raise PolicyError(405, "McpMessageNotPosted", "MCP messages are sent with POST", headers=headers)
        return None

    @property
    def changes(self) -> Change | None:
        """Nothing that a trace shows."""
        return None


def _check_message(request: Request) -> None:
    """Raises McpMessageRefusal: its message was not read, or calls a tool without a name."""
    known = request.memo.get(MESSAGE)
    if known is None:
        raise McpMessageRefusal(_mistake(b"" if request.body is None else request.body.content))
    message: Message = known[1]
    if message.method == _CALL and message.tool is None:
        raise McpMessageRefusal(RpcError(INVALID_PARAMS, "name is the name of a tool", message.id))


def _mistake(content: bytes) -> RpcError:
    """What is wrong with a message."""
    try:
        read_message(content)
    except RpcError as error:
        return error
    return RpcError(INVALID_REQUEST, "No policy has seen this message")


def _has_none(request: Request) -> bool:
    """Whether *request* has no message, and none is expected."""
    return request.original_method in _WITHOUT_MESSAGE and request.body is None


def admission(*, answers: bool) -> PipelineStep:
    """The step, ready to stand behind a pipeline's inbound section; *answers*: the API's target judges messages too."""
    policy = McpAdmission(answers)
    return PipelineStep(policy.apply, PLACE, policy)
