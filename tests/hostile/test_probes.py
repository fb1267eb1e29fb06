"""probes.py: the gateway answers each probe as the standard allows."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from tests.hostile.probes import PROBES, Probe
from tests.hostile.servers import everyone, outcome
from tests.hostile.table import PAGE


@pytest.fixture(scope="module")
def outcomes(tmp_path_factory: pytest.TempPathFactory) -> dict[str, tuple[str, str]]:
    """What the gateway makes of each probe."""

    async def run(folder: Path) -> dict[str, tuple[str, str]]:
        async with everyone(folder, []) as ports:
            return {probe.what: await outcome(ports["gateway"], probe) for probe in PROBES}

    return asyncio.run(run(tmp_path_factory.mktemp("hostile")))


@pytest.mark.parametrize("probe", PROBES, ids=[probe.what for probe in PROBES])
def test_the_gateway_is_right(outcomes: dict[str, tuple[str, str]], probe: Probe) -> None:
    """Nothing that the standard refuses passes, and nothing that it demands is refused."""
    assert outcomes[probe.what][0] in probe.right


def test_the_page_shows_every_probe(outcomes: dict[str, tuple[str, str]]) -> None:
    """docs/hostile.md is up to date: each probe is in it, with the gateway's answer."""
    page = PAGE.read_text().splitlines()
    for probe in PROBES:
        row = next((line for line in page if line.startswith(f"| {probe.what} |")), "")
        assert row.endswith(f"| {outcomes[probe.what][1]} |"), f"{probe.what}: run make hostile"
