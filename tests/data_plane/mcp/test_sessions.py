"""Seals of sessions; requests are in tests/acceptance/test_mcp.py."""

from __future__ import annotations

import contextlib

import pytest

from gateway.assembly import entities
from gateway.data_plane.mcp.sessions import SESSION_FIELD, seal
from gateway.errors import PolicyError
from gateway.expressions.entities import DeploymentInfo
from gateway.pipeline.context import Context, ShownToken
from gateway.wire.headers import Headers
from gateway.wire.messages import Request, Response
from tests.revocation.pki import Authority

ALICE = {"iss": "i", "sub": "alice", "exp": 1}


def _context(session: str | None, claims: dict[str, object]) -> Context:
    headers = Headers([] if session is None else [(SESSION_FIELD, session)])
    deployment = DeploymentInfo("", "", "", "", "", certificates={})
    context = Context(Request("POST", "/", headers=headers), deployment, entities.no_api(), entities.WHOLE_API)
    context.token = ShownToken(claims, True)
    return context


def _opened(api: str = "a", key: bytes = b"k" * 16, claims: dict[str, object] = ALICE) -> str:
    context = _context(None, claims)
    assert seal(key, api).apply(context) is None
    sealed = context.finished(Response(200, Headers([(SESSION_FIELD, "s.1")]))).headers.first(SESSION_FIELD)
    assert sealed is not None
    return sealed


def test_the_same_caller() -> None:
    """The server gets its own id, also when the token is a later one."""
    context = _context(_opened(), {**ALICE, "exp": 2})
    seal(b"k" * 16, "a").apply(context)
    assert context.request.headers.first(SESSION_FIELD) == "s.1"


@pytest.mark.parametrize(
    ("session", "claims"),
    [
        (_opened(), {**ALICE, "sub": "bob"}),
        (_opened(), {**ALICE, "iss": "j"}),
        (_opened(), {}),
        (_opened(api="b"), ALICE),
        (_opened(key=b"l" * 16), ALICE),
        (_opened(claims={**ALICE, "sub": "李"}), {**ALICE, "sub": "王"}),
        (_opened(claims={"sub": "a\x1fb"}), {"sub": "a", "oid": "b"}),
        ("s.1", ALICE),
        ("", ALICE),
        (".", ALICE),
    ],
)
def test_anyone_else(session: str, claims: dict[str, object]) -> None:
    """Another caller, another API and another key have other seals; without one there is no session."""
    with pytest.raises(PolicyError):
        seal(b"k" * 16, "a").apply(_context(session, claims))


def test_a_caller_that_nothing_names() -> None:
    """Where nothing says who is calling, all callers would have one another's sessions."""
    unnamed: list[dict[str, object]] = [{}, {"exp": 1}]
    for claims in unnamed:
        with pytest.raises(PolicyError) as refused:
            seal(b"k" * 16, "a").apply(_context(None, claims))
        assert refused.value.status == 401


def test_a_client_certificate_is_a_caller() -> None:
    """Two certificates are two callers."""
    first, second = (Authority("CA").issue(name).certificate for name in ("one", "two"))
    context = _context(None, {})
    context.request.certificate = first
    seal(b"k" * 16, "a").apply(context)
    session = context.finished(Response(200, Headers([(SESSION_FIELD, "s")]))).headers.first(SESSION_FIELD)
    for certificate, passes in ((first, True), (second, False)):
        again = _context(session, {})
        again.request.certificate = certificate
        with contextlib.nullcontext() if passes else pytest.raises(PolicyError):
            seal(b"k" * 16, "a").apply(again)
