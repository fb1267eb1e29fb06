"""Statements that are compiled once."""

from __future__ import annotations

import gc
from typing import Any

import pytest
import sqlalchemy as sa

from gateway.notifications.store.database import open_engine
from gateway.notifications.store.statements import CompiledStatement
from gateway.notifications.store.store import Store
from gateway.notifications.store.tables import keys

PUT = CompiledStatement(sa.insert(keys))
FIND = CompiledStatement(sa.select(keys).where(keys.c.key == sa.bindparam("a_key")))
NAME = CompiledStatement(sa.update(keys).where(keys.c.key == sa.bindparam("a_key")).values(payload="fixed"))
ALL = CompiledStatement(sa.select(keys.c.key).order_by(keys.c.key))
MISSING = CompiledStatement(sa.text("SELECT a FROM nothing WHERE b = :secret"))


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.needs("postgresql"))])
def rows(request: pytest.FixtureRequest, tmp_path: Any) -> Any:
    """A transaction on an empty store of either kind."""
    url = f"sqlite:///{tmp_path}/x.db" if request.param == "sqlite" else request.getfixturevalue("postgres")
    store = Store(open_engine(url))
    store.open()
    with store.engine.connect() as connection:
        yield connection
    store.close()


def put(rows: sa.Connection, key: str) -> int:
    """One row."""
    return PUT.run(rows, {"caller": "c", "key": key, "job_id": "j", "payload": "p"})


def test_parameters(rows: sa.Connection) -> None:
    """A row is written, found and changed by parameters, fixed values of the statement included."""
    assert put(rows, "a") == 1
    assert put(rows, "b") == 1
    assert FIND.first(rows, {"a_key": "a"}) == ("c", "a", "j", "p")
    assert FIND.first(rows, {"a_key": "z"}) is None
    assert NAME.run(rows, {"a_key": "a", "job_id": "k"}) == 1
    assert FIND.first(rows, {"a_key": "a"}) == ("c", "a", "k", "fixed")
    assert NAME.run(rows, {"a_key": "a"}) == 1
    assert ALL.all(rows, {}) == [("a",), ("b",)]


def test_missing_parameter(rows: sa.Connection) -> None:
    """A parameter that was forgotten is not taken for NULL."""
    with pytest.raises((KeyError, sa.exc.ProgrammingError)):
        FIND.first(rows, {})


@pytest.mark.parametrize(
    ("twice", "error"), [(True, sa.exc.IntegrityError), (False, (sa.exc.OperationalError, sa.exc.ProgrammingError))]
)
def test_errors(rows: sa.Connection, twice: bool, error: Any) -> None:
    """An error is SQLAlchemy's, of the same kind as otherwise, and shows no value."""
    with pytest.raises(error) as caught:  # noqa: PT012 - the first may pass
        put(rows, "hidden")
        put(rows, "hidden") if twice else MISSING.first(rows, {"secret": "hidden"})
    assert "hidden" not in str(caught.value).partition("DETAIL")[0]


def test_error_while_rows_are_fetched(store: Store) -> None:
    """An error that SQLite finds only at a later row is SQLAlchemy's, too: whoever tries again waits for that."""
    least = -(2**63)
    overflow = CompiledStatement(sa.text(f"SELECT abs(x) FROM (SELECT 1 AS x UNION ALL SELECT {least})"))
    with store.engine.connect() as connection, pytest.raises(sa.exc.DBAPIError):
        overflow.all(connection, {})


def test_closed_connection(rows: sa.Connection) -> None:
    """So is the error of a connection that the driver has closed."""
    rows.execute(sa.text("SELECT 1"))
    driver = rows.connection.dbapi_connection
    assert driver is not None
    driver.close()
    with pytest.raises(sa.exc.DBAPIError):
        ALL.all(rows, {})
    rows.invalidate()


@pytest.mark.needs("postgresql")
def test_lost_connection(postgres: str) -> None:
    """A connection that the server has ended is not used again."""
    store = Store(open_engine(postgres))
    store.open()
    with store.engine.connect() as connection:
        connection.execute(sa.text("SET client_min_messages = error"))
        with pytest.raises(sa.exc.DBAPIError) as caught:
            CompiledStatement(sa.text("SELECT pg_terminate_backend(pg_backend_pid())")).first(connection, {})
        assert caught.value.connection_invalidated
        assert connection.invalidated
    with store.engine.connect() as connection:
        assert ALL.all(connection, {}) == []
    store.close()
    gc.collect()
