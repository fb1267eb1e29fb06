"""
How many jobs a second are accepted durably and started, and what do ten thousand watches and a restart cost?

    python -m benchmarks.bench_notifications [--watches 10000] [--store URL] [--ending]

Accepting: requests go through the ASGI application (no socket), 64 at a time, and count once they are answered with
202, that is, committed with synchronous=FULL; accepted jobs start meanwhile. Starting: until F&O has had every start
call. Watching: jobs that never end, counted once all of them are polled. Restart: until all of them are watched again.
With --ending: jobs that run for 20 to 60 s instead, and the time from the end of each to the arrival of its callback.
The emulators run in a process of their own, and so does the receiver.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import logging
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx2 as httpx
import structlog
from pydantic import SecretStr
from starlette.applications import Starlette

from benchmarks.endings import EndingsReceiver, life_of, quantiles
from benchmarks.machine import pinned
from gateway.emulators.d365 import D365Emulator, Job
from gateway.emulators.d365.lives import endless
from gateway.emulators.entra import EntraEmulator
from gateway.emulators.serving import serve
from gateway.notifications.api.app import create_app
from gateway.notifications.settings import (
    BudgetSettings,
    CallbackSettings,
    CallerRule,
    D365Settings,
    NotificationSettings,
)

CALLERS = 64
SETTLE_S = float(os.environ.get("BENCH_SETTLE_S", "30"))
CALLBACK = "https://dpwesteurope.svc.datafactory.azure.com/callback/{number}?sig=0123456789abcdef"


async def measure(app: Starlette, accepts: int, receiver: str | None = None) -> dict[str, float]:
    """All numbers of one life of the service; with *receiver* of jobs that end and are reported there."""
    async with app.router.lifespan_context(app):
        await asyncio.sleep(1.0)
        before_mb, before_cpu_s = resident_mb(), time.process_time()
        began = time.perf_counter()
        latencies = await _accept(app, accepts, CALLBACK if receiver is None else f"{receiver}/callback/{{number}}")
        accept_s = time.perf_counter() - began
        calls = {"environment": "d365", "method": "POST", "status": "200"}
        started_s = await _until(app, began, accepts, "d365_requests_total", **calls)
        cpu_s = time.process_time() - before_cpu_s
        numbers = {
            "accepts": accepts,
            "accepts_per_s": round(accepts / accept_s),
            "accept_p50_ms": round(sorted(latencies)[len(latencies) // 2] * 1000, 2),
            "accept_p99_ms": round(sorted(latencies)[len(latencies) * 99 // 100] * 1000, 2),
            "starts_per_s": round(accepts / started_s),
            "cpu_ms_per_started_job": round(cpu_s * 1000 / accepts, 2),
        }
        if receiver is not None:
            lags = quantiles(await _lags(receiver, accepts))
            return numbers | lags | {"memory_mb": round(resident_mb()), "more_mb": round(resident_mb() - before_mb)}
        waited_s = await _until(app, began, accepts, "jobs", state="running")
        return {
            **numbers,
            "all_watched_after_s": round(waited_s, 1),
            "memory_mb": round(resident_mb()),
            "kb_per_watch": round((resident_mb() - before_mb) * 1024 / accepts, 1),
            **await _polling(app, accepts),
        }


async def restart(app: Starlette, watches: int) -> dict[str, float]:
    """How long a new life on the same store needs until it watches everything again."""
    began, cpu_s = time.perf_counter(), time.process_time()
    async with app.router.lifespan_context(app):
        watched_s = await _until(app, began, watches, "watches")
        return {
            "restart_watched_after_s": round(watched_s, 2),
            "restart_cpu_s": round(time.process_time() - cpu_s, 2),
        }


async def _lags(receiver: str, count: int) -> list[float]:
    """Seconds from the end of each batch job to its callback, once all of them have arrived."""
    async with httpx.AsyncClient(timeout=60) as client:
        while len(lags := (await client.get(f"{receiver}/lags")).json()) < count:  # noqa: ASYNC110 - in another process
            await asyncio.sleep(1.0)
    return [float(lag) for lag in lags]


async def _accept(app: Starlette, count: int, callback: str) -> list[float]:
    latencies: list[float] = []
    numbers = iter(range(1, count + 1))

    async def trusted(scope: Any, receive: Any, send: Any) -> None:
        scope["extensions"] = {"gateway.caller": "bench"}
        await app(scope, receive, send)

    async def caller(client: httpx.AsyncClient) -> None:
        for number in numbers:
            began = time.perf_counter()
            body = {"batchId": number, "callBackUri": callback.format(number=number)}
            while (response := await client.post("/jobs", json=body)).status_code == 503:
                pass  # overloaded: the same request again, as a caller would
            assert response.status_code == 202, response.text
            latencies.append(time.perf_counter() - began)

    transport = httpx.ASGITransport(app=trusted)
    async with httpx.AsyncClient(transport=transport, base_url="http://bench", timeout=60) as client:
        await asyncio.gather(*(caller(client) for _ in range(CALLERS)))
    return latencies


async def _until(app: Starlette, began: float, count: int, name: str, **labels: str) -> float:
    """Until a meter has reached *count*; seconds since *began*."""
    while _value(app, name, **labels) < count:  # noqa: ASYNC110 - a meter rings no bell
        await asyncio.sleep(0.05)
    return time.perf_counter() - began


async def _polling(app: Starlette, watches: int) -> dict[str, float]:
    """Queries in one minute of quiet polling."""
    await asyncio.sleep(SETTLE_S)  # let the intervals grow to their cap
    before, began = _value(app, "poll_queries_total"), time.perf_counter()
    await asyncio.sleep(2 * SETTLE_S)
    per_minute = (_value(app, "poll_queries_total") - before) * 60 / (time.perf_counter() - began)
    return {"poll_queries_per_min": round(per_minute), "watches_per_query": round(watches / max(per_minute, 1), 1)}


def _value(app: Starlette, name: str, **labels: str) -> float:
    registry = app.state.engine.metrics.registry
    return registry.get_sample_value(f"gateway_notifications_{name}", labels) or 0.0


def resident_mb() -> float:
    """Memory of this process, in MB."""
    status = Path("/proc/self/status").read_text()
    return int(next(line for line in status.splitlines() if line.startswith("VmRSS")).split()[1]) / 1024


def settings(store: str, emulated: Mapping[str, str]) -> NotificationSettings:
    """The defaults, with budgets that outlast the measurement."""
    return NotificationSettings(
        store=SecretStr(store),
        d365=D365Settings(**{name: value for name, value in emulated.items() if name != "receiver"}),
        budgets=BudgetSettings(overall_s=7200.0),
        callbacks=CallbackSettings(
            hosts=("*.azure.com", "127.0.0.1"), allow_http=True, allow_private_networks=True, profile="adf"
        ),
        default_caller=CallerRule(name="bench", batch_jobs=None),
        encryption_key=(SecretStr("bench"),),
    )


async def _resolve(host: str, port: int) -> list[str]:
    """No name is resolved in a benchmark."""
    return [host if host == "127.0.0.1" else "20.50.2.3"]


def emulate(watches: int, ending: bool) -> None:
    """Serve F&O and Entra until standard input closes; tell the parent where they are."""
    entra = EntraEmulator()
    d365 = D365Emulator(jobs=[Job(n, lives=(life_of(n) if ending else endless(5),)) for n in range(1, watches + 1)])
    with serve(entra) as entra_url, serve(d365) as d365_url, serve(EndingsReceiver(d365)) as receiver:
        application = entra.directory.applications[0]
        found = {
            "instance_url": d365_url,
            "token_url": f"{entra_url}/{entra.tenants[0]}/oauth2/v2.0/token",
            "client_id": application.client_id,
            "client_secret": application.secrets[0],
            "receiver": receiver,
        }
        print(json.dumps(found), flush=True)
        sys.stdin.read()


@contextmanager
def emulated(watches: int, core: int | None = None, ending: bool = False) -> Iterator[dict[str, str]]:
    """The emulators in a process of their own, on one core or any: the settings that lead there, and the receiver."""
    command = [sys.executable, "-m", "benchmarks.bench_notifications", "--emulate", "--watches", str(watches)]
    command += ["--ending"] if ending else []
    command = command if core is None else pinned(core, command)
    root = Path(__file__).parent.parent
    with subprocess.Popen(command, cwd=root, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        yield json.loads(process.stdout.readline())
        process.communicate()


def main() -> None:
    """Run once and print one JSON object."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--watches", type=int, default=10_000)
    parser.add_argument("--store")
    parser.add_argument("--ending", action="store_true")
    parser.add_argument("--emulate", action="store_true", help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.emulate:
        emulate(given.watches, given.ending)
        return
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))
    store = given.store or f"sqlite:///{tempfile.mkdtemp()}/notifications.db"
    with emulated(given.watches, ending=given.ending) as d365:
        found, receiver = settings(store, d365), d365["receiver"] if given.ending else None
        numbers = asyncio.run(measure(create_app(found, resolver=_resolve), given.watches, receiver))
        if not given.ending:
            numbers |= asyncio.run(restart(create_app(found, resolver=_resolve), given.watches))
        print(json.dumps(numbers, indent=2))


if __name__ == "__main__":
    main()
