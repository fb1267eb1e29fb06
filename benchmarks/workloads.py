"""What is asked of the contenders, and the answers that have to be right before anything is timed."""

from __future__ import annotations

import itertools
import json
import math
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import httpx2

from benchmarks.contenders import (
    ALGORITHMS,
    BATCH,
    BATCH_JOBS,
    OPERATIONS,
    PASSING,
    POLICIES,
    TLS,
    TWO,
    VERIFYING,
    Contender,
)
from benchmarks.issuer import Issuer
from benchmarks.load import Call, write_calls
from benchmarks.own_cost.workloads import BROWSER, FORGERIES, forged, halved, job

TOKENS = 10_000
UNSEEN = 10_000  # of a round, more than a gateway on one core answers in its second
FORGED_ONCE = 20_000  # several times as many as refusals are remembered
SMALL = "/api/small.json"
# A request for batch job ID; no two are the same, so each is a job of its own.
JOB = '{"batchId": ID, "callBackUri": "http://127.0.0.1:19900/upload?n=NUMBER"}'


CHANGING = "traceparent: 00-0000000000000000NUMBER-NUMBER-01\r\nx-ms-client-request-id: NUMBER\r\n"
CLOSE = "Connection: close\r\n"


@dataclass(frozen=True, slots=True)
class Workload:
    """
    One question.

    Attributes:
        kind: Which contenders are asked: those that have it among their kinds.
        calls: Its requests; where there are several files, each round has the next one.
        seconds: At most so long, whatever the suite's own time: nothing may be sent twice.
        refuses: Whether every answer has to be a refusal.
        latency: Whether the result is the median latency; otherwise it is the rate.
    """

    name: str
    title: str
    calls: Sequence[Path]
    kind: str = PASSING
    connections: int = 32
    seconds: float = math.inf
    refuses: bool = False
    latency: bool = False

    def fits(self, contender: Contender) -> bool:
        """Whether *contender* takes part."""
        return self.kind in contender.kinds


class _Requests:
    """Makes the files of requests."""

    def __init__(self, work: Path, issuer: Issuer, rounds: int, job: str) -> None:
        self._work, self._rounds, self.job = work, rounds, job
        self.token = issuer.token()
        self._issuer = issuer

    @cached_property
    def known(self) -> list[str]:
        """Valid tokens."""
        return [self._issuer.token(number) for number in range(TOKENS)]

    @cached_property
    def forged(self) -> list[str]:
        """Tokens with a wrong signature."""
        return [self._issuer.forged(number) for number in range(FORGERIES)]

    def file(self, name: str, calls: Iterable[Call]) -> list[Path]:
        """One file for all rounds."""
        return [write_calls(self._work / f"{name}.calls", calls)]

    def small(self, name: str, tokens: Iterable[str], fields: str = "") -> list[Path]:
        """GET requests of 1 KiB."""
        return self.file(name, [Call("GET", SMALL, token, fields=fields) for token in tokens])

    def unseen(self, algorithm: str = "RS256") -> list[Path]:
        """For each round tokens that no round before has had."""
        return [
            write_calls(
                self._work / f"unseen-{algorithm}-{number}.calls",
                [
                    Call("GET", SMALL, self._issuer.token(TOKENS + number * UNSEEN + position, algorithm))
                    for position in range(UNSEEN)
                ],
            )
            for number in range(self._rounds)
        ]

    def spread(self) -> list[Call]:
        """Every operation once."""
        return [Call("GET", f"/many/part{n % 14}/o{n}/{n * 7}", self.token) for n in range(OPERATIONS)]

    def jobs(self) -> list[Call]:
        """Every batch job once."""
        return [Call("POST", "/batch/jobs", self.token, JOB.replace("ID", str(n))) for n in range(1, BATCH_JOBS + 1)]


def prepare(work: Path, issuer: Issuer, job: str, rounds: int, names: Collection[str] = ()) -> list[Workload]:
    """
    The workloads called *names*, all of them if it is empty, their requests written below *work*.

    Args:
        job: Path of a batch job that is watched.
    """
    made = _Requests(work, issuer, rounds, job)
    return [make(made) for name, make in _WORKLOADS.items() if not names or name.split()[0] in names or name in names]


