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

from collections.abc import Awaitable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from gateway.data_plane.dispatcher import preflight_method
from gateway.pipeline.responses import error_body
from gateway.reading.values import Peers
from gateway.wire.body import Body
from gateway.wire.fields import field_key, fold_name
from gateway.wire.headers import Headers
from gateway.wire.messages import Request, Response
from gateway.wire.server.forwarding_fields import is_within, members, node_address
from gateway.wire.target import TargetError, split_target

if TYPE_CHECKING:
    from gateway.data_plane.dispatcher import Dispatcher

PREFIX = "/authz"
STATUS_HEADER = "X-Gateway-Status"
_ALLOWED_ORIGIN = "Access-Control-Allow-Origin"

# Envoy takes these names out of the request before it forwards it.
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


class _Unanswerable(Exception):
    """A question that is refused before it is judged."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.answer = _plain(status, message)


@dataclass(frozen=True, slots=True)
class DecisionEndpoint:
    """
    The application of the decision listener.

    Attributes:
        callers: Networks of the proxies that may ask, and that are trusted to name the client.
        proxies: Networks of further proxies, between the client and the caller.
    """

    dispatcher: Dispatcher
    callers: tuple[Peers, ...]
    proxies: tuple[Peers, ...] = ()

    def handle(self, request: Request) -> Response | Awaitable[Response]:
        """200 with header fields, or the refusal."""
        try:
            client = self._client(request)
            question = _question(request)
        except _Unanswerable as refusal:
            return refusal.answer
        try:
            path, query = split_target(question.target)
        except TargetError as error:
            return _refused(_plain(400, str(error)), question)
        subject = _subject(request, client, question.method, path, query)
        subject.id_key, subject.id_line = request.id_key, request.id_line
        before = dict(subject.headers.lines)
        outcome = self.dispatcher.decide(subject)
        request.on_end = subject.on_end
        if isinstance(outcome, Awaitable):
            return self._later(outcome, subject, before, question)
        return _answer(outcome, subject, before, question)

    def _client(self, request: Request) -> str:
        """The address of the client that the question is about. Raises _Unanswerable."""
        # The listener has put the caller's own address at the end; everything before it was written by the caller.
        *chain, caller = _addresses(request) or [""]
        if not caller or not is_within(caller, (*self.callers, *self.proxies)):
            raise _Unanswerable(403, f"{caller or 'The caller'} is not among decision-callers.")
        if not chain:
            raise _Unanswerable(403, "The question does not name the client: X-Forwarded-For is missing.")
        return next((address for address in reversed(chain) if not is_within(address, self.proxies)), chain[0])

    async def _later(
        self, waiting: Awaitable[Response | None], subject: Request, before: dict[str, str], question: _Question
    ) -> Response:
        return _answer(await waiting, subject, before, question)


def _addresses(request: Request) -> list[str]:
    """The list in X-Forwarded-For. Raises _Unanswerable."""
    addresses = [node_address(node) for node in members(request.headers.lines, "x-forwarded-for")]
    if not all(addresses):
        raise _Unanswerable(403, "X-Forwarded-For holds something that is not an address.")
    return addresses


def _question(request: Request) -> _Question:
    """What is asked about. Raises _Unanswerable."""
    if request.path.startswith(f"{PREFIX}/"):
        return _behind_prefix(request)
    if request.path != PREFIX:
        raise _Unanswerable(404, f"Send questions to {PREFIX}.")
    original, forwarded = ([request.headers.values(name) for name in names] for names in _QUESTIONS)
    nginx = any(original)
    # A proxy passes the client's own fields on: beside its question they would be another one, of the client's choice.
    if nginx and any(forwarded):
        raise _Unanswerable(403, "X-Original and X-Forwarded fields ask two questions.")
    names, fields = (_QUESTIONS[0], original) if nginx else (_QUESTIONS[1], forwarded)
    target, method = map(_only, names, fields)
    return _Question(_usual(method), target, nginx)


def _behind_prefix(request: Request) -> _Question:
    """Envoy's form."""
    query = f"?{request.query}" if request.query else ""
    return _Question(request.method, request.path[len(PREFIX) :] + query, nginx=False)


def _only(name: str, values: Sequence[str]) -> str:
    """The one value of a field. Raises _Unanswerable."""
    if len(values) == 1:
        return values[0]
    raise _Unanswerable(403, f"The question names no {name}." if not values else f"{name} appears {len(values)} times.")


def _usual(method: str) -> str:
    """*method*, which backends may read without case: in lower case it would be judged as another one."""
    if not method.isupper():
        raise _Unanswerable(403, "The method is not in upper case.")
    return method


def _subject(request: Request, client: str, method: str, path: str, query: str) -> Request:
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
        ip_address=client,
        certificate=request.certificate,
    )


def _answer(outcome: Response | None, subject: Request, before: dict[str, str], question: _Question) -> Response:
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
