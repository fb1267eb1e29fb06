"""A gateway that is built to take over: what it shares with the one that serves is untouched until it does."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from gateway.assembly.app import Gateway, build
from gateway.config import parse
from gateway.errors import LoadError

CONFIG = "token-cache: {{entries: {entries}}}\napis: [{{id: a, path: a, policy: a.xml}}]\n"
POLICY = """<policies><inbound><validate-jwt header-name="Authorization">
  <issuer-signing-keys><key>{{key}}</key></issuer-signing-keys></validate-jwt></inbound></policies>"""


def build_after(former: Gateway | None, folder: Path, entries: int, policy: str = POLICY) -> Gateway:
    """A gateway with one API."""
    (folder / "a.xml").write_text(policy)
    values = 'named-values: {key: "c2VjcmV0IHNlY3JldCBzZWNyZXQgc2VjcmV0IHNlY3JldA=="}\n'
    return build(parse(values + CONFIG.format(entries=entries), "config.yaml", folder, {}), former)


def test_a_gateway_that_never_serves_is_not_counted(tmp_path: Path) -> None:
    """A mistake, or a gateway that is built and not used, leaves metrics as they are; one that takes over is shown."""
    serving = build_after(None, tmp_path, 1_000)
    before = dict(serving.metrics.counters)
    with pytest.raises(LoadError):
        build_after(serving, tmp_path, 2_000, "<policies><inbound><no-such-policy /></inbound></policies>")
    built = build_after(serving, tmp_path, 2_000)
    assert serving.metrics.counters == before

    async def take_over() -> None:
        await built.take_over(serving)
        await built.aclose()

    asyncio.run(take_over())
    assert built.services.token_cache is not None
    built.services.token_cache.hits = 7
    assert built.metrics.counters["gateway_token_cache_hits"][1]() == 7
