"""
From a CheckRequest to the request that it is about.

Nothing that a client sends chooses what is judged: method, path, host, scheme and address are Envoy's own statements
beside the fields. What an operator writes into ``context_extensions`` of a route can only narrow the question.

Source: envoy/service/auth/v3/attribute_context.proto.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from gateway.data_plane.envoy.heads import CarriedHead, as_latin, certificate_of, field_pairs
from gateway.wire.body import Body, BodyStream, BodyTooLarge
from gateway.wire.messages import Request
from gateway.wire.server.request_head import HeadError
from gateway.wire.settings import ServerSettings

if TYPE_CHECKING:
    from gateway.data_plane.dispatcher import Dispatcher

PARTIAL = "x-envoy-auth-partial-body"
_EXTENSIONS = frozenset(["api", "operation"])
_certificate = lru_cache(maxsize=256)(certificate_of)


@dataclass(frozen=True, slots=True)
class AuthorizationQuestion:
    """
    Attributes:
        head: As Envoy describes it.
        certificate: The client's, URL-encoded; empty: none.
        body: What Envoy has sent of it; None: nothing is known of it.
        narrowed: ``api`` and ``operation`` for which the request has to be.
    """

    head: CarriedHead
    certificate: str
    body: Body | None
    narrowed: Mapping[str, str]

    @classmethod
    def of(cls, message: Any) -> AuthorizationQuestion:
        """What the CheckRequest *message* asks."""
        attributes = message.attributes
        http, source = attributes.request.http, attributes.source
        pairs = field_pairs(http.header_map) or [(name, as_latin(value)) for name, value in http.headers.items()]
        head = _head(http, pairs, source.address.socket_address.address)
        is_partial = any(name == PARTIAL and value != "false" for name, value in pairs)
        return cls(head, source.certificate, _body(http, head, is_partial), dict(attributes.context_extensions))

    def request(self, settings: ServerSettings) -> Request:
        """The request that it is about. Raises HeadError."""
        request = self.head.request(settings, _certificate(self.certificate))
        request.body = self.body
        return request

    def require_aim(self, request: Request, dispatcher: Dispatcher) -> None:
        """Refuse a request that is for another API or operation than Envoy's route says. Raises HeadError."""
        if not self.narrowed:
            return
        if unknown := self.narrowed.keys() - _EXTENSIONS:
            raise HeadError(403, "Unknown context extension", expected=sorted(_EXTENSIONS), found=sorted(unknown))
        api, operation = dispatcher.aim(request)
        aim = {"api": api, "operation": operation}
        if any(aim[name] != wanted for name, wanted in self.narrowed.items()):
            raise HeadError(403, "The route is for another API or operation", expected=dict(self.narrowed), found=aim)


def _head(http: Any, pairs: list[tuple[str, str]], client: str) -> CarriedHead:
    fields = [pair for pair in pairs if not pair[0].startswith(":") and pair[0] != PARTIAL]
    path = as_latin(http.path) + (f"#{http.fragment}" if http.fragment else "")
    return CarriedHead(http.method, path, as_latin(http.host), http.scheme, http.protocol, fields, client)


def _body(http: Any, head: CarriedHead, is_partial: bool) -> Body | None:
    """
    The body that Envoy has sent with the question.

    No bytes are not an empty body: whether Envoy sends any is its configuration's business.
    """
    content = http.raw_body or http.body.encode()
    announced = dict(head.fields).get("content-length", "")
    if is_partial or (content and announced.isdecimal() and int(announced) != len(content)):
        return _incomplete()
    return Body(content) if content else None


def _incomplete() -> Body:
    """A body of which Envoy holds back the rest: reading it is refused with 413, not judged by its beginning."""
    stream = BodyStream()
    stream.fail(BodyTooLarge("Envoy has sent only the beginning of the body (max_request_bytes)"))
    return Body(stream=stream)
