"""
The decision endpoint: ``/authz`` answers whether a request may pass, for a proxy that carries the traffic itself.

The request that is asked about runs through the inbound section of its own operation, as on the data plane, and is not
sent anywhere. Passing is 200 with the header fields that the policies set; refusing is the policies' own answer.

* nginx ``auth_request``: a GET to ``/authz`` with ``X-Original-URI`` and ``X-Original-Method``; nginx takes 401 and 403
  only, so every other refusal becomes 403, and ``X-Gateway-Status`` has the true status.
* Traefik and Caddy forward-auth: ``/authz`` with ``X-Forwarded-Uri`` and ``X-Forwarded-Method``.
* Envoy ``ext_authz`` over HTTP with ``path_prefix: /authz``: method and path are the original ones behind the prefix.

Target and method are needed, once each and in one form only; anything else is 403, because proxies pass on what clients
send under the names of the other form.

Source: nginx ngx_http_auth_request_module; Traefik ForwardAuth; Envoy ext_authz HTTP service.
"""

from __future__ import annotations

from collections.abc import Awaitable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from gateway.pipeline.responses import error_body
from gateway.wire.body import Body
from gateway.wire.fields import field_key, fold_name
from gateway.wire.headers import Headers
from gateway.wire.messages import Request, Response
from gateway.wire.target import TargetError, split_target

if TYPE_CHECKING:
    from gateway.data_plane.dispatcher import Dispatcher

PREFIX = "/authz"
STATUS_HEADER = "X-Gateway-Status"

# Envoy takes these names out of the request before it goes on.
REMOVE_HEADER = "x-envoy-auth-headers-to-remove"

# Target and method in the form of nginx, and in that of Traefik and Caddy.
_QUESTIONS = (("X-Original-URI", "X-Original-Method"), ("X-Forwarded-Uri", "X-Forwarded-Method"))

# What describes the question, not the request that it is about.
_ASIDE = frozenset(["content-length", *(field_key(name) for names in _QUESTIONS for name in names)])

# Belongs to the connection between proxy and gateway.
_CONNECTION = frozenset("connection host content-length transfer-encoding x-forwarded-for".split())


@dataclass(frozen=True, slots=True)
class _Question:
    """The request that is asked about."""

    method: str
    target: str
    nginx: bool


@dataclass(frozen=True, slots=True)
class DecisionEndpoint:
    """The application of the decision listener, which only proxies may reach."""

    dispatcher: Dispatcher

    def handle(self, request: Request) -> Response | Awaitable[Response]:
        """200 with header fields, or the refusal."""
        question = _question(request)
        if isinstance(question, Response):
            return question
        try:
            path, query = split_target(question.target)
        except TargetError as error:
            return _refused(_plain(400, str(error)), question)
        subject = _subject(request, question.method, path, query)
        before = dict(subject.headers.lines)
        outcome = self.dispatcher.decide(subject)
        request.on_end = subject.on_end
        if isinstance(outcome, Awaitable):
            return self._later(outcome, subject, before, question)
        return _answer(outcome, subject, before, question)

    async def _later(
        self, waiting: Awaitable[Response | None], subject: Request, before: dict[str, str], question: _Question
    ) -> Response:
        return _answer(await waiting, subject, before, question)


def _question(request: Request) -> _Question | Response:
    """What is asked about, or the refusal of what is no question."""
    if request.path.startswith(f"{PREFIX}/"):
        query = f"?{request.query}" if request.query else ""
        return _Question(request.method, request.path[len(PREFIX) :] + query, nginx=False)
    if request.path != PREFIX:
        return _plain(404, f"Ask at {PREFIX}.")
    found = [[request.headers.values(name) for name in names] for names in _QUESTIONS]
    nginx = any(found[0])
    # A proxy passes the client's own fields on: beside its question they would be another one, of the client's choice.
    if nginx and any(found[1]):
        return _plain(403, "X-Original and X-Forwarded fields ask two questions.")
    targets, methods = found[0] if nginx else found[1]
    if len(targets) != 1 or len(methods) != 1:
        return _plain(403, "The question needs one target and one method.")
    return _Question(methods[0], targets[0], nginx)


def _subject(request: Request, method: str, path: str, query: str) -> Request:
    """The request that is asked about, without its body: a decision never reads it."""
    kept = [(name, value) for name, value in request.headers if fold_name(name) not in _ASIDE]
    return Request(
        method,
        path,
        query,
        Headers(kept),
        scheme=request.scheme,
        host=request.host,
        port=request.port,
        ip_address=request.ip_address,
        certificate=request.certificate,
    )


def _answer(outcome: Response | None, subject: Request, before: dict[str, str], question: _Question) -> Response:
    if outcome is not None:
        return _refused(outcome, question)
    answer = Response(200, Headers(_changed(subject, before)))
    gone = sorted(name for name in before if name not in subject.headers and name not in _CONNECTION)
    if gone:
        answer.headers.replace(REMOVE_HEADER, ",".join(gone))
    answer.headers.replace("Cache-Control", "no-store")
    return answer


def _changed(subject: Request, before: dict[str, str]) -> Iterator[tuple[str, str]]:
    """The fields that the policies set."""
    changed = {name for name, line in subject.headers.lines.items() if before.get(name) != line}
    for name, value in subject.headers:
        if fold_name(name) in changed - _CONNECTION:
            yield name, value


def _refused(answer: Response, question: _Question) -> Response:
    """*answer* as the asking proxy can take it."""
    if answer.status_code < 300:
        answer.status_code = 403  # a policy answered instead of the backend; a decision can only let pass or refuse
    if question.nginx and answer.status_code not in (401, 403):
        answer.headers.replace(STATUS_HEADER, str(answer.status_code))
        answer.status_code = 403
    return answer


def _plain(status_code: int, message: str) -> Response:
    headers = Headers([("Content-Type", "application/json")])
    return Response(status_code, headers, Body(error_body(status_code, message)))