_WORKLOADS: Mapping[str, Callable[[_Requests], Workload]] = {
    "W1": lambda made: Workload("W1", "one valid token", made.small("w1", [made.token])),
    "W1b": lambda made: Workload(
        "W1b", "14 browser fields, 2 change", made.small("w1b", [made.token], BROWSER + CHANGING)
    ),
    "W1 close": lambda made: Workload("W1 close", "one request per connection", made.small("w1c", [made.token], CLOSE)),
    "W2": lambda made: Workload("W2", "10,000 valid tokens", made.small("w2", made.known)),
    "W2b": lambda made: Workload("W2b", "the same, browser fields", made.small("w2b", made.known, BROWSER + CHANGING)),
    "W2 unseen": lambda made: Workload("W2 unseen", "each token once", made.unseen(), VERIFYING, seconds=1.0),
    "W2 ES256": lambda made: Workload(
        "W2 ES256", "the same, signed with ES256", made.unseen("ES256"), ALGORITHMS, seconds=1.0
    ),
    "W2 EdDSA": lambda made: Workload(
        "W2 EdDSA", "the same, signed with EdDSA", made.unseen("EdDSA"), ALGORITHMS, seconds=1.0
    ),
    "W3": lambda made: Workload("W3", "500 forgeries", made.small("w3", made.forged), VERIFYING, refuses=True),
    "W3 new": lambda made: Workload(
        "W3 new",
        "each forgery once",
        made.small("w3n", itertools.islice(forged(made.known), FORGED_ONCE)),
        VERIFYING,
        refuses=True,
    ),
    "malformed": lambda made: Workload(
        "malformed", "no signature", made.small("malformed", map(halved, made.known)), VERIFYING, refuses=True
    ),
    "W4 down": lambda made: Workload(
        "W4 down", "1 MiB down", made.file("w4d", [Call("GET", "/api/large.bin", made.token)])
    ),
    "W4 up": lambda made: Workload(
        "W4 up", "1 MiB up", made.file("w4u", [Call("POST", "/api/upload", made.token, 1 << 20)])
    ),
    "W5": lambda made: Workload(
        "W5", "latency, one connection", made.small("w5", [made.token]), connections=1, latency=True
    ),
    "W6": lambda made: Workload("W6", "200 operations, ten policies", made.file("w6", made.spread()), POLICIES),
    "POST": lambda made: Workload(
        "POST",
        "1 KiB as JObject, set-body",
        made.file("post", [Call("POST", "/body/upload", made.token, json.dumps(job()))]),
        POLICIES,
    ),
    "TLS": lambda made: Workload("TLS", "TLS, connection kept", made.small("tls", [made.token]), TLS),
    "TLS close": lambda made: Workload(
        "TLS close", "TLS, one request per connection", made.small("tlsc", [made.token], CLOSE), TLS
    ),
    "two W1": lambda made: Workload("two W1", "two processes, one token", made.small("two1", [made.token]), TWO),
    "two W2": lambda made: Workload("two W2", "two processes, 10,000 tokens", made.small("two2", made.known), TWO),
    "W7 post": lambda made: Workload("W7 post", "batch job accepted, 202", made.file("w7p", made.jobs()), BATCH),
    "W7 get": lambda made: Workload(
        "W7 get", "status of a batch job", made.file("w7g", [Call("GET", made.job, made.token)]), BATCH
    ),
}


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


def _without_token(contender: Contender) -> int:
    """The status of a request without a token."""
    return httpx2.get(f"{contender.origin}{SMALL}", verify=TLS not in contender.kinds).status_code


def verify(contender: Contender, issuer: Issuer) -> None:
    """Refuse to time a contender that answers wrongly. Raises SystemExit."""
    token, forged = issuer.token(7), issuer.forged(7)
    subject = f"[22222222-2222-2222-2222-{7:012d}]"
    headers = {"Authorization": f"Bearer {token}"}
    with httpx2.Client(base_url=contender.origin, headers=headers, verify=TLS not in contender.kinds) as client:
        checks: list[tuple[str, Callable[[], bool]]] = [
            ("a valid token passes", lambda: client.get("/api/small.json").status_code == 200),
            ("1 MiB comes down", lambda: len(client.get("/api/large.bin").content) == 1 << 20),
            ("1 MiB goes up", lambda: client.post("/api/upload", content=b"x" * (1 << 20)).status_code == 204),
        ]
        if contender.name not in ("nginx-plain", "null"):
            mine = {"caller-objectid": "forged", "Caller-ObjectID": "forged"}
            bad = {"Authorization": f"Bearer {forged}"}
            checks += [
                ("only the true subject arrives", lambda: client.get("/api/caller", headers=mine).text == subject),
                ("a bad signature is refused", lambda: client.get("/api/small.json", headers=bad).status_code == 401),
                (
                    "no token is refused",
                    lambda: _without_token(contender) == 401,
                ),
            ]
        for promise, holds in checks:
            if not holds():
                raise SystemExit(f"{contender.name}: not so: {promise}")
