"""DBOS as we use it: its settings and its log."""

from __future__ import annotations

import logging

import sqlalchemy as sa
import structlog
from dbos import DBOSConfig
from dbos import DBOSPortableJSONSerializer as PortableJson

from gateway.notifications import workflow
from gateway.notifications.database import store_url

log = structlog.get_logger("gateway.notifications")

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
        log_level="ERROR",
        max_executor_threads=_THREADS,
        scheduler_polling_interval_sec=3600.0,
    )


class _Forward(logging.Handler):
    """DBOS's log lines as events of ours."""

    def emit(self, record: logging.LogRecord) -> None:
        """One event."""
        log.error("dbos", message=record.getMessage())


def forward_log() -> None:
    """
    Take DBOS's console handler away: its lines become events in our log.

    Errors only: at every stop DBOS warns of each workflow that goes on later, which is what it is for.
    """
    logger = logging.getLogger("dbos")
    logger.handlers[:] = [_Forward()]
    logger.propagate = False
