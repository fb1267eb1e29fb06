"""
DBOS as we use it: its settings, and putting workflows on its queue in a transaction of ours.

Anyone with the store may enqueue; only a running engine executes.
"""

from __future__ import annotations

import logging
from typing import Any

import sqlalchemy as sa
from dbos import DBOSClient, DBOSConfig, EnqueueOptions
from dbos import DBOSPortableJSONSerializer as PortableJson

from gateway.notifications import jobs, workflow
from gateway.notifications.database import store_url
from gateway.notifications.model import Job

_NAME = "gateway-notifications"
# DBOS spends its time in SQL; more threads than this only fight for the interpreter.
_THREADS = 4


def dbos_config(url: str, engine: sa.Engine, executor_id: str) -> DBOSConfig:
    """DBOS on our engine: no telemetry, no admin port, JSON instead of pickle in the database."""
    return DBOSConfig(
        name=_NAME,
        system_database_url=store_url(url).render_as_string(hide_password=False),
        system_database_engine=engine,
        application_version=workflow.VERSION,
        executor_id=executor_id,
        serializer=PortableJson(),
        enable_otlp=False,
        log_level="WARNING",
        max_executor_threads=_THREADS,
        scheduler_polling_interval_sec=3600.0,
    )


def open_client(url: str, engine: sa.Engine) -> DBOSClient:
    """DBOS from outside a workflow: to enqueue, nothing else."""
    return DBOSClient(
        system_database_url=store_url(url).render_as_string(hide_password=False),
        system_database_engine=engine,
        serializer=PortableJson(),
        application_name=_NAME,
    )


def enqueue_watch(client: DBOSClient, connection: sa.Connection, job: Job) -> None:
    """Put a new job's workflow on the queue in the transaction of *connection*."""
    _enqueue(client, connection, workflow.WATCH, job.id, job.id)


def replay(client: DBOSClient, connection: sa.Connection, job_id: str, now: float, lifetime_s: float) -> Job | None:
    """Open a new series of callback attempts, until *lifetime_s* from *now*; None when the job is not final."""
    job = jobs.reopen(connection, job_id, now, lifetime_s)
    if job is not None:
        _enqueue(client, connection, workflow.REPLAY, f"{job.id}.{job.series}", job.id, job.series)
    return job


def quiet_dbos() -> None:
    """DBOS logs through the process's handlers, not to a console handler of its own."""
    logger = logging.getLogger("dbos")
    logger.handlers.clear()
    logger.propagate = True


def _enqueue(client: DBOSClient, connection: sa.Connection, name: str, workflow_id: str, *arguments: Any) -> None:
    options: EnqueueOptions = {
        "workflow_name": name,
        "queue_name": workflow.QUEUE,
        "workflow_id": workflow_id,
        "app_version": workflow.VERSION,
    }
    client.enqueue_in_transaction(connection, options, *arguments)
