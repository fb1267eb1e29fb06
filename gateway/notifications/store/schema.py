"""
The version of the store's tables, and the way from each version to the next.

A store is upgraded when it is opened, in one transaction, and keeps its rows. A store of a later version is refused:
this version would not know what its columns mean. The steps are plain statements, because
there are few and they are the same for SQLite and PostgreSQL (docs/adr/0060).
"""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa

from gateway.errors import GatewayError
from gateway.notifications.store.tables import jobs, metadata, replicas, schema

# Columns that a version added to the tables of the one before it; each may be null or has a default.
_ADDED: dict[int, tuple[sa.Column[Any], ...]] = {
    2: (jobs.c.doubt_until, replicas.c.lease_until, replicas.c.wall_at),
    3: (jobs.c.facts, jobs.c.link, jobs.c.environment, jobs.c.watched, jobs.c.follow_until, jobs.c.follows),
    4: (replicas.c.steady_at, replicas.c.boot),
    5: (jobs.c.trace,),
}
VERSION = max(_ADDED)


class StoreOutdated(GatewayError):
    """The store was made by a version from before versions were counted, whose tables have other columns."""


class StoreTooNew(GatewayError):
    """The store was made by a later version."""


def prepare(connection: sa.Connection) -> None:
    """
    Create the tables, or bring those of an earlier version up to date.

    Raises:
        StoreTooNew, StoreOutdated: The tables cannot be used.
    """
    if connection.dialect.name == "sqlite":
        connection.exec_driver_sql("BEGIN IMMEDIATE")  # its driver would begin only at the first row that is written
    present = _version(connection)
    if present > VERSION:
        raise StoreTooNew(f"the store has version {present}, this release supports only {VERSION}: run a newer release")
    columns = [column for version in range(present + 1, VERSION + 1) for column in _ADDED[version]]
    _require_known(connection, {column.name for column in columns})
    for column in columns:
        definition = sa.schema.CreateColumn(column).compile(dialect=connection.dialect)
        connection.execute(sa.text(f"ALTER TABLE {column.table.name} ADD COLUMN {definition}"))
    metadata.create_all(connection)
    connection.execute(sa.delete(schema))
    connection.execute(sa.insert(schema).values(version=VERSION))


def _version(connection: sa.Connection) -> int:
    """The version of what is there; an empty database needs no steps."""
    tables = sa.inspect(connection)
    if tables.has_table(schema.name):
        return connection.execute(sa.select(sa.func.max(schema.c.version))).scalar() or 1
    return 1 if tables.has_table(jobs.name) else VERSION


def _require_known(connection: sa.Connection, added: set[str]) -> None:
    tables = sa.inspect(connection)
    if not tables.has_table(jobs.name):
        return
    present = {column["name"] for column in tables.get_columns(jobs.name)}
    if missing := {column.name for column in jobs.columns} - present - added:
        raise StoreOutdated(
            f"{jobs.name} has no column {', '.join(sorted(missing))}: an earlier version made this store. "
            "Let that version finish its jobs, then begin with a new store."
        )
