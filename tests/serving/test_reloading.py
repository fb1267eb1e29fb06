"""One process's reloads, without a process: when they are made, and what they tell."""

from __future__ import annotations

import asyncio
import threading
from dataclasses import dataclass, field
from pathlib import Path

from gateway.assembly.app import build
from gateway.config import Config, parse
from gateway.serving.live import LiveGateway
from gateway.serving.reloading import Reloader
from gateway.serving.source import ConfigurationFile


@dataclass
class Counting(ConfigurationFile):
    """A source that can be held up, and counts how often it is read."""

    reads: int = 0
    go_on: threading.Event = field(default_factory=threading.Event)

    def load(self) -> Config:
        self.reads += 1
        self.go_on.wait(10)
        return super().load()


def reloader(folder: Path, text: str = "console: false\n") -> tuple[Reloader, Counting]:
    """Of a gateway without APIs, whose file is *text*."""
    source = Counting(folder / "config.yaml")
    source.path.write_text(text)
    return Reloader(LiveGateway(build(parse("console: false", "config.yaml", folder, {}))), source), source


def test_those_who_wait_share_a_reload(tmp_path: Path) -> None:
    """However many ask while a reload runs, one more follows, which reads what there is then."""

    async def scenario() -> int:
        reloads, source = reloader(tmp_path)
        first = asyncio.create_task(reloads.reload())
        while not source.reads:
            await asyncio.sleep(0.001)
        others = [asyncio.create_task(reloads.reload()) for _ in range(50)]
        for _ in range(50):
            reloads.ask()
        others[0].cancel()  # whoever leaves leaves the others their answer
        await asyncio.sleep(0.01)
        source.go_on.set()
        reports = await asyncio.gather(first, *others[1:])
        assert all(report.succeeded for report in reports)
        await reloads.live.aclose()
        return source.reads

    assert asyncio.run(scenario()) == 2
