"""
``make reload-load``: full load, with a reload each second, every other one broken; then many reloads in a row.

Each configuration answers with its own number. A request must be answered, and by the generation that was in force when
it was sent, or a later one. With workers, a retired process answers requests on connections that it has for up to a
second more: these are counted apart.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import httpx2

from tests.processes import started
from tests.serving.harness.clients import Ledger, ask
from tests.serving.test_signals import family, free_ports

CLIENTS = 12
FAREWELL_S = 1.0  # documented in docs/reload.md
CONFIG = """
listen: 127.0.0.1:{data}
management: 127.0.0.1:{management}
reload: {{endpoint: true}}
logging: {{requests: refused}}
named-values: {{mark: {{value: "{mark}"}}}}
apis:
  - {{id: a, path: a, policy: answer.xml}}
"""
BROKEN = "  - {id: broken, path: b, policy: missing.xml}\n"
POLICY = """<policies><inbound><return-response><set-status code="200" />
<set-body>{{mark}}</set-body></return-response></inbound></policies>"""


class Rig:
    """A gateway whose configuration changes."""

    def __init__(self, folder: Path, workers: int) -> None:
        self.folder, self.workers = folder, workers
        self.data, self.management = free_ports(2)
        self.ledger = Ledger()
        self.number = 0
        (folder / "answer.xml").write_text(POLICY)
        self.write(broken=False)

    def write(self, broken: bool) -> None:
        """The next configuration."""
        mark = "broken" if broken else str(self.number)
        text = CONFIG.format(data=self.data, management=self.management, mark=mark)
        (self.folder / "config.yaml").write_text(text + (BROKEN if broken else ""))

    async def reload(self, client: httpx2.AsyncClient, broken: bool) -> None:
        """One reload, and from when on its generation is in force."""
        self.number += not broken
        self.ledger.latest = self.number
        self.write(broken)
        url = f"http://127.0.0.1:{self.management}/reload"
        answer = await client.post(url, headers={"Content-Type": "application/json"})
        if answer.status_code != (422 if broken else 200):
            raise AssertionError(answer.text)
        if not broken:
            self.ledger.in_force.append((time.monotonic(), self.number))

    async def ready(self, client: httpx2.AsyncClient) -> None:
        """Wait for it."""
        for _ in range(600):
            try:
                if (await client.get(f"http://127.0.0.1:{self.management}/readyz")).status_code == 200:
                    return
            except httpx2.HTTPError:
                pass
            await asyncio.sleep(0.1)
        raise TimeoutError


def memory_mib(supervisor: int) -> float:
    """Of all processes, what they share divided among them."""
    total = 0
    for process in (supervisor, *family(supervisor)):
        for line in _lines(Path(f"/proc/{process}/smaps_rollup")):
            total += int(line.split()[1]) if line.startswith("Pss:") else 0
    return total / 1024


def _lines(file: Path) -> Iterator[str]:
    try:
        yield from file.read_text().splitlines()
    except OSError:  # it has just ended
        return


async def run(rig: Rig, process: int, seconds: float, reloads: int) -> dict[str, object]:
    """The load, then reloads until there are as many; what came of it."""
    stop, took = asyncio.Event(), list[float]()
    async with httpx2.AsyncClient(timeout=120) as client:
        await rig.ready(client)
        asking = [asyncio.create_task(ask(rig.data, rig.ledger, stop, 1 if n < 3 else 10_000)) for n in range(CLIENTS)]
        began = time.monotonic()
        memory = {0: memory_mib(process)}
        done = 0
        while time.monotonic() - began < seconds or done < reloads:
            before = time.monotonic()
            await rig.reload(client, broken=done % 2 == 1)
            done += 1
            took.append(time.monotonic() - before)
            loaded = time.monotonic() - began < seconds
            if not loaded and not stop.is_set():
                stop.set()
                await asyncio.gather(*asking)
                lasted = time.monotonic() - began
                under_load = done
            await asyncio.sleep(max(0.0, 1.0 - took[-1]) if loaded else 0)
            if done % 20 == 0:
                memory[done] = memory_mib(process)
        await asyncio.sleep(3)  # retired processes end
        memory[done] = memory_mib(process)
    return _report(rig, lasted, under_load, took, memory)


def _report(rig: Rig, lasted: float, under_load: int, took: list[float], memory: dict[int, float]) -> dict[str, object]:
    ledger = rig.ledger
    return {
        "workers": rig.workers,
        "seconds": round(lasted, 1),
        "reloads under load": under_load,
        "reloads in all": len(took),
        "reload p50 / longest, s": [round(sorted(took)[len(took) // 2], 2), round(max(took), 2)],
        "answers": ledger.answered,
        "lost": len(ledger.lost),
        "of a configuration never in force": len(ledger.foreign),
        "older than in force": sum(age > (FAREWELL_S if rig.workers > 1 else 0.0) for age in ledger.early),
        "by a retired process within its second": sum(age <= FAREWELL_S for age in ledger.early),
        "oldest, s": round(max(ledger.early, default=0.0), 2),
        "memory, MiB, by reloads": {number: round(size, 1) for number, size in memory.items()},
        "examples": [*ledger.lost[:5], *ledger.foreign[:5]],
    }


def main(seconds: float, reloads: int) -> int:
    """With one process and with two workers; 1 if a request was lost or answered wrongly."""
    failed = 0
    for workers in (1, 2):
        with tempfile.TemporaryDirectory() as folder:
            rig = Rig(Path(folder), workers)
            command = [sys.executable, "-m", "gateway", "serve", "-c", f"{folder}/config.yaml"]
            with (
                open(os.devnull, "w") as nowhere,
                started([*command, "--workers", str(workers)], stdout=nowhere) as process,
            ):
                report = asyncio.run(run(rig, process.pid, seconds, reloads))
                process.terminate()
                process.wait(60)
        print(json.dumps(report, indent=1), flush=True)
        failed |= any(report[key] for key in ("lost", "of a configuration never in force", "older than in force"))
    return int(failed)


if __name__ == "__main__":
    sys.exit(main(float(sys.argv[1]) if sys.argv[1:] else 60.0, int(sys.argv[2]) if sys.argv[2:] else 200))
