"""What one process reports to the console about itself; JSON between worker and management process, without secrets."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from gateway.management.backends import BackendState
from gateway.management.console.history import Sample
from gateway.telemetry.emitted_metrics import EmittedSeries


@dataclass(frozen=True, slots=True)
class IssuerState:
    """
    One token issuer.

    Attributes:
        issuer: As its metadata states it; None before the first success.
        age_s: Seconds since its keys were last confirmed; None: never.
        error: Why the last attempt failed; empty if it succeeded.
    """

    url: str
    issuer: str | None
    ready: bool
    keys: int
    vanished_keys: int
    age_s: float | None
    error: str


@dataclass(frozen=True, slots=True)
class OperationCount:
    """Answers of one operation by status; 0: the client left."""

    api: str
    operation: str
    statuses: Mapping[int, int]


@dataclass(frozen=True, slots=True)
class RefusalCount:
    """Requests that one policy refused for one reason of APIM's."""

    policy: str
    reason: str
    count: int


@dataclass(frozen=True, slots=True)
class Concern:
    """
    Something an operator should look at.

    Attributes:
        kind: ``bad``: requests fail. ``warn``: they will, or less than they should.
        what: The part, such as ``backend orders``.
        since: Seconds since the epoch; None: not known.
        page: The path of the page that has more; empty: there is none.
    """

    kind: str
    what: str
    detail: str
    since: float | None = None
    page: str = ""


@dataclass(frozen=True, slots=True)
class ProcessState:
    """
    One process, now.

    Attributes:
        process: Its id.
        started: Seconds since the epoch.
        concerns: What is wrong in it, each since when.
        operations: Those that have answered anything.
        running: What happened since the last of the *samples*.
        emitted: The largest sums of what policies count: emit-metric and its relatives.
    """

    process: int
    started: float
    ready: bool
    draining: bool
    concerns: tuple[Concern, ...]
    operations: tuple[OperationCount, ...]
    refusals: tuple[RefusalCount, ...]
    samples: tuple[Sample, ...]
    issuers: tuple[IssuerState, ...]
    backends: tuple[BackendState, ...]
    running: Sample | None = None
    emitted: tuple[EmittedSeries, ...] = ()


@dataclass(frozen=True, slots=True)
class JobLine:
    """A notification job. *host*: of the callback URL, of which the rest is a secret."""

    id: str
    batch_id: int
    state: str
    outcome: str | None
    batch_status: str | None
    host: str
    caller: str
    created: float
    attempts: int


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """A job whose callback was given up, and why."""

    job: JobLine
    given_up: float
    reason: str


@dataclass(frozen=True, slots=True)
class JobsState:
    """
    The notification service's jobs.

    Attributes:
        unfinished: State, number and creation time of the oldest, of jobs that are not final.
        latest, dead: The newest first, as many as fit a page.
        error: Why nothing could be read; empty when it could.
        gates: Each environment of F&O, and for how many seconds it has asked not to be called.
        circuits: Callback hosts that have failed repeatedly.
    """

    unfinished: tuple[tuple[str, int, float], ...] = ()
    latest: tuple[JobLine, ...] = ()
    dead: tuple[DeadLetter, ...] = ()
    error: str = ""
    gates: tuple[tuple[str, float], ...] = ()
    circuits: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class TraceLine:
    """One kept trace: what was asked, and how it ended. *status* None: not answered yet."""

    id: str
    began: str
    method: str
    url: str
    status: int | None
    reason: str


@dataclass(frozen=True, slots=True)
class TraceLines:
    """The traces of one process, newest first."""

    traces: tuple[TraceLine, ...]
