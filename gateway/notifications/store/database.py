"""Opening the store: one file or one server, with the settings that durability needs."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import URL, make_url

from gateway.errors import GatewayError, UpstreamError
from gateway.notifications.settings import NotificationSettings
from gateway.notifications.store.remedies import remedy_for_refusal
from gateway.outside.settings import ClientTls
from gateway.outside.token_endpoints import token_source
from gateway.outside.token_password import TokenPassword

_KEEPALIVE = {"keepalives": "1", "keepalives_idle": "5", "keepalives_interval": "3", "keepalives_count": "3"}
# A server that loses a replica's machine (not only its process) must notice within seconds, or its locks stay held.
# Behind a pooler, which makes up the id of the server's process, its connections are not this one's to set.
_SETTLE = """
SELECT CASE WHEN pg_backend_pid() = %s THEN
    set_config('tcp_keepalives_idle', '5', false) || set_config('tcp_keepalives_interval', '3', false)
    || set_config('tcp_keepalives_count', '3', false)
END
"""


class StoreUnusable(GatewayError):
    """The store cannot be opened, for *reason*: a file, or a server, does not let us in."""

    def __init__(self, reason: str) -> None:
        super().__init__(
            f"the store cannot be used: {reason} ({remedy_for_refusal(reason) or 'check notifications.store'})"
        )
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


@dataclass(frozen=True, slots=True)
class StoreAccess:
    """
    How PostgreSQL is reached, beyond the URL.

    Attributes:
        arguments: Of libpq.
        password: Gives the password of a new connection; blocks, and raises UpstreamError.
    """

    arguments: Mapping[str, str] = field(default_factory=dict)
    password: Callable[[], str] | None = field(default=None, repr=False)


def open_store(settings: NotificationSettings) -> sa.Engine:
    """The engine of the configured store."""
    return open_engine(settings.store_url, StoreAccess(_tls(settings.store_tls), _token(settings)))


def _tls(tls: ClientTls | None) -> dict[str, str]:
    """TLS as libpq takes it: certificate and name are always verified."""
    if tls is None:
        return {}
    files = {"sslrootcert": tls.ca, "sslcert": tls.certificate, "sslkey": tls.key}
    named = {name: str(file) for name, file in files.items() if file is not None}
    return {"sslmode": "verify-full", "sslrootcert": "system", **named}


def _token(settings: NotificationSettings) -> TokenPassword | None:
    login = settings.store_entra
    if login is None:
        return None
    return TokenPassword(partial(token_source, settings.identity, os.environ), login.resource, login.client_id)


def open_engine(text: str, access: StoreAccess | None = None) -> sa.Engine:
    """An engine with the settings that durability needs; creates nothing."""
    access = access or StoreAccess()
    url = store_url(text)
    if url.get_backend_name() == "sqlite":
        return _sqlite(url)
    arguments = {**_KEEPALIVE, "connect_timeout": "5", "tcp_user_timeout": "10000", **access.arguments}
    engine = sa.create_engine(url, pool_size=12, max_overflow=8, pool_pre_ping=True, connect_args=arguments)
    sa.event.listen(engine, "connect", _settle)
    if access.password is not None:
        sa.event.listen(engine, "do_connect", partial(_log_in, access.password))
    return engine


def _settle(connection: Any, _record: object) -> None:
    """
    Set what the server's side of a new connection needs, or do without what the session would have to remember.

    Source: PgBouncer, "Features" (https://www.pgbouncer.org/features.html): transaction pooling and SET, PREPARE.
    """
    with connection.cursor() as cursor:
        (settled,) = cursor.execute(_SETTLE, [connection.info.backend_pid]).fetchone()
    connection.commit()
    if settled is None:
        connection.prepare_threshold = None


def _log_in(
    password: Callable[[], str], dialect: sa.Dialect, _record: object, _arguments: object, named: dict[str, Any]
) -> None:
    try:
        named["password"] = password()
    except UpstreamError as error:
        raise dialect.loaded_dbapi.OperationalError(f"no token of the gateway's identity: {error.message}") from None


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
