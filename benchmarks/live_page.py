"""
What a live page of the console costs beside 200 requests a second: ``python -m benchmarks.live_page [WORKERS] [PAGE]``.

Processor time of all processes of a real gateway, in slices of five seconds in which the page is closed and open by
turns, so that other programs disturb both alike. The page is followed as a browser does, by its stream of events.
"""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import tempfile
import time
from contextlib import suppress
from pathlib import Path
from statistics import median

import httpx2

from tests.processes import started
from tests.serving.test_signals import family, free_ports

PER_S = 200
SLICE_S = 5.0
SLICES = 14
WARM_S = 45.0  # until curves and lists of the page are filled
APIS = 5
CONFIG = """
listen: 127.0.0.1:{data}
management: 127.0.0.1:{management}
logging: {{requests: refused}}
apis:
"""
API = "  - {{id: a{number}, path: a{number}, policy: answer.xml}}\n"
POLICY = """<policies><inbound><return-response><set-status code="200" /><set-body>x</set-body></return-response>
</inbound></policies>"""


def processor_s(process: int) -> float:
    """Seconds of processor time that a gateway's threads have had. Source: proc(5), schedstat."""
    threads = (path for number in (process, *family(process)) for path in Path(f"/proc/{number}/task").iterdir())
    return sum(int((thread / "schedstat").read_text().split()[0]) for thread in threads) / 1e9


async def ask(port: int, stop: asyncio.Event) -> None:
    """Requests at a steady rate; each twentieth has no API, and is refused."""
    async with httpx2.AsyncClient(base_url=f"http://127.0.0.1:{port}") as client:
        at = time.monotonic()
        for number in range(sys.maxsize):
            if stop.is_set():
                return
            await client.get("/nowhere" if number % 20 == 0 else f"/a{number % APIS}")
            at += 1 / PER_S
            await asyncio.sleep(max(0.0, at - time.monotonic()))


async def look(port: int, page: str) -> None:
    """Have the page open."""
    async with (
        httpx2.AsyncClient(timeout=None) as client,
        client.stream("GET", f"http://127.0.0.1:{port}/console/live", params={"page": page}) as answer,
    ):
        answer.raise_for_status()
        async for _ in answer.aiter_bytes():
            pass


async def share(process: int) -> float:
    """Of one core, in the next slice."""
    before, began = processor_s(process), time.monotonic()
    await asyncio.sleep(SLICE_S)
    return (processor_s(process) - before) / (time.monotonic() - began)


async def measure(process: int, data: int, management: int, page: str) -> tuple[list[float], list[float]]:
    """Shares of a core with the page closed, and open."""
    stop, closed, opened = asyncio.Event(), list[float](), list[float]()
    asking = asyncio.create_task(ask(data, stop))
    await asyncio.sleep(WARM_S)
    for _ in range(SLICES // 2):
        closed.append(await share(process))
        looking = asyncio.create_task(look(management, page))
        await asyncio.sleep(0.5)
        opened.append(await share(process))
        looking.cancel()
        await asyncio.gather(looking, return_exceptions=True)
        await asyncio.sleep(0.5)
    stop.set()
    await asking
    return closed, opened


async def ready(port: int) -> None:
    """Wait for the gateway."""
    async with httpx2.AsyncClient() as client:
        for _ in range(600):
            with suppress(httpx2.HTTPError):
                if (await client.get(f"http://127.0.0.1:{port}/readyz")).is_success:
                    return
            await asyncio.sleep(0.1)
    raise TimeoutError


def main(workers: int, page: str) -> None:
    """Print both."""
    data, management = free_ports(2)
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "answer.xml").write_text(POLICY)
        text = CONFIG.format(data=data, management=management) + "".join(
            API.format(number=number) for number in range(APIS)
        )
        Path(folder, "config.yaml").write_text(text)
        command = [sys.executable, "-m", "gateway", "serve", "-c", f"{folder}/config.yaml", "--workers", str(workers)]
        with started(command, stdout=subprocess.DEVNULL) as process:
            asyncio.run(ready(management))
            closed, opened = asyncio.run(measure(process.pid, data, management, page))
            process.terminate()
            process.wait(30)
    for name, shares in (("closed", closed), ("open", opened)):
        print(f"{name}: median {100 * median(shares):.2f} % of a core, {[round(100 * share, 2) for share in shares]}")
    print(f"difference {100 * (median(opened) - median(closed)):.2f} %, load {os.getloadavg()[0]:.1f}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if sys.argv[1:] else 1, sys.argv[2] if sys.argv[2:] else "/")
