"""
Does the gateway stay correct and small under minutes of mixed traffic?

Run: ``.venv/bin/python -m benchmarks.soak --minutes 10``. Reads, uploads, downloads, bad tokens and missing tokens go
through the whole product; one client in a hundred leaves in the middle; the backend is restarted and the issuer changes
its key again and again. Every answer is checked. At the end: no wrong answer, no connection left, memory flat.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import random
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory

import uvloop

from benchmarks.contenders import LOAD_CORE, await_port, status_kib, write_files
from benchmarks.issuer import Issuer
from benchmarks.machine import find, install_missing, pinned

PORT = 19901
CLIENTS = 40
LEAVING = 0.01
RESTART_EVERY_S = 20.0
ROTATE_EVERY_S = 45.0  # one client address may cause one fetch for an unknown key in 30 s
MAX_GROWTH_MIB = 32.0
WEIGH_EVERY_S = 20.0


@dataclass
class State:
    """What clients share. *excused* until the moment a restarted backend is back."""

    work: Path
    issuer: Issuer
    tokens: list[str] = field(default_factory=list)
    forged: list[str] = field(default_factory=list)
    excused_until: float = 0.0
    counts: Counter[str] = field(default_factory=Counter)
    wrong: list[str] = field(default_factory=list)

    def refresh(self) -> None:
        """Tokens of the present key."""
        self.tokens = [self.issuer.token(number) for number in range(200)]
        self.forged = [self.issuer.forged(number) for number in range(20)]


def head(method: str, path: str, token: str, extra: str = "") -> bytes:
    """One request head."""
    authorization = f"Authorization: Bearer {token}\r\n" if token else ""
    return f"{method} {path} HTTP/1.1\r\nHost: h\r\n{authorization}{extra}\r\n".encode()


async def read_answer(reader: asyncio.StreamReader) -> tuple[int, bytes, bool]:
    """Status, body, and whether the connection is at its end."""
    lines = (await reader.readuntil(b"\r\n\r\n")).lower().split(b"\r\n")
    length = next((int(line[15:]) for line in lines if line.startswith(b"content-length:")), 0)
    return int(lines[0].split()[1]), await reader.readexactly(length), b"connection: close" in lines


async def client(state: State, end: float) -> None:
    """One client: request after request, leaving in the middle now and then."""
    reader: asyncio.StreamReader | None = None
    writer: asyncio.StreamWriter | None = None
    while time.monotonic() < end:
        if reader is None or writer is None:
            reader, writer = await asyncio.open_connection("127.0.0.1", PORT, limit=1 << 21)
        started = time.monotonic()
        name, request, status, subject = pick(state)
        try:
            writer.write(request)
            if random.random() < LEAVING:
                await asyncio.sleep(random.random() * 0.01)
                writer.transport.abort()
                state.counts["left"] += 1
                reader = writer = None
                continue
            answered, body, closing = await asyncio.wait_for(read_answer(reader), 30)
        except (OSError, asyncio.IncompleteReadError, TimeoutError) as error:
            judge(state, started, name, f"{type(error).__name__}", False)
            reader = writer = None
            continue
        right = answered == status and (subject is None or body.decode() == f"[{subject}]")
        judge(state, started, name, f"{answered} {body[:80]!r}", right)
        if closing:
            writer.close()
            reader = writer = None
    if writer is not None:
        writer.close()


def judge(state: State, started: float, name: str, got: str, right: bool) -> None:
    """Count an answer; while the backend is away a 502 or a broken answer is right, too."""
    if right:
        state.counts[name] += 1
    elif started < state.excused_until and not got.startswith("200"):
        state.counts["while the backend was away"] += 1
    else:
        state.wrong.append(f"{name}: {got}")


def pick(state: State) -> tuple[str, bytes, int, str | None]:
    """A request: name, bytes, the status that is right, the subject that the backend has to see."""
    number = random.randrange(len(state.tokens))
    token, chance = state.tokens[number], random.random()
    if chance < 0.6:
        subject = f"22222222-2222-2222-2222-{number:012d}"
        return "caller", head("GET", "/api/caller", token, "caller_objectid: forged\r\n"), 200, subject
    if chance < 0.7:
        return "many", head("GET", f"/many/part{number % 14}/o{number}/{number}", token), 200, None
    if chance < 0.75:
        return "large", head("GET", "/api/large.bin", token), 200, None
    if chance < 0.8:
        return "upload", head("POST", "/api/upload", token, "Content-Length: 200000\r\n") + b"x" * 200_000, 204, None
    if chance < 0.9:
        return "forged", head("GET", "/api/caller", random.choice(state.forged)), 401, None
    return "anonymous", head("GET", "/api/caller", ""), 401, None


async def every(seconds: float, end: float, action: Callable[[], Awaitable[None]]) -> None:
    """Do *action* again and again."""
    while time.monotonic() + seconds < end:
        await asyncio.sleep(seconds)
        await action()


def start_backend(work: Path) -> subprocess.Popen[bytes]:
    """The static backend."""
    command = [find("nginx") or "nginx", "-p", str(work), "-c", str(work / "nginx-backend.conf")]
    process = subprocess.Popen(pinned(LOAD_CORE, command))
    await_port(19900)
    return process


async def run(minutes: float, work: Path) -> bool:
    """The soak; whether all promises held."""
    issuer = Issuer.create()
    write_files(work, issuer)
    state = State(work, issuer)
    state.refresh()
    backend = [start_backend(work)]
    log = (work / "gateway.log").open("wb")
    command = [str(Path(sys.executable).parent / "gateway"), "serve", "-c", "gateway.yaml"]
    gateway = subprocess.Popen(  # noqa: ASYNC220 (starting does not block)
        command, cwd=work, stdout=log, stderr=log
    )
    await asyncio.to_thread(await_port, PORT)

    async def restart() -> None:
        state.excused_until = time.monotonic() + 3600
        backend[0].terminate()
        await asyncio.to_thread(backend[0].wait)
        backend[0] = await asyncio.to_thread(start_backend, work)
        state.excused_until = time.monotonic()

    async def rotate() -> None:
        state.issuer = Issuer.create(f"key-{time.monotonic():.0f}")
        state.issuer.publish_keys(work / "www")
        state.refresh()

    memory: list[float] = []

    async def weigh() -> None:
        memory.append(status_kib(str(gateway.pid), "VmRSS:") / 1024)

    end = time.monotonic() + minutes * 60
    try:
        weighing = every(min(WEIGH_EVERY_S, minutes * 20), end, weigh)
        chores = [every(RESTART_EVERY_S, end, restart), every(ROTATE_EVERY_S, end, rotate), weighing]
        await asyncio.gather(*(client(state, end) for _ in range(CLIENTS)), *chores)
        await asyncio.sleep(2)
        await weigh()
        return report(state, memory, connections(gateway.pid))
    finally:
        show_odd_lines(work / "gateway.log")
        gateway.terminate()
        backend[0].terminate()
        gateway.wait(timeout=40)
        backend[0].wait(timeout=10)


def connections(pid: int) -> int:
    """Established client connections of the gateway, as the kernel sees them."""
    lines = Path(f"/proc/{pid}/net/tcp").read_text(encoding="ascii").splitlines()[1:]
    local = f":{PORT:04X}"
    return sum(1 for line in lines if line.split()[1].endswith(local) and line.split()[3] == "01")


def show_odd_lines(log: Path) -> None:
    """Print what the gateway logged beyond the refusals that were asked for."""
    expected = (b"TokenSignatureInvalid", b"TokenNotPresent", b"BackendConnectionFailure")
    lines = [line for line in log.read_bytes().splitlines() if not any(reason in line for reason in expected)]
    print(*(line.decode(errors="replace")[:400] for line in lines[:20]), sep="\n")


def report(state: State, memory: list[float], left: int) -> bool:
    """Print what happened; whether it was right. *memory*: resident, MiB, from time to time."""
    total = sum(state.counts.values())
    print(f"{total:,} requests:", ", ".join(f"{name} {count:,}" for name, count in state.counts.most_common()))
    print(f"wrong answers: {len(state.wrong)}", *state.wrong[:10], sep="\n  ")
    print(f"connections left: {left}; memory in MiB: {', '.join(f'{size:.0f}' for size in memory)}")
    return not state.wrong and not left and memory[-1] - memory[0] < MAX_GROWTH_MIB


def main() -> None:
    """Run the soak; exit code 1 when a promise was broken."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=10.0)
    options = parser.parse_args()
    install_missing()
    with TemporaryDirectory(prefix="gateway-soak-") as folder:
        os.chmod(folder, 0o755)  # nginx reads it as another user
        held = uvloop.run(run(options.minutes, Path(folder)))
    raise SystemExit(0 if held else 1)


if __name__ == "__main__":
    main()
