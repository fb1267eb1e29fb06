"""What is asked of the contenders, and the answers that have to be right before anything is timed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import httpx2

from benchmarks.contenders import BATCH_JOBS, OPERATIONS, Contender
from benchmarks.issuer import Issuer
from benchmarks.load import Call, write_calls

TOKENS = 10_000
# A request for batch job ID; no two are the same, so each is a job of its own.
JOB = '{"batchId": ID, "callBackUri": "http://127.0.0.1:19900/upload?n=NUMBER"}'


@dataclass(frozen=True, slots=True)
class Workload:
    """
    One question.

    Attributes:
        refuses: Whether every answer has to be a refusal.
        latency: Whether the result is the median latency; otherwise it is the rate.
        only_whole: Whether only the gateway can do it.
        only_batch: Whether it needs the notification service.
    """

    name: str
    title: str
    calls: Path
    connections: int = 32
    refuses: bool = False
    latency: bool = False
    only_whole: bool = False
    only_batch: bool = False

    def fits(self, contender: Contender) -> bool:
        """Whether *contender* takes part."""
        if self.only_batch or contender.batch:
            return self.only_batch and contender.batch
        if self.only_whole:
            return contender.whole
        return contender.verifies or not self.refuses


def prepare(work: Path, issuer: Issuer, job: str) -> list[Workload]:
    """All workloads, their requests written below *work*; *job* is the path of a batch job that is watched."""
    token = issuer.token()

    def calls(name: str, *made: Call) -> Path:
        return write_calls(work / f"{name}.calls", made)

    small = Call("GET", "/api/small.json", token)
    many = [Call("GET", "/api/small.json", issuer.token(number)) for number in range(TOKENS)]
    forged = [Call("GET", "/api/small.json", issuer.forged(number)) for number in range(500)]
    spread = [Call("GET", f"/many/part{n % 14}/o{n}/{n * 7}", token) for n in range(OPERATIONS)]
    posted = [Call("POST", "/batch/jobs", token, JOB.replace("ID", str(n))) for n in range(1, BATCH_JOBS + 1)]
    return [
        Workload("W1", "one valid token", calls("w1", small)),
        Workload("W2", "10,000 valid tokens", calls("w2", *many)),
        Workload("W3", "bad signature", calls("w3", *forged), refuses=True),
        Workload("W4 down", "1 MiB down", calls("w4d", Call("GET", "/api/large.bin", token))),
        Workload("W4 up", "1 MiB up", calls("w4u", Call("POST", "/api/upload", token, 1 << 20))),
        Workload("W5", "latency, one connection", calls("w5", small), connections=1, latency=True),
        Workload("W6", "200 operations, ten policies", calls("w6", *spread), only_whole=True),
        Workload("W7 post", "batch job accepted, 202", calls("w7p", *posted), only_batch=True),
        Workload("W7 get", "status of a batch job", calls("w7g", Call("GET", job, token)), only_batch=True),
    ]


def verify_batch(contender: Contender, issuer: Issuer) -> str:
    """The path of a job that was accepted rightly. Raises SystemExit."""
    body = JOB.replace("ID", "1").replace("NUMBER", "0")
    with httpx2.Client(base_url=contender.origin, headers={"Content-Type": "application/json"}) as client:
        refused = client.post("/batch/jobs", content=body)
        client.headers["Authorization"] = f"Bearer {issuer.token()}"
        accepted = client.post("/batch/jobs", content=body)
        path = accepted.headers.get("location", "")
        shown = client.get(path)
        foreign = client.get(path, headers={"Authorization": f"Bearer {issuer.token(7)}"})
        found = [refused.status_code, accepted.status_code, shown.status_code, foreign.status_code]
        if found != [401, 202, 202, 404] or shown.json()["batchId"] != 1:
            raise SystemExit(f"{contender.name}: jobs without token, with it, their status, another's status: {found}")
    return path


def verify(contender: Contender, issuer: Issuer) -> None:
    """Refuse to time a contender that answers wrongly. Raises SystemExit."""
    token, forged = issuer.token(7), issuer.forged(7)
    subject = f"[22222222-2222-2222-2222-{7:012d}]"
    with httpx2.Client(base_url=contender.origin, headers={"Authorization": f"Bearer {token}"}) as client:
        checks: list[tuple[str, Callable[[], bool]]] = [
            ("a valid token passes", lambda: client.get("/api/small.json").status_code == 200),
            ("1 MiB comes down", lambda: len(client.get("/api/large.bin").content) == 1 << 20),
            ("1 MiB goes up", lambda: client.post("/api/upload", content=b"x" * (1 << 20)).status_code == 204),
        ]
        if contender.verifies:
            mine = {"caller-objectid": "forged", "Caller-ObjectID": "forged"}
            bad = {"Authorization": f"Bearer {forged}"}
            checks += [
                ("only the true subject arrives", lambda: client.get("/api/caller", headers=mine).text == subject),
                ("a bad signature is refused", lambda: client.get("/api/small.json", headers=bad).status_code == 401),
                ("no token is refused", lambda: httpx2.get(f"{contender.origin}/api/small.json").status_code == 401),
            ]
        for promise, holds in checks:
            if not holds():
                raise SystemExit(f"{contender.name}: not so: {promise}")
