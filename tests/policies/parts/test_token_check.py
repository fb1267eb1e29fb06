"""A token check on heads that repeat: what was found out about one is used for the next, and nothing else is."""

from __future__ import annotations

import pytest

from gateway.errors import PolicyError
from gateway.pipeline.pipeline import Pipeline
from gateway.pipeline.run import run
from gateway.tokens.cache import TokenCache
from gateway.tokens.validator import TokenValidator
from gateway.wire.headers import Headers
from gateway.wire.messages import Request
from tests.policies.bench import Bench, new_context
from tests.policies.test_validate_jwt import KEYS, bearer, hs256, policy

GUARDED = policy(KEYS, 'header-name="Authorization" output-token-variable-name="jwt"')
AUDIENCES = "<audiences><audience>@((string)context.Variables[&quot;audience&quot;])</audience></audiences>"


def subject(pipeline: Pipeline, like: Request, lines: dict[str, str], audience: str = "api://orders") -> str:
    """The subject of the token in a request with *lines*, on a head with the same memos as *like*."""
    request = Request("GET", "/", "", Headers.from_lines(lines))
    request.memo, request.line_memo = like.memo, like.line_memo
    context = new_context(request)
    context.variables["audience"] = audience
    assert run(pipeline.inbound, context) is None
    return str(context.variables["jwt"].subject)  # type: ignore[attr-defined]


def test_a_repeated_line_is_read_once(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """The same line again costs neither a look at its words nor the hash of its token."""
    pipeline, request = bench.use(token_cache=TokenCache()).compile(GUARDED), bearer(hs256(sub="alice"))
    hashed: list[str] = []
    original = TokenValidator.cache_key

    def noted(validator: TokenValidator, token: str, rules: None) -> bytes:
        hashed.append(token)
        return original(validator, token, rules)

    monkeypatch.setattr(TokenValidator, "cache_key", noted)
    assert [subject(pipeline, request, request.headers.lines.copy()) for _ in range(3)] == ["alice"] * 3
    assert len(hashed) == 1


def test_another_line_is_another_token(bench: Bench) -> None:
    """A policy may have changed the header since the head arrived: its current value counts."""
    pipeline, request = bench.use(token_cache=TokenCache()).compile(GUARDED), bearer(hs256(sub="alice"))
    changed = {"authorization": f"Authorization: Bearer {hs256(sub='bob')}"}
    lines = [request.headers.lines, changed, request.headers.lines]
    assert [subject(pipeline, request, each.copy()) for each in lines] == ["alice", "bob", "alice"]


@pytest.mark.parametrize("lines", [{}, {"authorization": "Authorization: Basic abc"}])
def test_no_token_is_refused_after_a_good_one(bench: Bench, lines: dict[str, str]) -> None:
    """A request without a token never passes with that of the request before."""
    pipeline, request = bench.use(token_cache=TokenCache()).compile(GUARDED), bearer(hs256(sub="alice"))
    assert subject(pipeline, request, request.headers.lines.copy()) == "alice"
    with pytest.raises(PolicyError):
        subject(pipeline, request, lines)


def test_computed_rules_are_asked_each_time(bench: Bench) -> None:
    """A token that was good under one audience is refused under another, on the same head."""
    pipeline = bench.use(token_cache=TokenCache()).compile(policy(KEYS + AUDIENCES))
    request = bearer(hs256(sub="alice", aud="api://orders"))
    assert subject(pipeline, request, request.headers.lines.copy()) == "alice"
    with pytest.raises(PolicyError, match="Audience"):
        subject(pipeline, request, request.headers.lines.copy(), audience="api://other")
