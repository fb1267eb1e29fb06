"""
``make envoy-service``: several gateways behind one Envoy, under load, while one is killed, one drained, one reloaded.

Every request is answered, and by a decision: with the key by 200, and the backend has seen the number that the policy
took from the request, never the client's own copy; without it by 401. Calls are counted in Redis for all gateways
together.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import tempfile
import time
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from subprocess import Popen
from typing import Any

from tests.acceptance.envoy_rig import Change, asking, configuration, envoy, manager
from tests.acceptance.test_rolling_restart import free_ports
from tests.nginx import listening
from tests.processes import started
from tests.redis_server import RedisServer

FILES = {"ext_authz": "envoy-ext-authz-grpc.yaml", "ext_proc": "envoy/ext-proc.yaml"}
CLIENTS = 16
CONFIG = """
listen: 127.0.0.1:{data}
management: 127.0.0.1:{management}
envoy: {{listen: "127.0.0.1:{envoy}", ext-proc: true}}
redis: redis://127.0.0.1:{redis}/0
timeouts: {{drain-delay: 3s, drain: 10s}}
logging: {{requests: none}}
backends: {{orders: {{url: "http://127.0.0.1:9"}}}}   # Envoy has its address
apis: [{{id: a, path: a, policy: judged.xml, backend: orders}}]
"""
CALLS = 1_000_000
POLICY = """
<policies><inbound><base />
  <check-header name="X-Key" failed-check-httpcode="401" failed-check-error-message="no key"
    ignore-case="false"><value>right</value>
  </check-header>
  <rate-limit-by-key calls="{calls}" renewal-period="300" counter-key='@("all")'
    remaining-calls-header-name="X-Remaining" />
  <set-header name="X-Judged" exists-action="override">
    <value>@(context.Request.Headers.GetValueOrDefault("X-Number", ""))</value></set-header>
</inbound><backend><base /></backend><outbound><base /></outbound><on-error><base /></on-error></policies>
"""


@dataclass
class Tally:
    """
    What clients have seen.

    Attributes:
        wrong: Answers that no decision explains, with what they were.
        counted: Calls that the gateways have counted in Redis, all together.
    """

    statuses: Counter[int] = field(default_factory=Counter)
    wrong: list[str] = field(default_factory=list)
    slowest_s: float = 0.0
    counted: int = 0


@dataclass
class Gateways:
    """Gateways on the same Redis, each with its own addresses."""

    folder: Path
    redis: int
    count: int
    workers: int

    def __post_init__(self) -> None:
        self.ports = [free_ports(3) for _ in range(self.count)]
        (self.folder / "judged.xml").write_text(POLICY.format(calls=CALLS))
        for number, (data, management, asked) in enumerate(self.ports):
            text = CONFIG.format(data=data, management=management, envoy=asked, redis=self.redis)
            (self.folder / f"{number}.yaml").write_text(text)

    async def start(self, number: int, running: AsyncExitStack) -> Popen[str]:
        """Start one and wait until it listens."""
        config = str(self.folder / f"{number}.yaml")
        command = [sys.executable, "-m", "gateway", "serve", "-c", config, "--workers", str(self.workers)]
        log = running.enter_context((self.folder / f"{number}.log").open("a", encoding="utf-8"))
        process = running.enter_context(started(command, stdout=log, stderr=log))
        await listening(self.ports[number][2])
        return process


@asynccontextmanager
async def backend() -> AsyncIterator[int]:
    """Answers with the values of X-Judged that have arrived, in any spelling."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while head := await reader.readuntil(b"\r\n\r\n"):
                fields = [line.partition(b":") for line in head.split(b"\r\n")]
                judged = [value.strip() for name, _, value in fields if name.lower().replace(b"_", b"-") == b"x-judged"]
                body = b",".join(judged)
                writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%b" % (len(body), body))
        except (asyncio.IncompleteReadError, ConnectionError):
            writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server:
        yield server.sockets[0].getsockname()[1]


