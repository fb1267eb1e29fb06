"""
The service's tables: jobs, callback attempts, idempotency keys, replicas. All times are epoch seconds.

A job's row is also its workflow: where it stands, when the next step is due, and who takes it.
"""

from __future__ import annotations

import sqlalchemy as sa

metadata = sa.MetaData()

_IS_ACTIVE = sa.text("active = 1")
_IS_FREE = sa.text("active = 1 AND owner IS NULL")

jobs = sa.Table(
    "notification_jobs",
    metadata,
    sa.Column("id", sa.String(36), primary_key=True),
    sa.Column("caller", sa.String(256), nullable=False),
    sa.Column("rule", sa.String(256), nullable=False),
    sa.Column("batch_id", sa.BigInteger, nullable=False),
    sa.Column("environment", sa.String(64), nullable=False, server_default="d365"),
    sa.Column("watched", sa.String(8), nullable=False, server_default="ours"),  # which run, see WatchedRun
    sa.Column("url", sa.Text, nullable=False),  # sealed
    sa.Column("host", sa.String(255), nullable=False),
    sa.Column("profile", sa.String(16), nullable=False),
    sa.Column("state", sa.String(24), nullable=False),
    sa.Column("active", sa.Integer, nullable=False),  # 1 until the state is final
    sa.Column("created_at", sa.Float, nullable=False),
    sa.Column("updated_at", sa.Float, nullable=False),
    sa.Column("deadline_at", sa.Float, nullable=False),
    sa.Column("callback_deadline_at", sa.Float, nullable=False),
    sa.Column("snapshot", sa.Text),  # the row before the start, JSON
    sa.Column("starting_at", sa.Float),
    sa.Column("doubt_until", sa.Float),  # a start call may have been sent, and its effect may show until then
    sa.Column("started_at", sa.Float),
    sa.Column("running_at", sa.Float),
    sa.Column("ended_at", sa.Float),
    sa.Column("batch_status", sa.String(64)),
    sa.Column("outcome", sa.String(24)),
    sa.Column("message", sa.Text),
    sa.Column("scheduled_for", sa.Float),
    sa.Column("facts", sa.Text),  # F&O's own description and times of the run that the outcome is about, JSON
    sa.Column("link", sa.Text),  # where the batch job is found in F&O
    sa.Column("follow_until", sa.Float),  # until when the end is waited for after a budget is over
    sa.Column("follows", sa.String(36)),  # the job that has reported that a budget was over
    sa.Column("attempts", sa.Integer, nullable=False, default=0),
    sa.Column("doubted", sa.Integer, nullable=False, default=0),  # 1: an attempt may have arrived without an answer
    sa.Column("series", sa.Integer, nullable=False, default=0),  # 0 the first delivery, then one per replay
    sa.Column("next_attempt_at", sa.Float),
    sa.Column("trace", sa.Text),  # W3C trace context of the request; null: telemetry was off
    sa.Column("owner", sa.String(64)),  # the executor whose task takes the next step; null: free
    # For the two questions asked at every acceptance: the caller's active jobs, the batch job's active run.
    sa.Index("notification_jobs_caller", "caller", "active", "created_at"),
    sa.Index("notification_jobs_batch", "batch_id", "active"),
    sa.Index("notification_jobs_state", "state", "updated_at"),
    # Few rows are active among those that are kept, so what looks for them has small indexes of its own.
    sa.Index("notification_jobs_active", "state", "created_at", sqlite_where=_IS_ACTIVE, postgresql_where=_IS_ACTIVE),
    sa.Index("notification_jobs_free", "created_at", sqlite_where=_IS_FREE, postgresql_where=_IS_FREE),
)

attempts = sa.Table(
    "notification_attempts",
    metadata,
    sa.Column("job_id", sa.String(36), primary_key=True),
    sa.Column("series", sa.Integer, primary_key=True),
    sa.Column("number", sa.Integer, primary_key=True),
    sa.Column("at", sa.Float, nullable=False),
    sa.Column("duration_s", sa.Float),  # null: the process ended during the attempt
    sa.Column("status", sa.Integer),
    sa.Column("error", sa.String(64)),
    sa.Column("decision", sa.String(16)),
    sa.Column("excerpt", sa.Text),
    sa.Column("next_at", sa.Float),
)

keys = sa.Table(
    "notification_keys",
    metadata,
    sa.Column("caller", sa.String(256), primary_key=True),
    sa.Column("key", sa.String(300), primary_key=True),
    sa.Column("job_id", sa.String(36), nullable=False),
    sa.Column("payload", sa.String(64), nullable=False),  # SHA-256 of what was asked
    sa.Index("notification_keys_job", "job_id"),
)

replicas = sa.Table(
    "notification_replicas",
    metadata,
    sa.Column("executor_id", sa.String(64), primary_key=True),
    sa.Column("started_at", sa.Float, nullable=False),
    sa.Column("lease_until", sa.Float),  # by the store's clock; on SQLite the time of the last heartbeat
    sa.Column("wall_at", sa.Float),  # what the wall clock showed at that heartbeat
    sa.Column("steady_at", sa.Float),  # what the steady clock showed, which counts on until the machine's next start
    sa.Column("boot", sa.String(128)),  # which start of the machine that was
)

schema = sa.Table(
    "notification_schema",
    metadata,
    sa.Column("version", sa.Integer, primary_key=True),
)
