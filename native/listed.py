"""
What is compiled: the modules of a request's path, and the classes in them that become native ones.

A native class has C fields in place of a dictionary or slots, and its methods call each other without the interpreter.
A class that tests or policies extend by multiple inheritance, or whose fields are taken apart by name, stays as it is.
"""

from __future__ import annotations

from collections.abc import Mapping

# Module → its classes that become native.
MODULES: Mapping[str, tuple[str, ...]] = {
    "gateway.wire.headers": ("Headers",),
    "gateway.wire.pending": ("Pending",),
    "gateway.wire.body": ("BodyStream", "Body"),
    "gateway.wire.messages": ("Request", "Response"),
    "gateway.wire.fields": (),
    "gateway.wire.framing": (),
    "gateway.wire.pace": ("Pace",),
    "gateway.wire.server.deadlines": ("Deadlines",),
    "gateway.wire.server.request_head": ("RequestHead",),
    "gateway.wire.server.varied_head": (),
    "gateway.wire.server.answers": (),
    "gateway.wire.server.exchange": ("Exchange",),
    "gateway.wire.server.http1_exchange": ("Http1Exchange",),
    "gateway.wire.server.listener": ("Caller",),
    "gateway.wire.server.client_connection": ("ClientConnection",),
    "gateway.wire.server.connection": ("ServerConnection",),
    "gateway.wire.upstream.connection_login": (),
    "gateway.wire.upstream.answer_body": ("AnswerBody",),
    "gateway.wire.upstream.exchange": ("UpstreamExchange",),
    "gateway.wire.upstream.head_reader": ("HeadReader",),
    "gateway.wire.upstream.connection": ("UpstreamConnection",),
    "gateway.wire.upstream.pool": ("Pool",),
    "gateway.wire.upstream.http_target": (),
    "gateway.pipeline.context": ("Context",),
    "gateway.pipeline.run": (),
    "gateway.pipeline.pipeline": (),
    "gateway.data_plane.calls": (),
    "gateway.data_plane.dispatcher": ("_Route",),
    "gateway.policies.parts.token_check": (),
    "gateway.policies.parts.token_source": (),
    "gateway.policies.forward_request": (),
    "gateway.policies.set_header": (),
    "gateway.tokens.validator": (),
    "gateway.tokens.compact": (),
    "gateway.tokens.base64url": (),
    "gateway.tokens.strict_json": (),
    "gateway.tokens.registered": (),
    "gateway.tokens.selection": (),
    "gateway.tokens.signature": (),
    "gateway.tokens.claims": (),
    "gateway.tokens.checks": (),
    "gateway.tokens.accepted_issuers": (),
    "gateway.tokens.extensions": (),
    "gateway.tokens.cache": (),
    "gateway.expressions.binding.closures": (),
    "gateway.expressions.expression": (),
    "gateway.telemetry.metrics": (),
}

# Fields that are more than an object: a C value, a container of exactly that type, or another native class.
FIELDS: Mapping[str, Mapping[str, str]] = {
    "Headers": {"lines": "dict"},
    "Pending": {"done": "bint"},
    "Request": {"headers": "Headers", "memo": "dict", "outline": "dict", "line_memo": "dict", "takes_trailers": "bint"},
    "Response": {"headers": "Headers"},
    "Context": {"request": "Request", "response": "Response"},
    "Pace": {"is_wanted": "bint", "_is_waiting": "bint", "limit_bytes": "Py_ssize_t"},
    "Deadlines": {name: "double" for name in ("reading", "writing", "tunnel", "expiry", "_idle_s")},
    "RequestHead": {"lines": "dict", "keep_alive": "bint", "takes_trailers": "bint"},
    "Caller": {"received": "bytes", "head": "RequestHead", "_lines": "list"},
    "Exchange": {"request": "Request", "_expired": "bint", "is_lasting": "bint"},
    "Http1Exchange": {"keep_alive": "bint", "minor": "int"},
    "ClientConnection": {"caller": "Caller", "_pace": "Pace", "_deadlines": "Deadlines"},
    "ServerConnection": {"_exchange": "Http1Exchange", "_stopping": "bint", "is_full": "bint", "_buffer": "bytes"},
    "UpstreamExchange": {"request": "Request", "chunked": "bint", "repeatable": "bint", "deadline": "double"},
    "UpstreamConnection": {
        "_exchange": "UpstreamExchange",
        "_heads": "HeadReader",
        "_body": "AnswerBody",
        "_pace": "Pace",
        "reused": "bint",
        "_keep_alive": "bint",
        "closed_early": "bint",
        "_deadline": "double",
        "_old_at": "double",
        "_rested_at": "double",
    },
    "HeadReader": {"_last_data": "bytes", "_held": "bytes", "rest": "bytes", "_last_lines": "list"},
    "Pool": {"_idle": "list", "size": "int"},
    "_Route": {"is_preflight": "bint", "is_forged": "bint"},
}

# Names that a module uses for types only, so that nothing loads them there, and that may be loaded all the same: these
# modules lie below all others.
LOW = frozenset({"Headers", "Pending", "Request", "Response", "Context"})
