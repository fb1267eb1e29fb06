"""
The service's own tables, beside those of DBOS in the same database. All times are epoch seconds.

DBOS knows how far each workflow has come; these know what people ask about: jobs, callback attempts, idempotency keys.
"""

from __future__ import annotations

import sqlalchemy as sa

metadata = sa.MetaData()

jobs = sa.Table(
    "notification_jobs",
    metadata,
    sa.Column("id", sa.String(36), primary_key=True),
    sa.Column("caller", sa.String(256), nullable=False),
    sa.Column("rule", sa.String(256), nullable=False),
    sa.Column("batch_id", sa.BigInteger, nullable=False),
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
    sa.Column("started_at", sa.Float),
    sa.Column("running_at", sa.Float),
    sa.Column("ended_at", sa.Float),
    sa.Column("batch_status", sa.String(64)),
    sa.Column("outcome", sa.String(24)),
    sa.Column("message", sa.Text),
    sa.Column("scheduled_for", sa.Float),
    sa.Column("attempts", sa.Integer, nullable=False, default=0),
    sa.Column("doubted", sa.Integer, nullable=False, default=0),  # 1: an attempt may have arrived without an answer
    sa.Column("series", sa.Integer, nullable=False, default=0),  # 0 the first delivery, then one per replay
    sa.Column("next_attempt_at", sa.Float),
    sa.Column("dispatched", sa.Integer, nullable=False, default=0),  # 1: a workflow exists for this series
    # For the two questions asked at every acceptance: the caller's active jobs, the batch job's active run.
    sa.Index("notification_jobs_caller", "caller", "active", "created_at"),
    sa.Index("notification_jobs_batch", "batch_id", "active"),
    sa.Index("notification_jobs_state", "state", "updated_at"),
    sa.Index("notification_jobs_dispatched", "dispatched", "created_at"),
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
)
