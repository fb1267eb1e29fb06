"""
What a Liquid template sees as ``context``.

Source: APIM policy reference, "set-body", "Using Liquid templates"; ``Variables``, ``Api``, ``Operation`` and
``RequestId`` are not on that page, but documents use them.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from gateway.expressions import to_text
from gateway.expressions.json.tree import JToken
from gateway.expressions.moments import DateTime
from gateway.liquid.values import AnyCase, Described
from gateway.policies.parts.liquid_body import read_json
from gateway.wire.messages import Response

if TYPE_CHECKING:
    from gateway.pipeline.context import Context
    from gateway.wire.headers import Headers
    from gateway.wire.messages import Url


def liquid_context(context: Context) -> AnyCase:
    """The members that a template may name, in any case."""
    request, response = context.request, context.response
    return AnyCase(
        Request=AnyCase(
            Url=_url(request.url),
            OriginalUrl=_url(request.original_url),
            Method=request.method,
            OriginalMethod=request.original_method,
            IpAddress=request.ip_address,
            MatchedParameters=AnyCase(request.matched_parameters),
            HasBody=request.body is not None,
            Headers=_headers(request.headers),
        ),
        Response=_response(response, request.method) if response else None,
        Variables=AnyCase({name: _plain(value) for name, value in context.variables.items()}),
        Api=AnyCase(Id=context.api.id, Name=context.api.name, Path=context.api.path),
        Operation=AnyCase(Id=context.operation.id, Name=context.operation.name, Method=context.operation.method),
        RequestId=str(context.request_id),
    )


def _response(response: Response, method: str) -> AnyCase:
    return AnyCase(
        StatusCode=response.status_code,
        StatusReason=response.reason,
        Method=method,
        Headers=_headers(response.headers),
    )


def _url(url: Url) -> Described:
    """A URL: its text, and its parts by name."""
    shown = str(url)
    described = Described(
        Scheme=url.scheme,
        Host=url.host,
        Port=url.port,
        Path=url.path,
        Query=AnyCase({name: values if len(values) > 1 else values[0] for name, values in url.params.items()}),
        QueryString=f"?{url.query}" if url.query else "",
        ToUri=shown,
        ToString=shown,
    )
    described.text = shown
    return described


def _headers(headers: Headers) -> AnyCase:
    return AnyCase({name: headers.joined(name) for name in headers.names()})


def _plain(value: object) -> Any:
    """A variable as Liquid's own data."""
    if value is None or isinstance(value, str | bool | int | float | Decimal | DateTime):
        return value
    if isinstance(value, JToken):
        return read_json(to_text(value), parse_dates=False)
    return value.status_code if isinstance(value, Response) else _collection(value)


def _collection(value: object) -> Any:
    """Lists and dictionaries; the text of anything else."""
    if isinstance(value, list):
        return [_plain(item) for item in value]
    if isinstance(value, Mapping):
        return AnyCase({to_text(name): _plain(item) for name, item in value.items()})
    return to_text(value)
