"""
The answer to Envoy's question: what to change in the request, or what to answer in its place.

Source: envoy/service/auth/v3/external_auth.proto.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from gateway.data_plane.envoy.messages import CheckResponse
from gateway.data_plane.envoy.mutations import HeadChanges
from gateway.pipeline.context import Context, LastError, ShownToken
from gateway.pipeline.responses import error_body
from gateway.wire.body import Body
from gateway.wire.framing import has_no_body
from gateway.wire.headers import Headers
from gateway.wire.messages import Response

_OVERWRITE, _APPEND = 2, 0
_DENIED = 7  # google.rpc.Code.PERMISSION_DENIED
_FRAMING = frozenset(["content-length", "transfer-encoding", "connection", "keep-alive"])
_JOINED = frozenset(["set-cookie", "vary"])  # the backend's own stay
_LONGEST_FACT = 256


def passing(
    changes: HeadChanges, query: tuple[list[tuple[str, str]], list[str]], answer: Iterable[tuple[str, str]]
) -> Any:
    """The request may pass with *changes* to its head and its *query*; *answer*: fields for the client's answer."""
    set_, removed = query
    return CheckResponse(
        status={"code": 0},
        ok_response={
            "headers": _options(_joined(changes.replaced)),
            "headers_to_remove": changes.removed,
            "response_headers_to_add": _options(answer, _JOINED),
            "query_parameters_to_set": [{"key": name, "value": value} for name, value in set_],
            "query_parameters_to_remove": removed,
        },
    )


def instead(answer: Response) -> Any:
    """
    *answer* instead of the backend's: a refusal, or what a policy returns.

    Raises:
        UnicodeDecodeError: Its body or a field is not text, which a CheckResponse cannot carry.
    """
    fields = [(name, value) for name, value in answer.headers if name.lower() not in _FRAMING]
    is_empty = has_no_body(answer.status_code, "")  # else Envoy would write it where the next answer begins
    return CheckResponse(
        status={"code": _DENIED},
        denied_response={
            "status": {"code": answer.status_code},
            "headers": _options(fields),
            "body": "" if is_empty else answer.body.content.decode(),
        },
    )


def default_answer(status: int, message: str) -> Response:
    """The gateway's own error answer."""
    headers = Headers([("Content-Type", "application/json"), ("Cache-Control", "no-store")])
    return Response(status, headers, Body(error_body(status, message)))


def facts_of(context: Context) -> dict[str, str]:
    """What Envoy may log and route by, as dynamic metadata: ids, never a token or a claim of another kind."""
    facts: dict[str, object] = {
        "request_id": context.request.id,
        "api": context.api.id,
        "operation": context.operation.id,
        "product": context.product and context.product.id,
        "subscription": context.subscription and context.subscription.id,
    }
    facts |= _caller(context) if context.last_error is None else _refusal(context.last_error)
    return {name: fact[:_LONGEST_FACT] for name, fact in facts.items() if isinstance(fact, str) and fact}


def _refusal(error: LastError) -> dict[str, object]:
    return {"policy": error.source, "reason": error.reason}


def _caller(context: Context) -> dict[str, object]:
    """Of a token that has been verified."""
    if context.token is None or isinstance(context.token, ShownToken):
        return {}
    claims = context.token.payload
    return {"caller_object_id": claims.get("oid"), "caller_application_id": claims.get("azp") or claims.get("appid")}


def _joined(fields: Iterable[tuple[str, str]]) -> list[tuple[str, str]]:
    """
    One field of each name. Source: RFC 9110 §5.3; RFC 6265 §5.4 for cookies.

    Up to 1.40 Envoy takes each value of a request's field for the only one.
    """
    values: dict[str, list[str]] = {}
    for name, value in fields:
        values.setdefault(name, []).append(value)
    return [(name, ("; " if name == "cookie" else ", ").join(parts)) for name, parts in values.items()]


def _options(fields: Iterable[tuple[str, str]], joined: Iterable[str] = ()) -> list[dict[str, Any]]:
    """As Envoy sets them: the first of a name replaces what is there unless it is *joined*, the others follow it."""
    options: list[dict[str, Any]] = []
    there = set(joined)
    for written, value in fields:
        name = written.lower()
        action = _APPEND if name in there else _OVERWRITE
        there.add(name)
        text = value if value.isascii() else value.encode("latin-1").decode()
        options.append({"header": {"key": name, "value": text}, "append_action": action, "keep_empty_value": True})
    return options
