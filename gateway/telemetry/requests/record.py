"""
What is kept of one request: who asked for what, what became of it, and why.

A record holds plain values only: never a header, a query, a body, a token or a key. It outlives its request, so it
refers to nothing of it. Documented in docs/requests.md.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any, TypeAlias

from gateway.telemetry.requests.plain import Plain, PlainMembers, cut, masked, plain, plain_members
from gateway.wire.messages import reason_phrase

# Claims that say who is calling, and nothing else about them.
SAFE_CLAIMS = ("iss", "aud", "sub", "oid", "tid", "azp", "appid", "scp", "roles", "exp")


class SafeClaims(PlainMembers):
    """
    Those claims of one token.

    Attributes:
        object_id: Its ``oid``.
        application_id: Its ``azp``, or ``appid``.
    """

    __slots__ = ("application_id", "object_id")

    def __init__(self, payload: Mapping[str, object]) -> None:
        super().__init__(plain_members({name: payload[name] for name in SAFE_CLAIMS if name in payload}))
        self.object_id = self._text("oid")
        self.application_id = self._text("azp") or self._text("appid")

    def _text(self, name: str) -> str | None:
        value = self.get(name)
        return value if isinstance(value, str) and value else None


def safe_claims(payload: Mapping[str, object]) -> SafeClaims:
    """Those claims of *payload*, unless they are just these already."""
    return payload if isinstance(payload, SafeClaims) else SafeClaims(payload)


def reason_of(status: int) -> str:
    """A reason for an answer of which only the status is known: ``NotFound``."""
    return reason_phrase(status).replace(" ", "") or f"Status{status}"


MAX_PATH_CHARACTERS = 500
MAX_DETAIL_CHARACTERS = 500

Kind: TypeAlias = tuple[str, str, str]

# Of a record, in the order in which they are shown.
MEMBERS = (
    "id time outcome method path api operation status source scope section place reason detail expected found caller "
    "backend client elapsed_ms timings received sent client_left trace trace_id span_id worker grpc_status graphql"
    " tool parent"
).split()

# APIM has one reason for very different faults; their messages are the gateway's own and few.
_COMMON_REASON = "JwtInvalid"


class RequestOutcome(StrEnum):
    """What became of a request."""

    ANSWERED = "answered"
    REFUSED = "refused"
    """The gateway, or a policy of its configuration, answered with an error."""
    FAILED = "failed"
    """The backend answered with an error, or not at all; or the gateway has a bug."""
    LEFT = "left"
    """The client left before there was an answer."""


@dataclass(slots=True)
class RecordedCaller:
    """
    Who asked.

    Attributes:
        object_id: The token's ``oid``.
        application_id: Its ``azp``, or ``appid``.
        subscription: The subscription's id; never its key.
        claims: Those of ``SAFE_CLAIMS`` that the token has.
        verified: Whether the token's signature was verified; None without a token.
    """

    object_id: str | None = None
    application_id: str | None = None
    subscription: str | None = None
    claims: dict[str, Plain] = field(default_factory=dict)
    verified: bool | None = None

    def members(self) -> dict[str, Plain]:
        """``{"object_id", "application_id", "subscription", "claims", "verified"}``."""
        return {
            "object_id": self.object_id,
            "application_id": self.application_id,
            "subscription": self.subscription,
            "claims": dict(self.claims),
            "verified": self.verified,
        }

    @property
    def names(self) -> list[str]:
        """Everything by which the caller can be searched for."""
        subject = self.claims.get("sub")
        given = (self.object_id, self.application_id, self.subscription, subject if isinstance(subject, str) else None)
        return [name for name in given if name]


NOBODY = RecordedCaller()  # shared by the records of those who have shown nothing


@dataclass(slots=True)
class Timings:
    """Milliseconds by stage; None: the request did not get that far."""

    inbound_ms: float | None = None
    backend_ms: float | None = None
    outbound_ms: float | None = None

    def members(self) -> dict[str, Plain]:
        """``{"inbound_ms", "backend_ms", "outbound_ms"}``."""
        return {"inbound_ms": self.inbound_ms, "backend_ms": self.backend_ms, "outbound_ms": self.outbound_ms}


@dataclass(slots=True, eq=False)
class RequestRecord:
    """
    One request, as it ended.

    Attributes:
        started_at: When its head was complete, seconds since the epoch.
        path: As the client sent it, without the query.
        status: None: the client left before an answer.
        source: Element of the policy that refused, ``configuration`` or ``authorization`` for built-in steps,
            ``wire`` for what no policy saw, ``backend`` for the backend; empty for an answered request.
        place: ``file:line`` of the policy; its path in the document where that is unknown.
        detail: The message, without what the caller has sent.
        expected, found: What the step asked for, and what it got instead; None where that does not apply.
        backend: Id of the backend entity, or the address without a path.
        trace: Id of the trace that is kept, if one is.
        trace_id, span_id: OpenTelemetry's ids, if a tracer gives them.
        worker: The process that served it, where there are several.
        graphql: Of a GraphQL request that was read: its kind, and the name that the client gave it: ``query Users``.
        grpc_status: Of a gRPC call that has ended with one, see ``gateway.wire.grpc.status``.
        tool: Of a message to an MCP server, the tool that it calls.
        parent: Of a request that is a call of a tool, the id of that message's request.
    """

    id: str
    started_at: float
    method: str
    path: str
    outcome: RequestOutcome = RequestOutcome.ANSWERED
    api: str = ""
    operation: str = ""
    status: int | None = None
    source: str = ""
    scope: str = ""
    section: str = ""
    place: str = ""
    reason: str = ""
    detail: str = ""
    expected: Any = None
    found: Any = None
    caller: RecordedCaller = field(default_factory=RecordedCaller)
    backend: str | None = None
    client: str = ""
    elapsed_ms: float = 0.0
    timings: Timings = field(default_factory=Timings)
    received: int = 0
    sent: int = 0
    client_left: bool = False
    trace: str | None = None
    trace_id: str | None = None
    span_id: str | None = None
    worker: str | None = None
    grpc_status: int | None = None
    graphql: str | None = None
    tool: str | None = None
    parent: str | None = None

    def __post_init__(self) -> None:
        if len(self.path) > MAX_PATH_CHARACTERS:
            self.path = cut(self.path, MAX_PATH_CHARACTERS)
        if len(self.detail) > MAX_DETAIL_CHARACTERS:
            self.detail = cut(self.detail, MAX_DETAIL_CHARACTERS)
        if self.expected is not None:
            self.expected = plain(self.expected)
        if self.found is not None:
            self.found = plain(self.found)

    @property
    def time(self) -> str:
        """``started_at`` in the form of RFC 3339, UTC."""
        return datetime.fromtimestamp(self.started_at, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")

    @property
    def kind(self) -> Kind:
        """What it has in common with others that failed for the same cause: source, reason, and which fault."""
        return self.source, self.reason, self.detail if self.reason == _COMMON_REASON else ""

    def members(self) -> dict[str, Plain]:
        """Every member, as it was recorded: to be masked before anyone reads it."""
        known = {**self.line_members(), "time": self.time, "caller": self.caller.members(), "worker": self.worker}
        return {name: known[name] for name in MEMBERS}

    def line_members(self) -> dict[str, Plain]:
        """What the request's line in the log says: most members, and the caller's names beside them."""
        return {
            "id": self.id,
            "outcome": str(self.outcome),
            "method": self.method,
            "path": self.path,
            "api": self.api,
            "operation": self.operation,
            "status": self.status,
            "source": self.source,
            "scope": self.scope,
            "section": self.section,
            "place": self.place,
            "reason": self.reason,
            "detail": self.detail,
            **self.own_members(),
        }

    def own_members(self) -> dict[str, Plain]:
        """Those at the end of its line, which it need not have in common with others of its cause."""
        caller = self.caller
        return {
            "expected": self.expected,
            "found": self.found,
            "backend": self.backend,
            "client": self.client,
            "elapsed_ms": self.elapsed_ms,
            "timings": self.timings.members(),
            "received": self.received,
            "sent": self.sent,
            "client_left": self.client_left,
            "trace": self.trace,
            "trace_id": self.trace_id,
            "span_id": self.span_id,
            "object_id": caller.object_id,
            "application_id": caller.application_id,
            "subscription": caller.subscription,
            "grpc_status": self.grpc_status,
            "graphql": self.graphql,
            "tool": self.tool,
            "parent": self.parent,
        }

    def as_json(self) -> dict[str, Plain]:
        """What ``/requests`` shows, masked; the members are in docs/requests.md."""
        return {name: masked(value) for name, value in self.members().items()}
