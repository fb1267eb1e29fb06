"""HTTP/2 towards backends, where forward-request selects it. Source: RFC 9113."""

from gateway.wire.http2.exchange import Http2Exchange
from gateway.wire.http2.head import request_fields
from gateway.wire.http2.pool import Http2Pool

__all__ = ["Http2Exchange", "Http2Pool", "request_fields"]