async def client(port: int, number: int, tally: Tally, until: asyncio.Event) -> None:
    """Ask one request after the other on one connection; every eighth one has no key."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    count = 0
    while not until.is_set():
        count += 1
        mark = f"{number}-{count}"
        key = "" if count % 8 == 0 else "X-Key: right\r\n"
        forged = "X-Judged: forged\r\nx_judged: forged\r\n"
        writer.write(f"GET /a/x HTTP/1.1\r\nHost: h\r\nX-Number: {mark}\r\n{key}{forged}\r\n".encode())
        asked_at = time.monotonic()
        status, body, _ = await _answer(reader)
        tally.slowest_s = max(tally.slowest_s, time.monotonic() - asked_at)
        tally.statuses[status] += 1
        if (status, body) != (200, mark) if key else status != 401:
            tally.wrong.append(f"{mark}: {status} {body!r}")
    writer.close()


async def counted(port: int) -> int:
    """What the gateways have counted until now, by what is left after one more call."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(b"GET /a/x HTTP/1.1\r\nHost: h\r\nX-Key: right\r\n\r\n")
    _, _, head = await _answer(reader)
    writer.close()
    return CALLS - 1 - int(head.partition("x-remaining:")[2].split("\r\n")[0])


async def _answer(reader: asyncio.StreamReader) -> tuple[int, str, str]:
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").lower()
    length = int(head.partition("content-length:")[2].split("\r\n")[0] or 0)
    return int(head.split(" ")[1]), (await reader.readexactly(length)).decode(), head


def several(ports: list[int]) -> Change:
    """Envoy asks all of them, and sends names with underscores on: the gateway removes them."""

    def change(config: dict[str, Any]) -> None:
        shipped = configuration(FILES["ext_authz"], {})
        cluster = config["static_resources"]["clusters"][0]
        for name in ("health_checks", "outlier_detection", "circuit_breakers", "lb_policy"):
            cluster[name] = shipped["static_resources"]["clusters"][0][name]
        service = asking(config)["grpc_service"]
        service["retry_policy"] = asking(shipped)["grpc_service"]["retry_policy"]
        addresses = [{"socket_address": {"address": "127.0.0.1", "port_value": port}} for port in ports]
        endpoints = [{"endpoint": {"address": address}} for address in addresses]
        cluster["load_assignment"]["endpoints"] = [{"lb_endpoints": endpoints}]
        manager(config)["common_http_protocol_options"]["headers_with_underscores_action"] = "ALLOW"

    return change


async def play(folder: Path, step_s: float, *, form: str = "ext_authz", count: int = 3, workers: int = 1) -> Tally:
    """Load for about seven steps and two starts; the tally has everything that clients have seen."""
    tally, until = Tally(), asyncio.Event()
    async with AsyncExitStack() as running:
        redis = RedisServer(folder)
        redis.start()
        running.callback(redis.stop)
        gateways = Gateways(folder, redis.port, count, workers)
        processes = [await gateways.start(number, running) for number in range(count)]
        behind = await running.enter_async_context(backend())
        change = several([asked for _, _, asked in gateways.ports])
        front = await running.enter_async_context(envoy(folder, FILES[form], {8090: behind}, change))
        await asyncio.sleep(2.0)
        clients = [asyncio.create_task(client(front, number, tally, until)) for number in range(CLIENTS)]
        await asyncio.sleep(step_s)
        _say("kill -9", tally)
        os.killpg(processes[0].pid, signal.SIGKILL)
        await asyncio.sleep(2 * step_s)
        _say("started again", tally)
        await gateways.start(0, running)
        await asyncio.sleep(step_s)
        _say("SIGTERM", tally)
        processes[1].send_signal(signal.SIGTERM)
        code = await asyncio.to_thread(processes[1].wait, 30)
        _say(f"ended with {code}", tally)
        await gateways.start(1, running)
        await asyncio.sleep(step_s)
        _say("SIGHUP", tally)
        processes[2].send_signal(signal.SIGHUP)
        await asyncio.sleep(2 * step_s)
        until.set()
        await asyncio.gather(*clients)
        tally.counted = await counted(front)
        _say(f"done, {tally.counted} counted", tally)
    return tally


def _say(what: str, tally: Tally) -> None:
    print(f"{what}: {dict(tally.statuses)}, {len(tally.wrong)} wrong, slowest {tally.slowest_s:.2f} s", flush=True)


def main() -> None:
    """Print what happened; fail if any answer was wrong."""
    form, workers = sys.argv[1], int(sys.argv[2])
    with tempfile.TemporaryDirectory() as folder:
        tally = asyncio.run(play(Path(folder), 3.0, form=form, workers=workers))
    print(*tally.wrong[:20], sep="\n")
    sys.exit(bool(tally.wrong))


if __name__ == "__main__":
    main()
