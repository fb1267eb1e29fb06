"""
Permission for one start call, checked immediately before it is sent.

Two things must hold at that moment. The job's mark, which only its owner can write, is not older than a few seconds.
And this replica's lease has not ended, by a clock that cannot be set: nothing else can have taken the job over before
that. A process that is frozen after the check and thawed later sends all the same; docs/notifications-contract.md
states what remains.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from gateway.notifications.store import jobs
from gateway.notifications.store.model import StoredJob
from gateway.notifications.store.store import Store
from gateway.notifications.workflow.clock import Clock
from gateway.notifications.workflow.doubt import StartRules, may_send


class NotPermitted(Exception):
    """Nothing was sent: the lease or the mark has run out; both may be renewed."""


class NotOwned(Exception):
    """The job was stopped, or belongs to another replica: nothing more is to be done for it here."""


class Permit(Protocol):
    """What a call to the outside asks for before it is sent."""

    async def renew(self) -> None:
        """Prepare; may take time."""

    def check(self) -> None:
        """Raise NotPermitted unless the call may be sent in this moment."""


class StartPermit:
    """The permit of one job's start call; its first mark is the one that moved the job to STARTING."""

    def __init__(
        self, store: Store, clock: Clock, job: StoredJob, rules: StartRules, may_act: Callable[[], bool]
    ) -> None:
        self._store = store
        self._clock = clock
        self._job = job
        self._rules = rules
        self._may_act = may_act
        self._valid_until = rules.valid_until(job.doubt_until or 0.0)

    async def renew(self) -> None:
        """
        Mark the call in the store unless the mark is recent.

        Raises:
            NotOwned: The job is not this replica's to start any more.
        """
        if self._clock.now() < self._valid_until:
            return
        now = self._clock.now()
        until = self._rules.doubt_until(now)
        marked = await self._store.write(lambda connection: jobs.renew_mark(connection, self._job, until, now))
        if marked is None:
            raise NotOwned
        self._valid_until = now + self._rules.valid_s

    def check(self) -> None:
        """Raise NotPermitted unless mark and lease hold in this moment."""
        if not may_send(self._clock.now(), self._valid_until, self._may_act()):
            raise NotPermitted
