"""Seals of sessions; requests are in tests/acceptance/test_mcp.py."""

from __future__ import annotations

import pytest

from gateway.assembly import entities
from gateway.data_plane.mcp.sessions import SESSION_FIELD, seal
from gateway.errors import PolicyError
from gateway.expressions.entities import DeploymentInfo
from gateway.pipeline.context import Context, ShownToken
from gateway.wire.headers import Headers
from gateway.wire.messages import Request, Response

ALICE = {"iss": "i", "sub": "alice", "exp": 1}


def _context(session: str | None, claims: dict[str, object]) -> Context:
    headers = Headers([] if session is None else [(SESSION_FIELD, session)])
    deployment = DeploymentInfo("", "", "", "", "", certificates={})
    context = Context(Request("POST", "/", headers=headers), deployment, entities.no_api(), entities.WHOLE_API)
    context.token = ShownToken(claims, True)
    return context


def _opened(api: str = "a", key: bytes = b"k" * 16) -> str:
    context = _context(None, ALICE)
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
        ("s.1", ALICE),
        ("", ALICE),
        (".", ALICE),
    ],
)
def test_anyone_else(session: str, claims: dict[str, object]) -> None:
    """Another caller, another API and another key have other seals; without one there is no session."""
    with pytest.raises(PolicyError):
        seal(b"k" * 16, "a").apply(_context(session, claims))
