"""What the configuration states about one MCP API, and about an API that OAuth protects."""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator, model_validator

from gateway.data_plane.mcp.origins import origin_of
from gateway.reading.settings import Block, mistake
from gateway.reading.values import Count, Duration, Id, Secret, TextForm, Url

MESSAGE_BYTES = 128 * 1024  # of the worst kind, they take 10 ms to read
RESULT_BYTES = 1024 * 1024
MAX_TOOLS = 1_000
MIN_KEY_CHARACTERS = 16


def _origin(value: str) -> str:
    """An origin in its one form, or ``*``. Raises: it is none."""
    if value == "*":
        return value
    origin = origin_of(value)
    if origin is None:
        raise mistake("bad-value", f"{value!r} is not an origin", "write https://app.example.com, without a path")
    return origin


Origin = Annotated[str, AfterValidator(_origin)]
ToolName = Annotated[
    str,
    TextForm(r"^[A-Za-z0-9_.-]{1,128}$", "up to 128 letters, digits, dots, dashes and underscores", "write get_order"),
]


Scope = Annotated[
    str,
    TextForm(
        r"^[\x21\x23-\x5B\x5D-\x7E]+$", "printable ASCII without space, quote and backslash", "write one scope each"
    ),
]  # RFC 6749 §3.3


class McpTool(Block):
    """An operation as a tool, or all operations of an API."""

    api: Id
    """Id of the API whose operation it is; not one of type `mcp`."""
    operation: str | None = None
    """Id of the operation. None: each operation of the API is a tool."""
    name: ToolName | None = None
    """The tool's name, unique within this API. None: the operation's id."""
    title: str | None = None
    """Name for people. None: the operation's."""
    description: str | None = None
    """What models read to choose the tool. None: the description in the API's definition, or else the name."""

    @model_validator(mode="after")
    def _one_operation(self) -> McpTool:
        if self.operation is None and (self.name or self.title or self.description):
            raise mistake("one-of", "name, title and description belong to one operation", "add operation")
        return self


class McpSettings(Block):
    """How MCP messages are read and answered."""

    tools: tuple[McpTool, ...] = ()
    """Operations that are tools. Without any, the API passes an existing MCP server through."""
    instructions: str | None = None
    """How to use the server, for models. Not used where a server is passed through."""
    allowed_origins: tuple[Origin, ...] = ()
    """Web pages that may call, as `https://app.example.com`; requests of others get 403. A request without `Origin`
    does not come from a page of another site, and passes. `*`: every page."""
    session_key: Secret | None = None
    """Binds sessions of a server that is passed through to the caller who opened them: at least 16 characters, the same
    for all replicas. None: the server itself has to tell callers apart."""
    max_message_bytes: Count = MESSAGE_BYTES
    """Largest message of a client; a larger one gets 413. It is read in one piece, before any token is checked."""
    max_result_bytes: Count = RESULT_BYTES
    """Largest answer of an operation that becomes a result; a larger one is an error of the tool."""
    keep_alive_s: Duration = 5.0
    """How long a call may take before it is answered as a stream of events, and how often something is then sent."""

    @model_validator(mode="after")
    def _good_key(self) -> McpSettings:
        if self.session_key is not None and len(self.session_key.get_secret_value()) < MIN_KEY_CHARACTERS:
            message = f"a session key has at least {MIN_KEY_CHARACTERS} characters"
            raise mistake("bad-value", message, "make one with: openssl rand -base64 32", at="session-key")
        if self.session_key is not None and self.tools:
            message = "a server made of operations has no sessions"
            raise mistake("one-of", message, "remove session-key", at="session-key")
        return self


class ProtectedResource(Block):
    """What clients are told of how to get a token (RFC 9728)."""

    authorization_servers: tuple[Url, ...] = ()
    """Issuers whose tokens are accepted. None given: those of validate-jwt in the API's own policy."""
    scopes: tuple[Scope, ...] = ()
    """Scopes to ask for."""
    resource: Url | None = None
    """The API's own URL, as clients know it. None: as the client has called it, or a trusted proxy says."""
    documentation: Url | None = None
    """A page about the API for people."""
