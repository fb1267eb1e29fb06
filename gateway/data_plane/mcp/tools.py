"""
Tools: operations as clients list them, and the requests that calls of them become.

Source: Model Context Protocol 2025-11-25 and 2026-07-28, "Tools"; docs/adr/0095.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import urlencode

from gateway.data_plane.mcp.arguments import BadArguments, expanded, field_value, query_pairs
from gateway.data_plane.mcp.entrance import PARENT
from gateway.data_plane.mcp.inputs import WHOLE_BODY, ToolInput
from gateway.data_plane.routing import Match, RoutedApi, RoutedOperation, Router
from gateway.wire.body import Body
from gateway.wire.headers import Headers
from gateway.wire.messages import Request
from gateway.wire.target import TargetError, normal_path

# What a message says about itself, not about its caller.
_OWN = frozenset(
    """
    accept accept-encoding accept-language connection content-encoding content-length content-type expect host if-match
    if-modified-since if-none-match if-range if-unmodified-since keep-alive last-event-id mcp-method mcp-name
    mcp-protocol-version mcp-session-id origin range te trailer transfer-encoding upgrade
    """.split()
)
_READING = frozenset({"GET", "HEAD", "OPTIONS"})
_IDEMPOTENT = _READING | {"PUT", "DELETE"}
_FORM = "application/x-www-form-urlencoded"


@dataclass(frozen=True, slots=True)
class OfferedTool:
    """
    One tool.

    Attributes:
        router: Of the operation's API alone, at *prefix*.
        operation: Where its calls go.
        prefix: The path of the API, with its version and revision; begins with a slash, or is empty.
        reserved: Folded names of header fields that no argument sets.
    """

    name: str
    title: str
    description: str
    input: ToolInput
    router: Router
    operation: RoutedOperation
    prefix: str
    path_escapes: frozenset[str] = frozenset()

    @property
    def listing(self) -> dict[str, Any]:
        """The tool as ``tools/list`` has it."""
        method = self.operation.method
        return {
            "name": self.name,
            "title": self.title,
            "description": self.description,
            "inputSchema": self.input.schema,
            "annotations": {
                "title": self.title,
                "readOnlyHint": method in _READING,
                "destructiveHint": method not in _READING and method not in ("POST", "PATCH"),
                "idempotentHint": method in _IDEMPOTENT,
            },
        }

    def request(self, arguments: Mapping[str, Any], caller: Request) -> tuple[Request, Match]:
        """
        The request that a call with *arguments* becomes, on behalf of *caller*, and what it means.

        Raises:
            BadArguments: Something is missing, unknown, or not of a form that a request can have.
        """
        self._check(arguments)
        rest = self._path(arguments)
        request = Request(
            self.operation.method if self.operation.method != "*" else "POST",
            f"{self.prefix}{rest}",
            self._query(arguments),
            self._headers(arguments, caller),
            self._body(arguments),
            scheme=caller.scheme,
            host=caller.host,
            port=caller.port,
            ip_address=caller.ip_address,
            certificate=caller.certificate,
        )
        if request.body is not None:
            request.headers.replace("Content-Type", self.input.media_type)
        _identify(request, caller)
        return request, self._match(request)

    def _match(self, request: Request) -> Match:
        """What *request* would mean if a client had sent it. Raises BadArguments: another operation has its path."""
        match = self.router.match(request)
        if match.operation is not self.operation:
            raise BadArguments("these arguments make a request that is not for this tool")
        return match

    def _check(self, arguments: Mapping[str, Any]) -> None:
        unknown = arguments.keys() - self.input.properties.keys()
        if unknown:
            known = ", ".join(self.input.properties) or "none"
            raise BadArguments(f"unknown argument {min(unknown)[:64]!r}; known: {known}")
        missing = [name for name in self.input.required if name not in arguments]
        if missing:
            raise BadArguments(f"missing argument: {', '.join(missing)}")

    def _path(self, arguments: Mapping[str, Any]) -> str:
        """The path below the API's. What a client could not ask for itself, an argument cannot either."""
        path = expanded(self.operation.url_template, arguments)
        try:
            return normal_path(path, self.path_escapes)
        except TargetError as error:
            raise BadArguments(f"the arguments make a path that is refused: {error}") from None

    def _query(self, arguments: Mapping[str, Any]) -> str:
        pairs = list(self.input.literal_query)
        for argument in self.input.query:
            if arguments.get(argument.name) is not None:
                pairs += query_pairs(argument, arguments[argument.name])
        return urlencode(pairs)

    def _headers(self, arguments: Mapping[str, Any], caller: Request) -> Headers:
        """The caller's fields, as the policies of the MCP API have left them, and those that are arguments."""
        lines = {key: line for key, line in caller.headers.lines.items() if key not in _OWN and key != caller.id_key}
        headers = Headers.from_lines(lines)
        headers.replace("Accept", "application/json, text/*;q=0.9, */*;q=0.5")
        for argument in self.input.headers:
            if arguments.get(argument.name) is not None:
                headers.replace(argument.name, field_value(argument, arguments[argument.name]))
        return headers

    def _body(self, arguments: Mapping[str, Any]) -> Body | None:
        if not self.input.media_type:
            return None
        if self.input.members:
            value: Any = {name: arguments[name] for name in arguments if name in self.input.members}
        elif WHOLE_BODY in arguments:
            value = arguments[WHOLE_BODY]
        else:
            return None
        return Body(_encoded(value, self.input.media_type))


def router_of(api: RoutedApi, prefix: str) -> Router:
    """Routes to the operations of *api* under *prefix*, in whatever way clients name its version and revision."""
    return Router([replace(api, path=prefix, version=None, is_current=True)])


def _identify(request: Request, caller: Request) -> None:
    """Give *request* an id of its own, in the field in which *caller* has its one."""
    request.memo[PARENT] = caller.id
    name = caller.headers.lines.get(caller.id_key, "").partition(":")[0]
    if name:
        request.headers.replace(name, request.id)
        request.id_key, request.id_line = caller.id_key, request.headers.lines[caller.id_key]


def _encoded(value: Any, media_type: str) -> bytes:
    """The bytes of a body. Raises BadArguments."""
    if media_type.endswith("json"):
        return json.dumps(value, separators=(",", ":"), ensure_ascii=False).encode("utf-8", "replace")
    if media_type == _FORM and isinstance(value, dict):
        return urlencode({name: _form_text(item) for name, item in value.items()}, doseq=True).encode()
    if isinstance(value, str):
        return value.encode("utf-8", "replace")
    raise BadArguments(f"{WHOLE_BODY}: a text belongs here")


def _form_text(item: Any) -> Any:
    if isinstance(item, list):
        return [_form_text(inner) for inner in item]
    return item if isinstance(item, str) else json.dumps(item)
