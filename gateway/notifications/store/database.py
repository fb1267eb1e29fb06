"""Opening the store: one file or one server, with the settings that durability needs."""

from __future__ import annotations

import errno
import os
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import URL, make_url

from gateway.errors import GatewayError

# A server that loses a replica's machine (not only its process) must notice within seconds, or its lock stays held.
_KEEPALIVE = {"keepalives": "1", "keepalives_idle": "5", "keepalives_interval": "3", "keepalives_count": "3"}
_SERVER_KEEPALIVE = "-c tcp_keepalives_idle=5 -c tcp_keepalives_interval=3 -c tcp_keepalives_count=3"


class StoreUnusable(GatewayError):
    """The store cannot be opened, for *reason*: a file, or a server, does not let us in."""

    def __init__(self, reason: str) -> None:
        super().__init__(f"the store cannot be used: {reason} (check notifications.store)")
        self.reason = reason


class StoreInUse(GatewayError):
    """Another process runs on the same SQLite file; two executors would both work on the same jobs."""


def unusable(error: sa.exc.DBAPIError | OSError) -> StoreUnusable:
    """What stops the service, in the driver's own words: they name host and table, never a password or a parameter."""
    cause = error.strerror if isinstance(error, OSError) else error.orig
    return StoreUnusable(str(cause).strip().partition("\n")[0])


def store_url(text: str) -> URL:
    """The SQLAlchemy URL for a configured store; ``postgresql://`` means the psycopg driver."""
    url = make_url(text)
    return url.set(drivername="postgresql+psycopg") if url.drivername in ("postgresql", "postgres") else url


def open_engine(text: str) -> sa.Engine:
    """An engine with the settings that durability needs; creates nothing."""
    url = store_url(text)
    if url.get_backend_name() == "sqlite":
        return _sqlite(url)
    arguments = {**_KEEPALIVE, "options": _SERVER_KEEPALIVE, "connect_timeout": "5", "tcp_user_timeout": "10000"}
    return sa.create_engine(url, pool_size=12, max_overflow=8, pool_pre_ping=True, connect_args=arguments)


def _sqlite(url: URL) -> sa.Engine:
    engine = sa.create_engine(url, pool_size=12, max_overflow=0)

    @sa.event.listens_for(engine, "connect")
    def prepare(connection: Any, _record: object) -> None:
        connection.isolation_level = "IMMEDIATE"
        # FULL: what was answered with 202 survives a power cut, not only the end of the process.
        for pragma in ("busy_timeout=3000", "foreign_keys=ON", "journal_mode=WAL", "synchronous=FULL"):
            connection.execute(f"PRAGMA {pragma}")

    return engine


class FileLock:
    """Held while this process runs on a SQLite file; the system drops it when the process ends, however it ends."""

    def __init__(self, database: str) -> None:
        import fcntl  # which only the systems have that serve; configurations are checked everywhere

        if os.path.isdir(database):
            raise StoreUnusable(os.strerror(errno.EISDIR))
        try:
            self._descriptor = os.open(database + ".lock", os.O_RDWR | os.O_CREAT, 0o600)
        except OSError as error:
            raise unusable(error) from error
        try:
            fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            os.close(self._descriptor)
            raise StoreInUse(f"{database} is in use by another process; replicas need a PostgreSQL store") from error

    def release(self) -> None:
        """Let another process in."""
        os.close(self._descriptor)
