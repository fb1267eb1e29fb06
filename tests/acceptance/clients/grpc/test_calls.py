"""Real clients of gRPC and gRPC-Web, through the gateway to a real service."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import AsyncExitStack
from dataclasses import dataclass, field

import pytest

from tests.acceptance.clients.grpc.exchange import Caller, Way
from tests.acceptance.clients.grpc.features import CALL_FEATURES, CALLERS, call_cells
from tests.acceptance.clients.grpc.world import Scene, acting


@dataclass
class CallStage:
    """A scene in an event loop that runs while a test does, and the clients that have been started."""

    runner: asyncio.Runner
    scene: Scene
    callers: dict[tuple[str, Way], Caller] = field(default_factory=dict)

    async def run(self, name: str, way: Way, feature: str) -> None:
        """One cell."""
        if (name, way) not in self.callers:
            self.callers[name, way] = CALLERS[name].make(self.scene.place(way))
        await asyncio.wait_for(CALL_FEATURES[feature](self.callers[name, way], self.scene), 10)

    async def aclose(self) -> None:
        """End the clients."""
        for caller in self.callers.values():
            await caller.aclose()


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[CallStage]:
    """One scene for all cells."""
    with asyncio.Runner() as runner:
        stack = AsyncExitStack()
        started = CallStage(runner, runner.run(stack.enter_async_context(acting(tmp_path_factory.mktemp("calls")))))
        stack.push_async_callback(started.aclose)
        yield started
        runner.run(stack.aclose())


@pytest.mark.parametrize(("name", "way", "feature"), call_cells(), ids=[" - ".join(cell) for cell in call_cells()])
def test_a_cell_of_the_table(stage: CallStage, name: str, way: Way, feature: str) -> None:
    """The client does it in this protocol, and the service sees what it should."""
    stage.runner.run(stage.run(name, way, feature))
