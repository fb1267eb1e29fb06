"""What a proxy asks: by which form, about which client, and what is said of a question that is wrong."""

from __future__ import annotations

import ipaddress

import pytest

from gateway.data_plane.questions import BadQuestion, ProxyQuestion, read_question
from gateway.reading.values import UNIX, Peers
from gateway.remedies.questions import QuestionFault
from gateway.wire.headers import Headers
from gateway.wire.messages import Request

CALLERS: tuple[Peers, ...] = (ipaddress.ip_network("10.0.0.0/24"),)
PROXIES: tuple[Peers, ...] = (ipaddress.ip_network("192.0.2.0/24"),)
NGINX = [("X-Original-URI", "/a?b"), ("X-Original-Method", "PUT")]
LOWER = ("X-Original-Method", "put")
TRAEFIK = [("X-Forwarded-Uri", "/a?b"), ("X-Forwarded-Method", "PUT")]


def asked(path: str, fields: list[tuple[str, str]], chain: str, is_local: bool = False) -> ProxyQuestion:
    """The question in a request whose X-Forwarded-For is *chain*, the caller's own address last."""
    given = [*fields, ("X-Forwarded-For", chain)] if chain else fields
    callers = (*CALLERS, UNIX) if is_local else CALLERS
    return read_question(Request("GET", path, "", Headers(given)), callers, PROXIES, is_local)


@pytest.mark.parametrize(
    ("path", "fields", "chain", "is_local", "expected"),
    [
        ("/authz", NGINX, "203.0.113.9, 10.0.0.1", False, ("PUT", "/a?b", True, "203.0.113.9", False)),
        ("/authz", TRAEFIK, "203.0.113.9, 10.0.0.1", False, ("PUT", "/a?b", False, "203.0.113.9", False)),
        ("/authz/a", [], "203.0.113.9, 10.0.0.1", False, ("GET", "/a", False, "203.0.113.9", False)),
        (
            "/authz/a",
            [("X-Original-URI", "/a"), ("X-Original-Method", "GET")],
            "203.0.113.9, 10.0.0.1",
            False,
            ("GET", "/a", False, "203.0.113.9", False),
        ),
        (
            "/authz",
            NGINX,
            "198.51.100.1, 203.0.113.9, 192.0.2.1, 10.0.0.1",
            False,
            ("PUT", "/a?b", True, "203.0.113.9", False),
        ),
        ("/authz", NGINX, "192.0.2.1, 10.0.0.1", False, ("PUT", "/a?b", True, "192.0.2.1", True)),
        ("/authz", NGINX, "203.0.113.9", True, ("PUT", "/a?b", True, "203.0.113.9", False)),
    ],
)
def test_questions(
    path: str, fields: list[tuple[str, str]], chain: str, is_local: bool, expected: tuple[str, str, bool, str, bool]
) -> None:
    """Method, target, whether nginx asks, the client, and whether that is a proxy; over a file nobody is last."""
    assert asked(path, fields, chain, is_local) == ProxyQuestion(*expected)


@pytest.mark.parametrize(
    ("path", "fields", "chain", "is_local", "fault", "field"),
    [
        ("/authz", NGINX, "203.0.113.9, 10.0.1.1", False, QuestionFault.CALLER, ""),
        ("/authz", NGINX, "", False, QuestionFault.CALLER, ""),
        ("/authz", NGINX, "10.0.0.1", False, QuestionFault.NO_CLIENT, "X-Forwarded-For"),
        ("/authz", NGINX, "", True, QuestionFault.NO_CLIENT, "X-Forwarded-For"),
        ("/authz", NGINX, "me, 10.0.0.1", False, QuestionFault.UNREADABLE_CLIENT, "X-Forwarded-For"),
        ("/authz", NGINX[:1], "203.0.113.9, 10.0.0.1", False, QuestionFault.NO_METHOD, "X-Original-Method"),
        ("/authz", NGINX[1:], "203.0.113.9, 10.0.0.1", False, QuestionFault.NO_TARGET, "X-Original-URI"),
        ("/authz", TRAEFIK[:1], "203.0.113.9, 10.0.0.1", False, QuestionFault.NO_METHOD, "X-Forwarded-Method"),
        ("/authz", [], "203.0.113.9, 10.0.0.1", False, QuestionFault.NO_TARGET, "X-Forwarded-Uri"),
        ("/authz", [*NGINX, NGINX[0]], "203.0.113.9, 10.0.0.1", False, QuestionFault.REPEATED, "X-Original-URI"),
        (*("/authz", [*NGINX, *TRAEFIK], "203.0.113.9, 10.0.0.1", False),
         *(QuestionFault.TWO_QUESTIONS, "X-Original-URI, X-Forwarded-Uri")),
        ("/authz/", NGINX, "203.0.113.9, 10.0.0.1", False, QuestionFault.PATH_AND_FIELD, "X-Original-URI"),
        ("/authz/", TRAEFIK, "203.0.113.9, 10.0.0.1", False, QuestionFault.PATH_AND_FIELD, "X-Forwarded-Uri"),
        ("/authz/", TRAEFIK[1:], "203.0.113.9, 10.0.0.1", False, QuestionFault.PATH_AND_FIELD, "X-Forwarded-Method"),
        ("/ask", NGINX, "203.0.113.9, 10.0.0.1", False, QuestionFault.PATH, ""),
        ("/authz", [NGINX[0], LOWER], "203.0.113.9, 10.0.0.1", False, QuestionFault.METHOD_CASE, ""),
    ],
)  # fmt: skip
def test_wrong_questions(
    path: str, fields: list[tuple[str, str]], chain: str, is_local: bool, fault: QuestionFault, field: str
) -> None:
    """Each names the fault, the field, and by proxy what to write; the text has all of it."""
    with pytest.raises(BadQuestion) as refused:
        asked(path, fields, chain, is_local)
    assert (refused.value.fault, refused.value.field) == (fault, field)
    assert all(remedy in str(refused.value) for remedy in refused.value.remedies.values())
