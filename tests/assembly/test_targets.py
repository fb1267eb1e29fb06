"""Where requests can go: what a policy computes never gets what only the configuration may name."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import cast

import pytest

from gateway.assembly.targets import ConfiguredTargets
from gateway.config import parse
from gateway.wire.upstream.http_target import HttpTarget

CONFIG = """
backends: {orders: {url: "http://orders/base", unix-socket: run/orders.sock}}
apis: [{id: a, path: a, backend: orders}]
"""


def test_a_socket_file_belongs_to_its_backend(tmp_path: Path) -> None:
    """A policy that computes the very same URL, or one that looks like a file, reaches no file."""

    async def scenario() -> None:
        targets = ConfiguredTargets(parse(CONFIG, "config.yaml", tmp_path, {}), None)
        named = cast(HttpTarget, dict(targets.named())["orders"].target)  # type: ignore[attr-defined]
        assert named.settings.unix_socket == tmp_path / "run" / "orders.sock"
        assert cast(HttpTarget, targets.for_url("http://orders/base")).settings.unix_socket is None
        for url in ("unix:/run/orders.sock", "http+unix://%2Frun%2Forders.sock/"):
            with pytest.raises(ValueError, match="not an absolute http or https URL"):
                targets.for_url(url)
        await targets.aclose()

    asyncio.run(scenario())
