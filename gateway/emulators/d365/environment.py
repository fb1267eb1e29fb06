"""An F&O environment with batch jobs, as a Python object that tests and the demo script."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

from gateway.emulators.d365.access import Access
from gateway.emulators.d365.jobs import Job, Life
from gateway.emulators.d365.lives import sample_jobs
from gateway.emulators.d365.starts import FORMS
from gateway.emulators.faults import Fault, FaultPlan

GATEWAY_HTML = "<html><head><title>503</title></head><body><h1>Service Unavailable</h1></body></html>"
THROTTLED = "The request was rejected because of high resource utilization. Slow down."


class Environment:
    """
    An F&O environment with batch jobs.

    Args:
        base_url: Its URL, and the audience of its tokens; ``serving.serve(emulator)`` sets it.
        jobs: The batch jobs; by default one for each life in ``lives.LIVES``, the blog's id first.
        clock: Seconds since the epoch.
        access: Which tokens are accepted.
        speed: How much faster than in reality runs proceed; schedules follow the clock.

    Attributes:
        date_ahead_s: By how much the ``Date`` of answers is ahead of the clock, as of a proxy whose clock is wrong.
        sends_date: Tells ``serving`` that answers carry the emulator's own ``Date``.
        jobs: By id.
        start_lag_s: Seconds between an accepted start and the row that shows it.
        listing_delay_s: Seconds that a query without ``$filter`` and ``$top`` takes (15 in the blog), divided by
            *speed*.
        page_size: Rows per page, 10,000 in F&O.
        answer_form: One of ``starts.FORMS``.
        queries: The newest thousand query strings of ``BatchJobs``.
        faults: Scripted failures, and the request counters ``faults.requests``.
    """

    sends_date = True

    def __init__(
        self,
        base_url: str = "https://contoso.operations.dynamics.com",
        *,
        jobs: Iterable[Job] | None = None,
        clock: Callable[[], float] = time.time,
        access: Access | None = None,
        speed: float = 1.0,
    ) -> None:
        self.base_url = base_url
        self.jobs = {job.id: job for job in (sample_jobs() if jobs is None else jobs)}
        self.clock = clock
        self.access = access or Access()
        self.speed = speed
        self.date_ahead_s = 0.0
        self.start_lag_s = 0.0
        self.listing_delay_s = 15.0
        self.page_size = 10_000
        self.answer_form = "sample"
        self.queries: deque[str] = deque(maxlen=1000)
        self.faults = FaultPlan()

    @property
    def requests(self) -> Mapping[str, int]:
        """Requests by endpoint: ``service-document``, ``metadata``, ``batch-jobs``, ``count``, ``batch-job``,
        ``histories``, ``start``."""
        return self.faults.requests

    def add(self, job: Job) -> Job:
        """Create a job, or replace the one with its id."""
        self.jobs[job.id] = job
        return job

    def script(self, job_id: int, *lives: Life) -> Job:
        """Create a job with these lives, one for each start in turn."""
        return self.add(Job(job_id, lives=lives))

    def begin(self, job_id: int) -> None:
        """Set the job to waiting as someone in F&O would, without the action: ``starts`` does not count it."""
        self.jobs[job_id].begin(self.clock(), speed=self.speed)

    def starts(self, job_id: int) -> int:
        """How often a start of the job was accepted; a durable service must avoid more than one."""
        return len(self.jobs[job_id].starts)

    def status(self, job_id: int) -> str | None:
        """The status that a query would return now; None for a deleted job."""
        return self.jobs[job_id].at(self.clock(), self.speed).status

    def answer_starts_as(self, form: str) -> None:
        """
        Choose the form of the start action's answer.

        Raises:
            ValueError: The form does not exist; the message lists the forms.
        """
        if form not in FORMS:
            raise ValueError(f"unknown form {form!r}; known are {', '.join(FORMS)}")
        self.answer_form = form

    def throttle(self, next_n: int | None = 1, retry_after_s: float | None = 30, as_date: bool = False) -> None:
        """Answer 429 with ``Retry-After`` in seconds, as a date, or (None) without it."""
        headers = {}
        if retry_after_s is not None:
            until = datetime.fromtimestamp(self.clock(), UTC) + timedelta(seconds=retry_after_s)
            headers["Retry-After"] = format_datetime(until, usegmt=True) if as_date else str(int(retry_after_s))
        self.faults.add(Fault(None, next_n, 429, headers, THROTTLED))

    def fail(self, next_n: int | None = 1, status: int = 503, endpoint: str | None = None) -> None:
        """Answer with *status* and the HTML page of a gateway in front."""
        self.faults.add(Fault(endpoint, next_n, status, body=GATEWAY_HTML))

    def unauthorized(self, next_n: int | None = 1) -> None:
        """Answer 401 whatever the token, as if it had been revoked."""
        self.faults.add(Fault(None, next_n, 401))

    def delay(self, delay_s: float, next_n: int | None = 1, endpoint: str | None = None) -> None:
        """Answer properly, but late."""
        self.faults.add(Fault(endpoint, next_n, delay_s=delay_s))

    def drop(self, next_n: int | None = 1, endpoint: str | None = None, after_effect: bool = False) -> None:
        """Cut the connection; with *after_effect* the job is started nevertheless, and the caller cannot know."""
        self.faults.add(Fault(endpoint, next_n, drop=True, after_effect=after_effect))
