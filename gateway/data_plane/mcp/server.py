"""
An MCP server made of operations, as the target of its API's requests.

It keeps nothing between two messages: every worker and every replica answers every one of them, in both eras.

Source: Model Context Protocol 2025-11-25 and 2026-07-28, "Transports", "Lifecycle", "Discovery", "Tools".
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any

from gateway.data_plane.mcp.arguments import BadArguments
from gateway.data_plane.mcp.calls import CallTerms, ToolCall
from gateway.data_plane.mcp.entrance import message_key
from gateway.data_plane.mcp.messages import (
    HEADER_MISMATCH,
    INVALID_PARAMS,
    INVALID_REQUEST,
    METHOD_NOT_FOUND,
    PARSE_ERROR,
    UNSUPPORTED_VERSION,
    Message,
    MessageId,
    MessageKind,
    RpcError,
    error_text,
    event_of,
    read_message,
    result_text,
    spliced_text,
    text_of,
)
from gateway.data_plane.mcp.protocol import (
    SERVER_META,
    SUPPORTED,
    Era,
    check_envelope,
    era_of,
    negotiated,
)
from gateway.data_plane.mcp.results import text_result
from gateway.wire.body import Body
from gateway.wire.headers import Headers
from gateway.wire.messages import ForwardOptions, Request, Response, Url
from gateway.wire.pending import Pending

if TYPE_CHECKING:
    from gateway.data_plane.mcp.settings import McpSettings
    from gateway.data_plane.mcp.tools import OfferedTool
    from gateway.data_plane.routing import Match

PAGE = 100  # tools
PAGE_BYTES = 256 * 1024
TTL_MS = 60_000
PATHS = ("", "/", "/mcp", "/mcp/")

_STATUSES = {
    PARSE_ERROR: 400,
    INVALID_REQUEST: 400,
    HEADER_MISMATCH: 400,
    UNSUPPORTED_VERSION: 400,
}
_STATELESS_STATUSES = {**_STATUSES, INVALID_PARAMS: 400, METHOD_NOT_FOUND: 404}
_CURSOR = re.compile("[0-9]{1,4}")
_JSON, _EVENTS = "application/json", "text/event-stream"


@dataclass(frozen=True, slots=True)
class ServerFacts:
    """Who the server says it is."""

    name: str
    title: str
    version: str
    instructions: str | None = None

    @property
    def info(self) -> dict[str, str]:
        """``serverInfo``."""
        return {"name": self.name, "title": self.title, "version": self.version}


Runner = Callable[[Request, "Match"], Response | Awaitable[Response]]


def _not_bound(request: Request, match: Match) -> Response:
    return Response(503)


@dataclass(slots=True)
class McpServer:
    """
    The target of an MCP API.

    Attributes:
        tools: By name, in the order in which they are listed.
        run: Runs a call's request through its operation's pipeline; set when the data plane is complete.
    """

    facts: ServerFacts
    settings: McpSettings
    tools: Mapping[str, OfferedTool] = field(default_factory=dict)
    run: Runner = _not_bound
    url: Url = Url("http", "mcp", 80, "/")
    _pages: list[bytes] = field(default_factory=lambda: [b"[]"])

    def offer(self, tools: Mapping[str, OfferedTool]) -> None:
        """Have these *tools* from now on; called at load."""
        self.tools = tools
        self._pages = list(_pages([text_of(tool.listing) for tool in tools.values()]))

    def send(self, request: Request, options: ForwardOptions) -> Pending[Response]:
        """Answer the message in *request*."""
        refusal = _refusal(request)
        answer = self._answer(request, options) if refusal is None else refusal
        if isinstance(answer, Pending):
            return answer
        pending: Pending[Response] = Pending()
        pending.resolve(answer)
        return pending

    def _answer(self, request: Request, options: ForwardOptions) -> Response | Pending[Response]:
        is_modern = False
        try:
            message = _message(request)
            era = era_of(message, request.headers)
            is_modern = era.is_modern
            if message.kind is not MessageKind.REQUEST:
                return Response(202)
            if is_modern:
                check_envelope(message, request.headers)
            return self._result(message, era, request, options)
        except RpcError as error:
            status = (_STATELESS_STATUSES if is_modern else _STATUSES).get(error.code, 200)
            return _json(status, error_text(error))

    def _result(
        self, message: Message, era: Era, request: Request, options: ForwardOptions
    ) -> Response | Pending[Response]:
        """The answer to a request. Raises RpcError."""
        if message.method == "tools/call":
            return self._call(message, era, request, options)
        if message.method == "tools/list":
            return _whole(request, self._listed(message, era))
        result = self._described(message, era)
        return _whole(request, result_text(message.id, self._stamped(result, era)))

    def _described(self, message: Message, era: Era) -> dict[str, Any]:
        """What the server says of itself. Raises RpcError: the era has no such method."""
        match message.method, era.is_modern:
            case "server/discover", True:
                return {"supportedVersions": list(SUPPORTED), **self._abilities, **_CACHED}
            case "initialize", False:
                version = negotiated(message.params.get("protocolVersion"))
                return {"protocolVersion": version, "serverInfo": self.facts.info, **self._abilities}
            case "ping", False:
                return {}
        raise RpcError(METHOD_NOT_FOUND, "This server has no such method", message.id)

    @property
    def _abilities(self) -> dict[str, Any]:
        abilities: dict[str, Any] = {"capabilities": {"tools": {}}}
        return abilities if self.facts.instructions is None else {**abilities, "instructions": self.facts.instructions}

    def _stamped(self, result: dict[str, Any], era: Era) -> dict[str, Any]:
        """*result* with what every result of the stateless era has."""
        if not era.is_modern:
            return result
        return {**result, "resultType": "complete", "_meta": {SERVER_META: self.facts.info}}

    def _listed(self, message: Message, era: Era) -> bytes:
        """One page of the tools, which were written at load. Raises RpcError."""
        cursor = message.params.get("cursor", "0")
        page = int(cursor) if isinstance(cursor, str) and _CURSOR.fullmatch(cursor) else -1
        if not 0 <= page < len(self._pages):
            raise RpcError(INVALID_PARAMS, "This cursor is not known", message.id)
        result: dict[str, Any] = {} if page + 1 == len(self._pages) else {"nextCursor": str(page + 1)}
        stamped = self._stamped({**result, **_CACHED} if era.is_modern else result, era)
        return spliced_text(message.id, stamped, "tools", self._pages[page])

    # -- calls
    def _call(
        self, message: Message, era: Era, request: Request, options: ForwardOptions
    ) -> Response | Pending[Response]:
        tool, arguments = self.tools.get(message.tool or ""), message.params.get("arguments", {})
        if tool is None:
            raise RpcError(INVALID_PARAMS, "Unknown tool", message.id)
        if not isinstance(arguments, dict):
            raise RpcError(INVALID_PARAMS, "arguments is an object", message.id)
        answer = partial(self._called, message.id, era)
        try:
            inner, match = tool.request(arguments, request)
        except BadArguments as error:
            return _whole(request, answer(text_result(f"{error}", is_error=True)))
        terms = CallTerms(
            takes_json=_takes(request, _JSON),
            takes_events=_takes(request, _EVENTS),
            progress_token=_progress_token(message),
            timeout_s=options.timeout_s,
            keep_alive_s=self.settings.keep_alive_s,
            max_bytes=self.settings.max_result_bytes,
            answer=answer,
        )
        return ToolCall(inner, lambda given: self.run(given, match), terms).start()

    def _called(self, id: MessageId, era: Era, result: dict[str, Any]) -> bytes:
        return result_text(id, self._stamped(result, era))


_CACHED = {"ttlMs": TTL_MS, "cacheScope": "private"}


def _pages(listings: Iterable[bytes]) -> Iterator[bytes]:
    """JSON lists of *listings*, each of at most ``PAGE`` tools, and of about ``PAGE_BYTES``."""
    page: list[bytes] = []
    for listing in listings:
        if len(page) == PAGE or sum(map(len, page)) > PAGE_BYTES:
            yield b"[" + b",".join(page) + b"]"
            page = []
        page.append(listing)
    yield b"[" + b",".join(page) + b"]"


def _message(request: Request) -> Message:
    """The message in *request*, read once unless a policy has changed it. Raises RpcError."""
    content = b"" if request.body is None else request.body.content
    known: tuple[bytes, Message] | None = request.memo.pop(message_key(request), None)  # a long call does not keep it
    return known[1] if known is not None and known[0] is content else read_message(content)


def _progress_token(message: Message) -> str | int | None:
    token = message.meta.get("progressToken")
    return token if isinstance(token, str | int) and len(str(token)) <= 128 else None


def _refusal(request: Request) -> Response | None:
    """What is no message for this server."""
    if request.path not in PATHS:
        return Response(404)
    if request.method != "POST":
        return Response(405, Headers([("Allow", "POST")]))
    media_type = (request.headers.first("Content-Type") or "").partition(";")[0].strip().lower()
    if media_type != _JSON:
        return Response(415)
    return None if _takes(request, _JSON) or _takes(request, _EVENTS) else Response(406)


def _takes(request: Request, media_type: str) -> bool:
    """Whether the client accepts *media_type*."""
    accepted = request.headers.joined("Accept")
    if accepted is None:
        return media_type == _JSON
    kinds = {part.partition(";")[0].strip().lower() for part in accepted.split(",")}
    return not kinds.isdisjoint({media_type, "*/*", f"{media_type.partition('/')[0]}/*"})


def _whole(request: Request, text: bytes) -> Response:
    if _takes(request, _JSON):
        return _json(200, text)
    return Response(200, Headers([("Content-Type", _EVENTS), ("Cache-Control", "no-cache")]), Body(event_of(text)))


def _json(status: int, text: bytes) -> Response:
    return Response(status, Headers([("Content-Type", _JSON)]), Body(text))
