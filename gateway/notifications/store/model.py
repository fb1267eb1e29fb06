"""A job as the store holds it, and what a caller asked for."""

from __future__ import annotations

import hashlib
import json
import operator
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from sys import intern
from typing import Any

from gateway.notifications.d365.batch_status import Row
from gateway.notifications.settings import DAY_S, DEFAULT_ENVIRONMENT
from gateway.notifications.store import tables
from gateway.notifications.workflow.outcomes import Outcome
from gateway.notifications.workflow.transitions import State
from gateway.notifications.workflow.watched_run import WatchedRun

_FOLLOW_UPS = uuid.UUID("5b8f2c0e-6d0b-4a51-9a52-0c1f3a0f7a11")
_UNREPORTED: dict[str, Any] = {
    "doubt_until": None, "ended_at": None, "outcome": None, "message": None, "scheduled_for": None, "facts": None,
    "attempts": 0, "doubted": 0, "series": 0, "next_attempt_at": None, "owner": None,
}  # fmt: skip


# Texts that thousands of watched jobs have in common: one object for all of them.
_SHARED = ("caller", "rule", "host", "profile", "batch_status", "environment", "owner")


@dataclass(frozen=True, slots=True)
class StoredJob:
    """One request: run batch job *batch_id*, notify *host* at its end. Times in epoch seconds; *url* is encrypted."""

    id: str
    caller: str
    rule: str
    batch_id: int
    url: str
    host: str
    profile: str
    state: State
    active: int
    created_at: float
    updated_at: float
    deadline_at: float
    callback_deadline_at: float
    snapshot: str | None = None
    starting_at: float | None = None
    doubt_until: float | None = None
    started_at: float | None = None
    running_at: float | None = None
    ended_at: float | None = None
    batch_status: str | None = None
    outcome: Outcome | None = None
    message: str | None = None
    scheduled_for: float | None = None
    facts: str | None = None
    link: str | None = None
    environment: str = DEFAULT_ENVIRONMENT
    watched: WatchedRun = WatchedRun.OURS
    follow_until: float | None = None
    follows: str | None = None
    attempts: int = 0
    doubted: int = 0
    series: int = 0
    next_attempt_at: float | None = None
    trace: str | None = None
    owner: str | None = None

    @classmethod
    def from_row(cls, row: Sequence[Any]) -> StoredJob:
        """A job from a row of the jobs table."""
        values: dict[str, Any] = dict(zip(_COLUMNS, row, strict=True))
        values |= {name: intern(values[name]) for name in _SHARED if values[name] is not None}
        values["state"] = State(values["state"])
        values["watched"] = WatchedRun(values["watched"])
        values["outcome"] = None if values["outcome"] is None else Outcome(values["outcome"])
        return cls(**values)

    def columns(self) -> dict[str, object]:
        """Values for an insert."""
        return dict(zip(_COLUMNS, _values(self), strict=True))

    @property
    def before(self) -> Row | None:
        """The batch job's row before the start."""
        return None if self.snapshot is None else Row(**json.loads(self.snapshot))

    @property
    def run_facts(self) -> dict[str, Any]:
        """What F&O shows of the run, as in ``Row.facts``; empty before the outcome."""
        return {} if self.facts is None else dict(json.loads(self.facts))

    @property
    def follow_up_id(self) -> str:
        """The id of the job that reports the actual end after this one has reported that a budget was used up."""
        return str(uuid.uuid5(_FOLLOW_UPS, self.id))

    @property
    def is_in_doubt(self) -> bool:
        """Whether a start call was made whose effect is not known."""
        return self.started_at is None and self.starting_at is not None and self.doubt_until is not None

    @property
    def may_run(self) -> bool:
        """Whether a run was started for this job, or joined, or may have been started."""
        return self.started_at is not None or self.is_in_doubt

    def follow_up(self, now: float) -> StoredJob:
        """
        A job that goes on watching the run of this one, whose budget is over, until ``follow_until``.

        If the start is in doubt it waits for the effect; it never starts anything itself. It has its own id, attempts
        and deadlines; in lists it is next to this one.
        """
        assert self.follow_until is not None  # noqa: S101 - asked for by the caller
        return replace(
            self,
            id=self.follow_up_id,
            follows=self.id,
            state=self._followed_state,
            active=1,
            created_at=self.created_at + 0.001,
            updated_at=now,
            deadline_at=self.follow_until,
            callback_deadline_at=self.follow_until + DAY_S,
            follow_until=None,
            **_UNREPORTED | ({"doubt_until": self.doubt_until} if self.is_in_doubt else {}),
        )

    @property
    def _followed_state(self) -> State:
        if self.is_in_doubt:
            return State.STARTING
        return State.WAITING if self.running_at is None else State.RUNNING

    @property
    def is_pending(self) -> bool:
        """Whether the batch job's outcome is still open."""
        return self.outcome is None and self.state is not State.STOPPED


# A job has the columns of its row, and is made of one several times in its life: ``asdict`` and row mappings take many
# times as long.
_COLUMNS = tuple(column.name for column in tables.jobs.columns)
_values = operator.attrgetter(*_COLUMNS)


@dataclass(frozen=True, slots=True)
class IdempotencyKey:
    """An idempotency key: the caller's own, or derived from what was asked when *derived*."""

    text: str
    payload: str
    derived: bool


def derive_key(
    batch_id: int, url: str, header: str | None, special: Mapping[str, object] | None = None, *others: object
) -> IdempotencyKey:
    """
    The key of a request; a key that was sent stands for everything that was asked, *others* included.

    A derived key joins requests only while the first is unfinished; otherwise one URL could be used for one run only.

    Args:
        special: What makes it another request even without a key, such as another environment.
    """
    asked = [batch_id, url, *([special] if special else [])]
    payload = _digest(asked)
    if header is None:
        return IdempotencyKey(f"derived:{payload}", payload, derived=True)
    return IdempotencyKey(sent_key(header), _digest([*asked, *others]), derived=False)


def sent_key(header: str) -> str:
    """How the store names a key that a caller has sent."""
    return f"sent:{header}"


def _digest(asked: list[object]) -> str:
    return hashlib.sha256(json.dumps(asked, sort_keys=True).encode()).hexdigest()
