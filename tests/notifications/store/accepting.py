"""Jobs for the tests of the store, and their acceptance."""

from __future__ import annotations

from typing import Any

from gateway.notifications.store import jobs
from gateway.notifications.store.jobs import Acceptance, Refusal
from gateway.notifications.store.model import IdempotencyKey, StoredJob, derive_key
from gateway.notifications.store.store import Store
from gateway.notifications.workflow.transitions import State


def job(number: int = 1, **changes: Any) -> StoredJob:
    """A job just accepted."""
    values: dict[str, Any] = {
        "id": f"j{number}", "caller": "c", "rule": "r", "batch_id": number, "url": "plain:https://a/", "host": "a",
        "profile": "adf", "state": State.ACCEPTED, "active": 1, "created_at": float(number),
        "updated_at": float(number), "deadline_at": 9.0, "callback_deadline_at": 9.0,
    }  # fmt: skip
    return StoredJob(**(values | changes))


async def accept(
    store: Store, new: StoredJob, key: IdempotencyKey | None = None, **limits: Any
) -> Acceptance | Refusal:
    """Record a job."""
    options = {"max_active": None, "exclusive": False} | limits
    return await store.write(lambda connection: jobs.accept(connection, new, key or key_of(new), **options))


def key_of(new: StoredJob) -> IdempotencyKey:
    return derive_key(new.batch_id, new.id, None)
