"""The version of the store's tables: earlier ones are brought up to date or refused, later ones refused."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest
import sqlalchemy as sa

from gateway.notifications.d365.batch_status import Row
from gateway.notifications.store import jobs
from gateway.notifications.store.database import open_engine
from gateway.notifications.store.model import StoredJob
from gateway.notifications.store.schema import VERSION, StoreOutdated, StoreTooNew
from gateway.notifications.store.sealing import Sealer
from gateway.notifications.store.store import Store
from gateway.notifications.store.tables import attempts, keys, schema
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
    3: ("notification_replicas.steady_at", "notification_replicas.boot"),
    4: ("notification_jobs.trace",),
}


def _as_version(url: str, version: int) -> None:
    """Remove everything added after a version, to get what the program of that version wrote."""
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
    """A store of an earlier version is upgraded and keeps its jobs."""
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
    with pytest.raises(StoreTooNew, match="run a newer release"):
        Store(engine).open()
    with engine.connect() as connection:
        assert sa.inspect(connection).get_table_names() == ["notification_schema"]
    engine.dispose()


# Written by the program of version 1 (commit c827b2a): one job in each state but two, keys, attempts, sealed URLs.
_WRITTEN = (Path(__file__).with_name("version-1.sql")).read_text()
_STATES = ["accepted", "starting", "waiting", "running", "delivering", "delivered", "stopped"]


def _opened(url: str) -> list[StoredJob]:
    """What the earlier program wrote, as this one reads it after it has opened the store; then again."""
    for _ in range(2):
        store = Store(open_engine(url))
        store.open()
        found = run(store.read(jobs.search))
        store.close()
    return sorted(found, key=lambda each: each.id)


def _require_whole(found: list[StoredJob], url: str) -> None:
    assert [each.state for each in found] == _STATES
    assert [Sealer("old key").open(each.url) for each in found] == [
        f"https://example.org/{n}?sig=1" for n in range(1, 8)
    ]
    assert all((each.doubt_until, each.facts, each.link) == (None, None, None) for each in found)
    assert found[1].before == Row(1, "Finished", 1_764_199_500.0, 1_764_199_600.0)
    engine = open_engine(url)
    with engine.connect() as connection:
        counts = [
            connection.execute(sa.select(sa.func.count()).select_from(table)).scalar() for table in (attempts, keys)
        ]
        version = connection.execute(sa.select(schema.c.version)).scalar()
    engine.dispose()
    assert (counts, version) == ([2, 7], VERSION)


def test_written_by_version_1(tmp_path: Path) -> None:
    """A store that the first version wrote is upgraded without losing a row, and can be opened again."""
    with sqlite3.connect(tmp_path / "x.db") as connection:
        connection.executescript(_WRITTEN)
    connection.close()
    url = f"sqlite:///{tmp_path}/x.db"
    _require_whole(_opened(url), url)


@pytest.mark.needs("postgresql")
def test_written_by_version_1_postgres(postgres: str) -> None:
    """The same rows on PostgreSQL."""
    engine = open_engine(postgres)
    with engine.begin() as connection:
        for statement in _WRITTEN.split(";\n")[1:-1]:
            connection.exec_driver_sql(statement.removesuffix(";").replace("%", "%%"))
    engine.dispose()
    _require_whole(_opened(postgres), postgres)
