"""
gRPC APIs that no client of gRPC can reach, because the listener does not speak HTTP/2.

Source: gRPC over HTTP2.
"""

from __future__ import annotations

from gateway.config.model import Config
from gateway.errors import Problem


def unreachable_calls(config: Config) -> list[Problem]:
    """A note for each API of type ``grpc``; gRPC-Web needs no HTTP/2."""
    speaks_http2 = config.http2.clear_text if config.tls is None else config.http2.tls
    if speaks_http2:
        return []
    setting = "http2: {clear-text: true}" if config.tls is None else "http2: {tls: true}"
    message = "clients of gRPC need HTTP/2, which is not spoken here"
    remedy = f"write {setting}, or put a proxy in front that does"
    return [
        Problem(config.location("apis", index), "no-http2", message, remedy)
        for index, api in enumerate(config.apis)
        if api.type == "grpc" and not (api.grpc and api.grpc.web)
    ]
