"""cache-store: which responses are kept, and what runs behind it on a hit."""

from __future__ import annotations

import pytest

from gateway.wire.body import Body
from gateway.wire.headers import Headers
from gateway.wire.messages import Response
from tests.policies.bench import Backend, Bench, get, new_context
from tests.policies.caching import calls, executed, policies

pytestmark = pytest.mark.usefixtures("cached")


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (Response(404), 2),
        (Response(200, Headers([("Set-Cookie", "a=b")])), 2),
        (Response(200, Headers([("Vary", "Accept")])), 2),
        (Response(200, Headers([("Vary", "Accept-Encoding, Origin")])), 1),
        (Response(200, body=Body(b"x" * 3_000_000)), 2),
        (Response(200, Headers([("Cache-Control", "max-age=9, Private")])), 2),
        (Response(200, Headers([("Cache-Control", 'private="x-a"')])), 2),
        (Response(200, Headers([("Cache-Control", "no-cache"), ("Cache-Control", "no-store")])), 2),
        (Response(200, Headers([("Cache-Control", "public, max-age=0, x-private")])), 1),
    ],
    ids="status cookie vary vary-known large private private-field no-store public".split(),
)
def test_what_is_not_kept(bench: Bench, answer: Response, expected: int) -> None:
    """Errors, cookies, huge bodies, and responses that depend on more than the key are not kept."""
    backend = Backend(answers=[answer])
    for _ in range(2):
        asked = get("/a")
        asked.target = backend
        pipeline = bench.compile(policies())
        executed(pipeline, new_context(asked))
    assert len(backend.sent) == expected


def test_the_policy_may_keep_a_private_response(bench: Bench) -> None:
    """With cache-response the policy decides, and no longer the backend."""
    backend = Backend(answers=[Response(200, Headers([("Cache-Control", "private")]))])
    kept = policies().replace("<cache-store ", "<cache-store cache-response='true' ")
    for _ in range(2):
        asked = get("/a")
        asked.target = backend
        executed(bench.compile(kept), new_context(asked))
    assert len(backend.sent) == 1


def test_what_waits_behind_cache_store_runs_on_a_hit(bench: Bench) -> None:
    """A policy that waits, or answers, may stand there too; foreign bytes are a miss."""
    waiting = policies().replace("</outbound>", "<retry condition='false' count='1' interval='0'/></outbound>")
    assert calls(bench, waiting, get("/a"), get("/a"))[0] == 1
    answering = policies().replace(
        "</outbound>", "<return-response><set-status code='299'/></return-response></outbound>"
    )
    count, ran = calls(bench, answering, get("/b"), get("/b"))
    assert (count, ran.response.status_code) == (1, 299)
