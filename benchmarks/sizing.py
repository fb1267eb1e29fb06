"""
What one of each thing takes, for docs/sizing.md: connections, APIs, remembered tokens, records of requests, jobs.

    python -m benchmarks.sizing [connections apis tokens records jobs]

Memory is resident memory of a real gateway process, before and after, divided by the number of things; it does not
depend on what else the machine does.
"""

from __future__ import annotations

import asyncio
import json
import os
import ssl
import subprocess
import sys
import tempfile
import time
import tracemalloc
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import jwt
import trustme
import websockets

from gateway.notifications.store import jobs
from gateway.notifications.store.database import open_engine
from gateway.notifications.store.model import StoredJob, derive_key
from gateway.notifications.store.sealing import Sealer
from gateway.notifications.store.store import Store
from gateway.notifications.workflow.transitions import State
from gateway.telemetry.requests.plain import Plain
from gateway.telemetry.requests.record import RecordedCaller, RequestOutcome, RequestRecord
from gateway.telemetry.requests.ring import RequestLog
from gateway.telemetry.settings import RequestLogSettings

CONNECTIONS = 1_000
TOKENS = 5_000
JOBS = 5_000
RECORDS = 2_000
DATA, MANAGEMENT, ECHO = 19931, 19932, 19933
KEY = b"a key of thirty-two bytes, or so"

_ANSWER = '<return-response><set-status code="200" /></return-response>'
_TOKEN_KEY = "YSBrZXkgb2YgdGhpcnR5LXR3byBieXRlcywgb3Igc28="
_POLICIES = {
    "answer.xml": f"<policies><inbound>{_ANSWER}</inbound></policies>",
    "token.xml": '<policies><inbound><validate-jwt header-name="Authorization"><issuer-signing-keys>'
    f"<key>{_TOKEN_KEY}</key></issuer-signing-keys></validate-jwt>{_ANSWER}</inbound></policies>",
}


@contextmanager
def serving(folder: Path, config: str) -> Iterator[int]:
    """A gateway with *config*; its process id."""
    for name, text in _POLICIES.items():
        (folder / name).write_text(text, "utf-8")
    path = folder / "config.yaml"
    path.write_text(f"listen: 127.0.0.1:{DATA}\nmanagement: 127.0.0.1:{MANAGEMENT}\n{config}", "utf-8")
    command = [sys.executable, "-m", "gateway", "serve", "-c", str(path)]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL) as process:
        try:
            asyncio.run(_until_open(DATA))
            time.sleep(1.0)
            yield process.pid
        finally:
            process.terminate()


async def _until_open(port: int) -> None:
    for _ in range(900):
        try:
            _, writer = await asyncio.open_connection("127.0.0.1", port)
        except OSError:
            await asyncio.sleep(0.1)
        else:
            writer.close()
            return
    raise SystemExit("the gateway did not start")


def resident_kib(pid: int) -> int:
    """Resident memory of a process."""
    lines = Path(f"/proc/{pid}/status").read_text("utf-8").splitlines()
    return int(next(line for line in lines if line.startswith("VmRSS")).split()[1])


async def _ask(path: str, tls: ssl.SSLContext | None = None, token: str = "") -> asyncio.StreamWriter:
    """A connection that has had one request answered, and stays open."""
    reader, writer = await asyncio.open_connection("127.0.0.1", DATA, ssl=tls)
    await _exchange(reader, writer, path, token)
    return writer


async def _exchange(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, path: str, token: str = "") -> None:
    head = f"GET {path} HTTP/1.1\r\nHost: localhost\r\n" + (f"Authorization: Bearer {token}\r\n" if token else "")
    writer.write(f"{head}\r\n".encode())
    answer = await reader.readuntil(b"\r\n\r\n")
    if b" 200 " not in answer.split(b"\r\n")[0]:
        raise SystemExit(f"not 200 but {answer!r}")


async def _kept_open(pid: int, tls: ssl.SSLContext | None) -> float:
    """KiB for each idle keep-alive connection."""
    warm = [await _ask("/a/x", tls) for _ in range(50)]
    before = resident_kib(pid)
    writers = [await _ask("/a/x", tls) for _ in range(CONNECTIONS)]
    await asyncio.sleep(0.5)
    after = resident_kib(pid)
    for writer in [*warm, *writers]:
        writer.close()
    return (after - before) / CONNECTIONS


