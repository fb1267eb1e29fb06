"""
One gateway that plays seeds: ``python -m tests.native.playing TREE FOLDER``.

It is the driver of the own-cost benchmark, which starts ``gateway serve`` of TREE over stand-ins, with other commands:
for each seed on standard input it plays the scenario of that seed, and writes a line of JSON with all that came of it.
"""

from __future__ import annotations

import asyncio
import importlib
import json
import random
import re
import sys
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

from benchmarks.own_cost import driver
from benchmarks.own_cost.stand_ins import Backend, BackendWire, StandInLoop, Wire
from tests.native.scenarios import Scenario

# What differs from run to run: times, durations, ids, addresses in memory; the way to an error, which names files.
_VARIABLE = re.compile(
    r'[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}|(?<=Date: )[^\r"\\]+|0x[0-9a-f]{6,}'
    r"|(?<=Traceback \(most recent call last\)).*\\n(?=\w)"
    r'|"(?:timestamp|time|started|at)":"[^"]*"|"\w*(?:_ms|_s|elapsed)":[0-9.e-]+|\d{4}-\d\d-\d\d[T ][\d:.]+Z?'
)
# What depends on how quick a build is: when a thread asks the issuer for its keys again, and for which of many refused
# requests a trace is kept, of which there are so many a second.
_TIMED = re.compile(r'GET /tenant/\S+ HTTP/1\.1\r\n(?:[^\r]+\r\n)*\r\n|"trace":"[^"]*",')
_BACKGROUND = re.compile(r'"event":"(?:issuer_\w+|loop_held)"')


def constant(text: str) -> str:
    """*text* without what differs from run to run."""
    return _VARIABLE.sub("…", _TIMED.sub("", text))


class Log:
    """Takes the gateway's lines in place of the thread that writes them."""

    def __init__(self) -> None:
        self._logs = importlib.import_module("gateway.telemetry.logs")
        self._logs._Output.writer = self
        self._written: list[str] = []

    def write(self, _: object, lines: list[str]) -> None:
        """Keep *lines*."""
        self._written += lines

    def wait(self) -> None:
        """Nothing is waited for."""

    def taken(self) -> list[str]:
        """The lines since the last time."""
        self._logs.flush()
        lines, self._written = self._written, []
        return [constant(line) for line in lines if not _BACKGROUND.search(line)]


class Playing(driver.Driver):
    """Plays seeds instead of timing workloads."""

    def __init__(self, folder: Path, log: Log, results: Any) -> None:
        super().__init__(folder, sys.stdin, results)
        self._log = log

    async def _obey(self) -> None:
        self._log.taken()  # of the start, with the ports
        for line in self._commands:
            scenario = Scenario.of(int(line), (self._folder / "tokens.txt").read_text(encoding="utf-8").split())
            random.seed(scenario.seed)  # what the gateway draws, too
            played = await Player(self._loop, self._backend, self._ports[0], scenario).play()
            print(json.dumps({**played, "log": self._log.taken()}), file=self._results, flush=True)


class Player:
    """One scenario on a connection of its own."""

    def __init__(self, loop: StandInLoop, backend: Backend, port: int, scenario: Scenario) -> None:
        self._backend, self._scenario = backend, scenario
        self._errors: list[str] = []
        loop.set_exception_handler(lambda _, context: self._failed(context.get("exception"), context["message"]))
        protocol = loop.listeners[port]()
        facts = {"peername": ("127.0.0.1", 50_000), "sockname": ("127.0.0.1", 80), "socket": backend.silence}
        self._wire = Wire(protocol, [], facts)
        self._guarded(protocol.connection_made, self._wire)

    async def play(self) -> dict[str, object]:
        """What the client got, what the backend got, and what went wrong."""
        for step in self._scenario.steps:
            for piece in step.pieces:
                if not self._wire.is_closing():
                    self._guarded(self._wire.protocol.data_received, piece)
                await self._turn()
            await self._answer(step.answer)
            await asyncio.sleep(step.pause_s)
        self._wire.close()
        await self._turn()
        for wire in dict.fromkeys(self._backend.asked):
            wire.close()
        self._backend.asked.clear()
        await asyncio.sleep(0.5)
        return self._taken()

    async def _turn(self) -> None:
        for _ in range(4):
            await asyncio.sleep(0)

    async def _answer(self, pieces: list[bytes]) -> None:
        """Every connection that has been asked gets the same *pieces*; the issuer's documents are always right."""
        asked = list(dict.fromkeys(self._backend.asked))
        self._backend.asked.clear()
        for wire in asked:
            documents = self._backend._documents
            for piece in [documents[wire.path]] if wire.path in documents else pieces:
                await self._receive(wire, piece)
            if not pieces:
                wire.close()
        await self._turn()

    async def _receive(self, wire: BackendWire, piece: bytes) -> None:
        if not wire.is_closing():
            self._guarded(wire.protocol.data_received, piece)
        await self._turn()

    def _guarded(self, function: Callable[[Any], object], argument: object) -> None:
        try:
            function(argument)
        except Exception as error:
            self._failed(error, "in a callback of the transport")

    def _failed(self, error: BaseException | None, message: str) -> None:
        self._errors.append(f"{message}: {''.join(traceback.format_exception(error)[-3:])}" if error else message)

    def _taken(self) -> dict[str, object]:
        answers, received = b"".join(self._wire.sent), b"".join(self._backend.received)
        self._wire.sent.clear()
        self._backend.received.clear()
        sides = {"answers": constant(answers.decode("latin-1")), "received": constant(received.decode("latin-1"))}
        return {**sides, "errors": [constant(error) for error in self._errors]}


def main() -> None:
    """Run with the gateway of the tree that the command line names."""
    tree, folder = map(Path, sys.argv[1:3])
    sys.path.insert(0, str(tree))
    place = importlib.import_module("gateway.wire.pending").__file__
    if place is None or not Path(place).is_relative_to(tree):
        raise SystemExit(f"the gateway of {tree} is hidden by {place}")
    Playing(folder, Log(), sys.stdout).serve()


if __name__ == "__main__":
    main()
