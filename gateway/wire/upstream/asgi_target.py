"""
An application inside this process as a backend: ``app: notifications``.

The application runs in one task per request; bodies flow both ways with back-pressure.

Source: ASGI specification 3.0, HTTP sub-specification 2.3.
"""

from __future__ import annotations

from urllib.parse import unquote

from gateway.wire.fields import fold_name
from gateway.wire.framing import OWNED
from gateway.wire.messages import ForwardOptions, Request, Response, Url, join_paths
from gateway.wire.pending import Pending
from gateway.wire.upstream.asgi_call import AsgiApp, AsgiCall, Scope

CALLER_HEADER = "caller-objectid"
CALLER_EXTENSION = "gateway.caller"


class AsgiTarget:
    """
    An ASGI application as a backend. Whoever created it runs its lifespan.

    The application finds the caller that the pipeline has verified in ``scope["extensions"]["gateway.caller"]``: the
    value of the header ``caller-objectid``, or None. No request from outside can set it; a header it could.
    """

    def __init__(self, app: AsgiApp, name: str) -> None:
        self._app = app
        self.url = Url("http", name, 80, "/")

    def send(self, request: Request, options: ForwardOptions) -> Pending[Response]:
        """Start the application; resolves when it starts its answer. Errors: UpstreamError."""
        if request.streams is not None:
            request.abandon_streams()
        call = AsgiCall(request, options.timeout_s)
        call.run(self._app, self._scope(request))
        return call.answer

    def _scope(self, request: Request) -> Scope:
        path = join_paths("", request.path)
        mounted = _mount(request)
        return {
            "type": "http",
            "asgi": {"version": "3.0", "spec_version": "2.3"},
            "http_version": "1.1",
            "method": request.method,
            "scheme": request.scheme,
            "path": unquote(mounted + path),
            "raw_path": (mounted + path).encode("latin-1", "replace"),
            "query_string": request.query.encode("latin-1", "replace"),
            "root_path": mounted,
            "headers": _asgi_headers(request),
            "client": (request.ip_address, 0),
            "server": (request.host, request.port),
            "state": {},
            "extensions": {CALLER_EXTENSION: request.headers.first(CALLER_HEADER)},
        }


def _mount(request: Request) -> str:
    """Where the API is mounted in the URL that the client used, so that links lead back through the gateway."""
    if request.path and request.original_path.endswith(request.path):
        return request.original_path[: -len(request.path)].rstrip("/")
    return ""


def _asgi_headers(request: Request) -> list[tuple[bytes, bytes]]:
    """The header fields in ASGI's form, with the framing of the body as it is now."""
    fields = [
        (name.lower().encode("latin-1"), value.encode("latin-1"))
        for name, value in request.headers
        if fold_name(name) not in OWNED
    ]
    body = request.body
    if body is not None and body.stream is None:
        fields.append((b"content-length", str(len(body.content)).encode()))
    elif body is not None and body.stream is not None and body.stream.length is not None:
        fields.append((b"content-length", str(body.stream.length).encode()))
    return fields
