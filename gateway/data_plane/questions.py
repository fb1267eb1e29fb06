"""
What a proxy asks the decision endpoint: about which request, and for which client.

Each proxy has a form of its own, and passes the client's own fields on: so a question has each part once and in one
form. Otherwise it is refused, naming the field, the proxy that has to send it, and how.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from gateway.reading.values import UNIX, Peers
from gateway.remedies.questions import Proxy, QuestionFault, proxies_of, question_remedy, remedies_for
from gateway.wire.fields import field_key
from gateway.wire.messages import Request
from gateway.wire.server.forwarding_fields import is_within, members, node_address

PREFIX = "/authz"

# Target and method in the form of nginx, and in that of Traefik and Caddy.
QUESTIONS = (("X-Original-URI", "X-Original-Method"), ("X-Forwarded-Uri", "X-Forwarded-Method"))

# What describes the question, not the request that it is about.
ASIDE = frozenset(["content-length", *(field_key(name) for names in QUESTIONS for name in names)])

_WITHOUT = (QuestionFault.NO_TARGET, QuestionFault.NO_METHOD)


@dataclass(frozen=True, slots=True)
class ProxyQuestion:
    """
    The request that is asked about.

    Attributes:
        nginx: Whether nginx asks, which understands few statuses.
        client: The client's address.
        is_proxy: Whether that is a trusted proxy's own: the one that asks may have left the client's out.
    """

    method: str
    target: str
    nginx: bool
    client: str
    is_proxy: bool


class BadQuestion(Exception):
    """
    A question that is refused before it is judged; the text says what is wrong and what to do.

    Attributes:
        field: The field that is missing or contradictory; empty: none is.
        remedies: What to write, by proxy.
    """

    def __init__(self, fault: QuestionFault, what: str, request: Request, field: str = "", status: int = 403) -> None:
        self.fault, self.what, self.field, self.status = fault, what, field, status
        self.remedies = remedies_for(fault, asking(request))
        super().__init__(f"{what} {question_remedy(self.remedies)}")


def asking(request: Request) -> tuple[Proxy, ...]:
    """The proxies that may have sent *request*."""
    original, forwarded = (any(name in request.headers for name in names) for names in QUESTIONS)
    return proxies_of(request.path, original, forwarded, "X-Forwarded-Server" in request.headers)


def read_question(
    request: Request, callers: tuple[Peers, ...], proxies: tuple[Peers, ...], is_local: bool = False
) -> ProxyQuestion:
    """
    The question that *request* is.

    Args:
        callers: Who may ask, and is trusted to name the client.
        proxies: Further proxies between the client and the caller.
        is_local: Whether it came over a Unix socket, whose peers have no address.

    Raises:
        BadQuestion: It is none, or not one.
    """
    client, is_proxy = _client(request, callers, proxies, is_local)
    target, method, nginx = _behind_prefix(request) if request.path.startswith(f"{PREFIX}/") else _in_fields(request)
    if not method.isupper():  # backends may read it without case: in lower case it would be judged as another one
        raise BadQuestion(QuestionFault.METHOD_CASE, "The method is not in upper case.", request)
    return ProxyQuestion(method, target, nginx, client, is_proxy)


def _client(
    request: Request, callers: tuple[Peers, ...], proxies: tuple[Peers, ...], is_local: bool
) -> tuple[str, bool]:
    """The address of the client, and whether it is a trusted proxy's. Raises BadQuestion."""
    chain = _chain(request, (*callers, *proxies), is_local)
    if not chain:
        what = "The question does not name the client: X-Forwarded-For is missing."
        raise BadQuestion(QuestionFault.NO_CLIENT, what, request, "X-Forwarded-For")
    client = next((address for address in reversed(chain) if not is_within(address, proxies)), "")
    return client or chain[0], not client


def _chain(request: Request, trusted: tuple[Peers, ...], is_local: bool) -> list[str]:
    """The addresses that the caller, who is *trusted*, has written. Raises BadQuestion: it is not trusted."""
    addresses = _addresses(request)
    # The listener has put the caller's own address at the end; everything before it was written by the caller.
    *chain, caller = [*addresses, UNIX] if is_local else addresses or [""]
    if caller and is_within(caller, trusted):
        return chain
    raise BadQuestion(QuestionFault.CALLER, f"{caller or 'The caller'} is not among decision-callers.", request)


def _addresses(request: Request) -> list[str]:
    """The list in X-Forwarded-For. Raises BadQuestion."""
    addresses = [node_address(node) for node in members(request.headers.lines, "x-forwarded-for")]
    if not all(addresses):
        what = "X-Forwarded-For holds something that is not an address."
        raise BadQuestion(QuestionFault.UNREADABLE_CLIENT, what, request, "X-Forwarded-For")
    return addresses


def _behind_prefix(request: Request) -> tuple[str, str, bool]:
    """
    Envoy's form. Raises BadQuestion: fields of another one ask something else.

    Those of a proxy that does not ask at /authz itself, but at /authz/, say GET / for every request that it asks about.
    """
    target, method = request.path[len(PREFIX) :] + (f"?{request.query}" if request.query else ""), request.method
    fields = [(name, value) for names in QUESTIONS for name, value in zip(names, (target, method), strict=True)]
    other = next((name for name, value in fields if {*request.headers.values(name)} - {value}), "")
    if other:
        what = f"The question's path and {other} ask two questions."
        raise BadQuestion(QuestionFault.PATH_AND_FIELD, what, request, other)
    return target, method, False


def _in_fields(request: Request) -> tuple[str, str, bool]:
    """The forms of nginx, and of Traefik and Caddy. Raises BadQuestion."""
    if request.path != PREFIX:
        raise BadQuestion(QuestionFault.PATH, f"Send questions to {PREFIX}.", request, status=404)
    original, forwarded = ([request.headers.values(name) for name in names] for names in QUESTIONS)
    nginx = any(original)
    # A proxy passes the client's own fields on: beside its question they would be another one, of the client's choice.
    if nginx and any(forwarded):
        what = "X-Original and X-Forwarded fields ask two questions."
        raise BadQuestion(QuestionFault.TWO_QUESTIONS, what, request, "X-Original-URI, X-Forwarded-Uri")
    names, fields = (QUESTIONS[0], original) if nginx else (QUESTIONS[1], forwarded)
    target, method = (_only(*part, request) for part in zip(names, fields, _WITHOUT, strict=True))
    return target, method, nginx


def _only(name: str, values: Sequence[str], without: QuestionFault, request: Request) -> str:
    """The one value of a field. Raises BadQuestion."""
    if len(values) == 1:
        return values[0]
    if values:
        raise BadQuestion(QuestionFault.REPEATED, f"{name} appears {len(values)} times.", request, name)
    raise BadQuestion(without, f"The question names no {name}.", request, name)
