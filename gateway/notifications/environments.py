"""
The F&O environments of one gateway: each with its own connections, token, gate, poller, turns and clock skew.

What one environment does (throttle, hang, refuse) affects only its own jobs. A job's row names its environment; one
that is not configured any more keeps its jobs until it is configured again, or until their deadline.
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Mapping
from dataclasses import dataclass

import httpx2 as httpx
import structlog

from gateway.notifications.d365.azure_credentials import AzureCredential
from gateway.notifications.d365.client import D365Client
from gateway.notifications.d365.connection import D365Connection
from gateway.notifications.d365.gate import Gate
from gateway.notifications.d365.poller import Poller
from gateway.notifications.d365.token_provider import ClientCredentials, TokenProvider
from gateway.notifications.metrics import Metrics
from gateway.notifications.settings import D365Settings, NotificationSettings
from gateway.notifications.store.model import StoredJob
from gateway.notifications.store.store import Store
from gateway.notifications.workflow.clock import Clock
from gateway.notifications.workflow.outcomes import Outcome, RunVerdict
from gateway.notifications.workflow.starting import Starter
from gateway.notifications.workflow.watching import RunWatcher
from gateway.outside.isolation import no_cookies

log = structlog.get_logger("gateway.notifications")


@dataclass(frozen=True, slots=True)
class Shared:
    """What all environments share; *may_act* tells whether this replica's lease has not ended."""

    store: Store
    clock: Clock
    metrics: Metrics
    may_act: Callable[[], bool] = lambda: True


class D365Environment:
    """One environment, and the parts that work on its jobs."""

    def __init__(self, name: str, settings: NotificationSettings, shared: Shared) -> None:
        own, clock, metrics = settings.all_environments[name], shared.clock, shared.metrics
        self._http = open_http(own)  # for tokens, which are asked for once an hour
        self._wire = D365Connection(own)
        self._tokens: TokenProvider = (
            ClientCredentials(own, self._http) if own.credential == "secret" else AzureCredential(own)
        )
        client = D365Client(own, self._tokens, self._wire, clock, metrics, name)
        self.gate: Gate = client.gate
        metrics.paused.labels(name).set_function(lambda: client.gate.remaining_s)
        self.poller = Poller(client, settings.polling, clock, metrics)
        self.starter = Starter(shared.store, self.poller, client, clock, own, shared.may_act)
        self.watcher = RunWatcher(shared.store, self.poller, client, clock, settings, own)

    async def close(self) -> None:
        """Drop its connections."""
        await self._wire.close()
        await self._tokens.close()
        await self._http.aclose()


class Environments:
    """Takes each step of a job in the environment that its row names."""

    def __init__(self, members: Mapping[str, D365Environment], clock: Clock) -> None:
        self._members = members
        self._clock = clock

    async def start(self, job: StoredJob) -> StoredJob | RunVerdict | None:
        """See ``Starter.start``."""
        member = self._members.get(job.environment)
        return await (self._outlast(job) if member is None else member.starter.start(job))

    async def wait(self, job: StoredJob) -> RunVerdict | None:
        """See ``RunWatcher.wait``."""
        member = self._members.get(job.environment)
        return await (self._outlast(job) if member is None else member.watcher.wait(job))

    def stop(self, job_id: str) -> None:
        """End the wait for a job that was stopped, if it is waited for here."""
        for member in self._members.values():
            member.watcher.stop(job_id)

    def polling(self) -> list[Coroutine[None, None, None]]:
        """What has to run for as long as jobs are watched."""
        return [member.poller.run() for member in self._members.values()]

    def pauses(self) -> dict[str, float]:
        """For how many seconds each environment has asked not to be called."""
        return {name: member.gate.remaining_s for name, member in self._members.items()}

    async def close(self) -> None:
        """Drop all connections."""
        for member in self._members.values():
            await member.close()

    async def _outlast(self, job: StoredJob) -> RunVerdict:
        """The environment is not configured: nothing can be learned, and after a restart with it the job continues."""
        log.error("environment_unknown", job=job.id, batch=job.batch_id, environment=job.environment)
        await self._clock.sleep_until(job.deadline_at)
        text = f"The environment {job.environment} is not configured any more; how the batch job ended is not known."
        return RunVerdict(Outcome.UNKNOWN, text)


def open_http(settings: D365Settings) -> httpx.AsyncClient:
    """The client towards the token endpoint: no redirects, patient reading."""
    timeout = httpx.Timeout(settings.read_timeout_s, connect=settings.connect_timeout_s)
    return httpx.AsyncClient(timeout=timeout, follow_redirects=False, cookies=no_cookies())
