"""Real clients in every protocol that they speak, and the page that says so."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import AsyncExitStack
from dataclasses import dataclass, field

import pytest

from tests import tools
from tests.acceptance.clients.exchange import Client, Line
from tests.acceptance.clients.features import FEATURES, KINDS, cells
from tests.acceptance.clients.table import PAGE, page
from tests.acceptance.clients.world import World, running


@dataclass
class Stage:
    """A world in an event loop that runs while a test does, and the clients that have been started."""

    runner: asyncio.Runner
    world: World
    clients: dict[str, Client] = field(default_factory=dict)

    def client(self, name: str) -> Client:
        """The client *name*."""
        if name not in self.clients:
            self.clients[name] = KINDS[name].make(self.world.ca)
        return self.clients[name]


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    """One world for all cells."""
    with asyncio.Runner() as runner:
        stack = AsyncExitStack()
        world = runner.run(stack.enter_async_context(running(tmp_path_factory.mktemp("world"))))
        started = Stage(runner, world)
        yield started
        for client in started.clients.values():
            runner.run(client.aclose())
        runner.run(stack.aclose())


@pytest.mark.parametrize(("name", "line", "feature"), cells(), ids=[" - ".join(cell) for cell in cells()])
def test_a_cell_of_the_table(stage: Stage, name: str, line: Line, feature: str) -> None:
    """The client does it in this protocol, and the backend sees what it should."""
    if KINDS[name].package:
        tools.need(KINDS[name].package)
    stage.runner.run(FEATURES[feature](stage.client(name), line, stage.world))


def test_the_page_shows_these_cells() -> None:
    """docs/clients.md marks what is a test here, and nothing else."""
    assert PAGE.read_text(encoding="utf-8") == page(), "run python -m tests.acceptance.clients.table"
