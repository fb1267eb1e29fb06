"""The version of the store's tables: earlier ones are brought up to date or refused, later ones refused."""

from __future__ import annotations

from pathlib import Path

import pytest
import sqlalchemy as sa

from gateway.notifications.store import jobs
from gateway.notifications.store.database import open_engine
from gateway.notifications.store.model import StoredJob
from gateway.notifications.store.schema import VERSION, StoreOutdated, StoreTooNew
from gateway.notifications.store.store import Store
from tests.notifications.conftest import run
from tests.notifications.store.accepting import accept, job


def test_earlier_version(tmp_path: Path) -> None:
    """A store of an earlier version is refused with the remedy, and its rows are left alone."""
    engine = open_engine(f"sqlite:///{tmp_path}/old.db")
    with engine.begin() as connection:
        connection.execute(sa.text("CREATE TABLE notification_jobs (id VARCHAR(36), dispatched INTEGER)"))
    with pytest.raises(StoreOutdated, match=r"no column .*owner.*begin with a new store"):
        Store(engine).open()
    engine.dispose()


_ADDED = {
    1: ("notification_jobs.doubt_until", "notification_replicas.lease_until", "notification_replicas.wall_at"),
    2: (
        "notification_jobs.facts",
        "notification_jobs.link",
        "notification_jobs.environment",
        "notification_jobs.watched",
        "notification_jobs.follow_until",
        "notification_jobs.follows",
    ),
}


def _as_version(url: str, version: int) -> None:
    """Take away what came after a version: what the program of that version wrote."""
    engine = open_engine(url)
    with engine.begin() as connection:
        for added in (column for before, columns in _ADDED.items() if before >= version for column in columns):
            table, name = added.split(".")
            connection.execute(sa.text(f"ALTER TABLE {table} DROP COLUMN {name}"))
        connection.execute(sa.text(f"UPDATE notification_schema SET version = {version}"))
        if version == 1:
            connection.execute(sa.text("DROP TABLE notification_schema"))
    engine.dispose()


def _upgraded(url: str, version: int) -> StoredJob | None:
    """A job that an earlier version wrote, as this version reads it."""
    before = Store(open_engine(url))
    before.open()
    run(accept(before, job(1, snapshot="{}", owner="one")))
    before.close()
    _as_version(url, version)
    after = Store(open_engine(url))
    after.open()
    kept = run(after.read(lambda connection: jobs.find(connection, "j1")))
    after.close()
    return kept


@pytest.mark.parametrize("version", _ADDED)
def test_upgrade(tmp_path: Path, version: int) -> None:
    """A store of an earlier version is brought forward and keeps its jobs."""
    kept = _upgraded(f"sqlite:///{tmp_path}/x.db", version)
    assert kept == job(1, snapshot="{}", owner="one")


@pytest.mark.needs("postgresql")
@pytest.mark.parametrize("version", _ADDED)
def test_upgrade_postgres(postgres: str, version: int) -> None:
    """On PostgreSQL as well."""
    kept = _upgraded(postgres, version)
    assert kept == job(1, snapshot="{}", owner="one")


def test_later_version(tmp_path: Path) -> None:
    """A store of a later version is refused, and is not changed."""
    engine = open_engine(f"sqlite:///{tmp_path}/x.db")
    with engine.begin() as connection:
        connection.execute(sa.text("CREATE TABLE notification_schema (version INTEGER)"))
        connection.execute(sa.text(f"INSERT INTO notification_schema VALUES ({VERSION + 1})"))
    with pytest.raises(StoreTooNew, match="run the later program"):
        Store(engine).open()
    with engine.connect() as connection:
        assert sa.inspect(connection).get_table_names() == ["notification_schema"]
    engine.dispose()
