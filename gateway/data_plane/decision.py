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

Only ``decision-callers`` and ``trusted-proxies`` may ask, and each question names the client in ``X-Forwarded-For``:
address filters, limits and budgets go by it, so a question without it is 403, too. docs/trust.md.

A CORS preflight that the operation's policy answers passes with that policy's header fields: a refusal cannot carry a
preflight's answer, so the proxy gives it.

Source: nginx ngx_http_auth_request_module; Traefik ForwardAuth; Envoy ext_authz HTTP service.
"""

from __future__ import annotations

from collections.abc import Awaitable, Iterator
from dataclasses import dataclass, field
from threading import Event
from typing import TYPE_CHECKING

import structlog

from gateway.data_plane.dispatcher import preflight_method
from gateway.data_plane.questions import ASIDE, BadQuestion, ProxyQuestion, asking, read_question
from gateway.pipeline.responses import error_body
from gateway.reading.values import Peers
from gateway.remedies.questions import QuestionFault, remedies_for
from gateway.wire.body import Body
from gateway.wire.fields import fold_name
from gateway.wire.headers import Headers
from gateway.wire.messages import Request, Response
from gateway.wire.target import TargetError, split_target

if TYPE_CHECKING:
    from gateway.data_plane.dispatcher import Dispatcher

log = structlog.get_logger("gateway.decisions")

STATUS_HEADER = "X-Gateway-Status"
_ALLOWED_ORIGIN = "Access-Control-Allow-Origin"

# Envoy takes these names out of the request before it forwards it.
REMOVE_HEADER = "x-envoy-auth-headers-to-remove"

# Belongs to the connection between proxy and gateway.
_CONNECTION = frozenset("connection host content-length transfer-encoding x-forwarded-for".split())


@dataclass(frozen=True, slots=True)
class DecisionEndpoint:
    """
    The application of the decision listener.

    Attributes:
        callers: Networks of the proxies that may ask, and that are trusted to name the client.
        proxies: Networks of further proxies, between the client and the caller.
        is_local: Whether it is asked over a Unix socket.
    """

    dispatcher: Dispatcher
    callers: tuple[Peers, ...]
    proxies: tuple[Peers, ...] = ()
    is_local: bool = False
    _noted: Event = field(default_factory=Event)

    def handle(self, request: Request) -> Response | Awaitable[Response]:
        """200 with header fields, or the refusal."""
        try:
            question = read_question(request, self.callers, self.proxies, self.is_local)
        except BadQuestion as refusal:
            self.dispatcher.note_question(request, refusal)
            return _plain(refusal.status, str(refusal))
        if question.is_proxy:
            self._note_proxy(request, question.client)
        try:
            path, query = split_target(question.target)
        except TargetError as error:
            return _refused(_plain(400, str(error)), question)
        subject = _subject(request, question.client, question.method, path, query)
        subject.id_key, subject.id_line = request.id_key, request.id_line
        before = dict(subject.headers.lines)
        outcome = self.dispatcher.decide(subject)
        request.on_end = subject.on_end
        if isinstance(outcome, Awaitable):
            return self._later(outcome, subject, before, question)
        return _answer(outcome, subject, before, question)

    def _note_proxy(self, request: Request, client: str) -> None:
        """Log once that a proxy is judged in place of its clients: the one that asks seems not to name them."""
        if self._noted.is_set():
            return
        self._noted.set()
        remedies = remedies_for(QuestionFault.PROXY_AS_CLIENT, asking(request))
        log.warning("decision_names_proxy", client=client, field="X-Forwarded-For", remedy=remedies)

    async def _later(
        self, waiting: Awaitable[Response | None], subject: Request, before: dict[str, str], question: ProxyQuestion
    ) -> Response:
        return _answer(await waiting, subject, before, question)


def _subject(request: Request, client: str, method: str, path: str, query: str) -> Request:
    """The request that is asked about, without its body: a decision never reads it."""
    kept = [(name, value) for name, value in request.headers if fold_name(name) not in ASIDE]
    return Request(
        method,
        path,
        query,
        Headers(kept),
        scheme=request.scheme,
        host=request.host,
        port=request.port,
        ip_address=client,
        certificate=request.certificate,
    )


def _answer(outcome: Response | None, subject: Request, before: dict[str, str], question: ProxyQuestion) -> Response:
    if outcome is not None and not _answers_preflight(outcome, subject):
        return _refused(outcome, question)
    answer = Response(200, Headers(_changed(subject, before)))
    if gone := _gone(subject, before):
        answer.headers.replace(REMOVE_HEADER, ",".join(sorted(gone)))
    answer.headers.replace("Cache-Control", "no-store")
    if outcome is not None:
        for name, value in outcome.headers:
            answer.headers.append(name, value)
    return answer


def _answers_preflight(outcome: Response, subject: Request) -> bool:
    """Whether a cors policy has allowed what a browser announces."""
    return preflight_method(subject) is not None and _ALLOWED_ORIGIN in outcome.headers


def _gone(subject: Request, before: dict[str, str]) -> set[str]:
    """
    Names of the client's fields that must not arrive, as they were spelled: Envoy removes exactly those.

    Where a policy has set a field, the client's copies in other spellings (``caller_objectid``) are still there.
    """
    names: set[str] = set()
    for name in before.keys() - _CONNECTION:
        spelled = {line.partition(":")[0].lower() for line in before[name].split("\r\n")}
        if name not in subject.headers:
            names |= {name, *spelled}
        elif subject.headers.lines[name] != before[name]:
            names |= spelled - {name}
    return names


def _changed(subject: Request, before: dict[str, str]) -> Iterator[tuple[str, str]]:
    """The fields that the policies set."""
    changed = {name for name, line in subject.headers.lines.items() if before.get(name) != line}
    for name, value in subject.headers:
        if fold_name(name) in changed - _CONNECTION:
            yield name, value


def _refused(answer: Response, question: ProxyQuestion) -> Response:
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
