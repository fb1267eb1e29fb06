"""DBOS as we use it: its settings and its log."""

from __future__ import annotations

import logging

import sqlalchemy as sa
from dbos import DBOSConfig
from dbos import DBOSPortableJSONSerializer as PortableJson

from gateway.notifications import workflow
from gateway.notifications.database import store_url

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


def quiet_dbos() -> None:
    """DBOS logs through the process's handlers, not to a console handler of its own."""
    logger = logging.getLogger("dbos")
    logger.handlers.clear()
    logger.propagate = True