async def _tunnels(pid: int) -> float:
    """KiB for each open WebSocket, with its connection to the backend."""

    async def echo(connection: websockets.ServerConnection) -> None:
        async for message in connection:
            await connection.send(message)

    async with websockets.serve(echo, "127.0.0.1", ECHO):
        warm = [await websockets.connect(f"ws://127.0.0.1:{DATA}/w/x") for _ in range(20)]
        before = resident_kib(pid)
        opened = [await websockets.connect(f"ws://127.0.0.1:{DATA}/w/x") for _ in range(CONNECTIONS // 4)]
        for connection in opened:
            await connection.send("hello")
            await connection.recv()
        after = resident_kib(pid)
        for connection in [*warm, *opened]:
            await connection.close()
    return (after - before) / len(opened)


def connections() -> dict[str, float]:
    """Idle connections of each kind."""
    found: dict[str, float] = {}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        certificate, authority = _certificate(folder)
        apis = "apis: [{id: a, path: a, policy: answer.xml}, {id: w, path: w, backend: w}]\n"
        backend = f"backends: {{w: {{url: 'http://127.0.0.1:{ECHO}'}}}}\n"
        context = ssl.create_default_context(cafile=str(authority))
        with serving(folder, backend + apis) as pid:
            found["idle process, MiB"] = resident_kib(pid) / 1024
            found["keep-alive, KiB"] = asyncio.run(_kept_open(pid, None))
        with serving(folder, backend + apis) as pid:  # another one: memory of closed connections is used again
            found["WebSocket, KiB"] = asyncio.run(_tunnels(pid))
        with serving(folder, f"tls: {{certificate: {certificate}, key: {certificate}}}\n{apis}{backend}") as pid:
            found["keep-alive with TLS, KiB"] = asyncio.run(_kept_open(pid, context))
    return found


def _certificate(folder: Path) -> tuple[Path, Path]:
    """PEM files: certificate with key, and its authority."""
    certificate, authority = folder / "certificate.pem", folder / "authority.pem"
    issuer = trustme.CA()
    issuer.cert_pem.write_to_path(authority)
    issuer.issue_cert("localhost", "127.0.0.1").private_key_and_cert_chain_pem.write_to_path(certificate)
    return certificate, authority


def apis() -> dict[str, float]:
    """APIs with ten operations each, and a document each: of their own, or the same."""
    found: dict[str, float] = {}
    for kind in ("own", "shared"):
        sizes = []
        for count in (10, 1_000):
            with tempfile.TemporaryDirectory() as name:
                folder = Path(name)
                lines = [_api(folder, number, kind == "own") for number in range(count)]
                with serving(folder, "\n".join(["apis:", *lines, ""])) as pid:
                    sizes.append(resident_kib(pid))
                    found[f"processor time to load {count} ({kind}), s"] = _cpu_s(pid)
        found[f"API with {kind} document, KiB"] = (sizes[1] - sizes[0]) / 990
    return found


def _api(folder: Path, number: int, own: bool) -> str:
    document = f"p{number}.xml" if own else "answer.xml"
    if own:
        header = f'<set-header name="x-api" exists-action="override"><value>@("api-{number}")</value></set-header>'
        text = f"<policies><inbound><base />{header}<rate-limit calls='{number + 5}' renewal-period='60' />"
        (folder / document).write_text(f"{text}{_ANSWER}</inbound></policies>", "utf-8")
    operations = ", ".join(f"{{id: o{each}, method: GET, url-template: '/o{each}/{{id}}'}}" for each in range(10))
    return f"- {{id: a{number}, path: a{number}, policy: {document}, operations: [{operations}]}}"


def _cpu_s(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text("utf-8").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def tokens() -> dict[str, float]:
    """Valid tokens of half of Entra's size that are remembered."""
    config = "apis: [{id: a, path: a, policy: token.xml}]"
    with tempfile.TemporaryDirectory() as name, serving(Path(name), config) as pid:
        return asyncio.run(_tokens(pid))


async def _tokens(pid: int) -> dict[str, float]:
    reader, writer = await asyncio.open_connection("127.0.0.1", DATA)
    for number in range(200):
        await _exchange(reader, writer, "/a/x", _token(number))
    before = resident_kib(pid)
    for number in range(TOKENS):
        await _exchange(reader, writer, "/a/x", _token(1_000 + number))
    kept = (resident_kib(pid) - before) / TOKENS
    writer.close()
    return {"remembered token, KiB": kept, "characters of a token": float(len(_token(1)))}


def _token(number: int) -> str:
    claims = {
        "aud": "api://0b1e5c7e-7a55-4c59-8f1c-2d9a1b0c4e11",
        "iss": "https://login.microsoftonline.com/9f2b1c7e-1111-4c59-8f1c-2d9a1b0c4e11/v2.0",
        "exp": 2_000_000_000,
        "oid": f"11111111-1111-4111-8111-{number:012}",
        "sub": f"11111111-1111-4111-8111-{number:012}",
        "azp": "0b1e5c7e-7a55-4c59-8f1c-2d9a1b0c4e12",
        "name": f"A person with number {number}",
        "preferred_username": f"person{number}@contoso.example.com",
        "roles": ["orders.read", "orders.write"],
        "uti": f"{number:022}",
        "rh": "0.AXoAfhyrn1ERWUyPHC2aGwxOEXxcHgtVellMjxwtmhsMThEAAAA.",
    }
    return jwt.encode(claims, KEY, "HS256")


def records() -> dict[str, float]:
    """Refused requests in the request log, each of another caller, with the claims that are kept."""
    log = RequestLog(RequestLogSettings(refused=RECORDS))
    tracemalloc.start()
    for number in range(RECORDS):
        log.add(_record(number))
    kept, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    return {"record of a refused request, KiB": kept / len(list(log)) / 1024}


def _record(number: int) -> RequestRecord:
    person = f"11111111-1111-4111-8111-{number:012}"
    claims: dict[str, Plain] = {
        "iss": f"https://login.microsoftonline.com/{number:036}/v2.0", "aud": f"api://orders-{number}", "sub": person,
        "oid": person, "azp": f"22222222-1111-4111-8111-{number:012}", "exp": 1_800_000_000 + number,
    }  # fmt: skip
    return RequestRecord(
        id=f"{number:032x}", started_at=1.8e9 + number, method="GET", path=f"/orders/{number}", status=401,
        outcome=RequestOutcome.REFUSED, api="orders", operation="read", source="validate-jwt", scope="api",
        section="inbound", place="orders.xml:7", reason="TokenExpired", detail=f"The token expired {number} s ago.",
        expected="a token that has not expired", found=f"exp {number}", client=f"192.0.2.{number % 256}",
        caller=RecordedCaller(object_id=person, claims=claims), elapsed_ms=number / 7,
    )  # fmt: skip


def stored_jobs() -> dict[str, float]:
    """Jobs in a SQLite store, with their keys and one attempt's share of the indices."""
    with tempfile.TemporaryDirectory() as name:
        file = Path(name) / "jobs.db"
        store, sealer = Store(open_engine(f"sqlite:///{file}")), Sealer("key")
        store.open()
        before = file.stat().st_size
        asyncio.run(_accept(store, sealer))
        store.close()
        return {"job in a SQLite store, KiB": (file.stat().st_size - before) / JOBS / 1024}


async def _accept(store: Store, sealer: Sealer) -> None:
    for first in range(0, JOBS, 50):
        await asyncio.gather(*(store.write(_acceptance(sealer, first + number)) for number in range(50)))


def _acceptance(sealer: Sealer, number: int) -> Callable[..., object]:
    url = f"https://dpwesteurope.svc.datafactory.azure.com/dataplane/workflow/callback/{number:036}?callbackUrl={number:0200}"
    snapshot = {"batch_id": number, "status": "Finished", "start": 1.8e9, "end": 1.8e9, "scheduled": 1.8e9}
    job = StoredJob(
        id=f"11111111-1111-4111-8111-{number:012}", caller="11111111-1111-4111-8111-111111111111", rule="adf",
        batch_id=5_637_000_000 + number, url=sealer.seal(url), host="dpwesteurope.svc.datafactory.azure.com",
        profile="adf", state=State.RUNNING, active=1, created_at=1.8e9 + number, updated_at=1.8e9, deadline_at=1.9e9,
        callback_deadline_at=1.9e9, snapshot=json.dumps(snapshot), started_at=1.8e9, running_at=1.8e9,
        batch_status="Executing", owner="embedded",
    )  # fmt: skip
    key = derive_key(job.batch_id, url, None)
    return lambda connection: jobs.accept(connection, job, key, None, exclusive=False)


WHAT = {"connections": connections, "apis": apis, "tokens": tokens, "records": records, "jobs": stored_jobs}


def main() -> None:
    """Measure what is asked for, or everything."""
    for name in sys.argv[1:] or WHAT:
        for what, value in WHAT[name]().items():
            print(f"{what:<50} {value:10.2f}   load {os.getloadavg()[0]:.1f}", flush=True)


if __name__ == "__main__":
    main()
