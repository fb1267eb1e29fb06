"""
The first step of an MCP API's pipelines: whose page is calling, and which tool is asked for.

The message is read here once, so that every policy behind it can judge by method and tool. What cannot be read is not
refused here but behind the policies: whoever has no token learns nothing but that.

Source: Model Context Protocol 2025-11-25, "Transports", "Security Warning" (Origin).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING

from gateway.data_plane.mcp.messages import Message, RpcError, read_message
from gateway.data_plane.mcp.origins import origin_of
from gateway.documents.model import Scope, Section
from gateway.errors import PolicyError
from gateway.pipeline.changes import Change, variables
from gateway.pipeline.context import OperationInfo
from gateway.pipeline.place import Place
from gateway.pipeline.step import PipelineStep, Policy
from gateway.telemetry.tool_calls import ToolCalls
from gateway.wire.body import Body

if TYPE_CHECKING:
    from gateway.data_plane.mcp.settings import McpSettings
    from gateway.pipeline.context import Context
    from gateway.pipeline.outcome import MaybeLater
    from gateway.wire.messages import Ending, Request

METHOD_VARIABLE = "mcp-method"
TOOL_VARIABLE = "mcp-tool"
PARENT = "mcp-parent"  # key of the memo of a call's request: the id of the request that called

PLACE = Place("mcp", Scope.GLOBAL, Section.INBOUND, "")
_UTF_8 = re.compile(r"[^;]*;[ \t]*charset=(\"?)utf-?8\1[ \t]*;?[ \t]*", re.IGNORECASE)
_NAME = re.compile(r"[A-Za-z0-9_./-]{1,128}")  # what a log, a metric and a counter's key may have


def message_key(request: Request) -> object:
    """
    Key of the memo of *request*: its body's content, and the message that it is.

    It is this request's alone: over HTTP/2, others with the same head have the same memo at the same time.
    """
    return "mcp-message", request.id


def _is_utf_8(types: tuple[str, ...]) -> bool:
    """Whether no server takes the bytes for other text than the gateway does: some go by the charset, even UTF-7."""
    if not types:
        return True
    return len(types) == 1 and ("charset" not in types[0].lower() or _UTF_8.fullmatch(types[0]) is not None)


class McpEntrance(Policy):
    """Reads the message, and tells the policies behind it what it asks for."""

    __slots__ = ("_calls", "_known", "_max_bytes", "_origins")

    def __init__(self, settings: McpSettings, known: Mapping[str, OperationInfo] | None, calls: ToolCalls) -> None:
        """*known*: the tools; None where a server is passed through, which alone knows its own."""
        self._calls = calls
        self._origins = frozenset(settings.allowed_origins)
        self._max_bytes = settings.max_message_bytes
        self._known = known

    def apply(self, context: Context) -> MaybeLater:
        """None. Raises PolicyError: a page of another site calls, or the message is in a coding."""
        request = context.request
        self._check_origin(request.headers.values("Origin"))
        if request.method != "POST":
            return None
        if "Content-Encoding" in request.headers or not _is_utf_8(request.headers.values("Content-Type")):
            raise PolicyError(415, "McpMessageEncoded", "MCP messages are sent in UTF-8, without a content coding")
        body = request.body
        if body is not None and not body.buffered:
            return self._read_later(body, context)
        self._read(b"" if body is None else body.content, context)
        return None

    async def _read_later(self, body: Body, context: Context) -> None:
        await body.buffer(self._max_bytes)
        self._read(body.content, context)

    def _read(self, content: bytes, context: Context) -> None:
        if len(content) > self._max_bytes:
            limit = f"{self._max_bytes} bytes"
            raise PolicyError(413, "McpMessageTooLarge", "The message is too large", expected=limit)
        try:
            message = read_message(content)
        except RpcError:
            return
        context.request.memo[message_key(context.request)] = content, message
        context.after_response = [*(context.after_response or ()), self._ended]
        self._tell(message, context)

    def _tell(self, message: Message, context: Context) -> None:
        """Variables for policies; the tool is the operation that they see."""
        context.variables[METHOD_VARIABLE] = message.method
        tool = message.tool
        if tool is None:
            return
        context.variables[TOOL_VARIABLE] = tool
        if self._known is not None:
            context.operation = self._known.get(tool, context.operation)
        elif _NAME.fullmatch(tool):
            context.operation = OperationInfo(tool, tool, "POST", "/*")

    def _ended(self, context: Context, ending: Ending) -> None:
        """The message has been answered; tools that do not exist are counted together."""
        context.request.memo.pop(message_key(context.request), None)  # which the connection keeps
        if TOOL_VARIABLE in context.variables:
            self._calls.count(context.operation.id, ending.status_code or 0)

    def _check_origin(self, origins: tuple[str, ...]) -> None:
        """A page must be listed: a name that leads to this machine makes any page one of its own."""
        if not origins or "*" in self._origins:
            return
        if len(origins) == 1 and origin_of(origins[0]) in self._origins:
            return
        message = "Pages of this origin may not call"
        raise PolicyError(403, "McpOriginNotAllowed", message, expected="one of allowed-origins")

    @property
    def changes(self) -> Change | None:
        """The two variables."""
        return variables(METHOD_VARIABLE, TOOL_VARIABLE)


def entrance(settings: McpSettings, known: Mapping[str, OperationInfo] | None, calls: ToolCalls) -> PipelineStep:
    """The step, ready to stand in front of a pipeline's inbound section."""
    policy = McpEntrance(settings, known, calls)
    return PipelineStep(policy.apply, PLACE, policy)
