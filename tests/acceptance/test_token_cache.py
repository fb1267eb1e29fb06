"""The verified-token cache: counted in the metrics, bounded and switched off by configuration."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from prometheus_client import generate_latest

from tests.acceptance.rig import CONFIG, product


@pytest.mark.parametrize(("entries", "hits"), [(100, 2.0), (0, 0.0)], ids=["on", "off"])
def test_hits_are_counted(tmp_path: Path, entries: int, hits: float) -> None:
    """A repeated token is verified once, or each time when the cache is off; the metrics say which."""

    async def run() -> None:
        config = f"{CONFIG}\ntoken-cache: {{{{entries: {entries}}}}}\n"
        async with product(tmp_path, config=config) as running:
            token = running.entra.mint()
            for _ in range(3):
                assert (await running.call("/orders/items/7", token=token)).status == 200
            metrics = generate_latest(running.gateway.registry).decode()
        assert f"gateway_token_cache_hits_total {hits}" in metrics

    asyncio.run(run())
