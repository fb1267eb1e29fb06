"""
Statements that every job needs, compiled once and then handed to the driver.

SQLAlchemy looks a statement up in its cache by all that it consists of, and makes a result object with a description of
every column; for a row found by its key that takes three times as long as the database itself. Here only the compiled
text is kept. Errors come out as SQLAlchemy's own, so that the rest of the service sees no difference.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import closing
from dataclasses import dataclass
from operator import attrgetter, methodcaller
from typing import Any

import sqlalchemy as sa

_Parameters = Mapping[str, object]
_FETCH_ONE, _FETCH_ALL, _COUNT = methodcaller("fetchone"), methodcaller("fetchall"), attrgetter("rowcount")


@dataclass(frozen=True, slots=True)
class _Compiled:
    """
    One text for one driver.

    Attributes:
        fixed: Values that are part of the statement.
        order: Names by position; None where the driver takes names.
    """

    text: str
    fixed: dict[str, object]
    order: tuple[str, ...] | None

    def bind(self, parameters: _Parameters) -> Any:
        """What the driver takes along with the text."""
        values = {**self.fixed, **parameters}
        return values if self.order is None else [values[name] for name in self.order]


class CompiledStatement:
    """
    A statement with named parameters. In an UPDATE, parameters with the names of columns set these columns.

    Args:
        clause: Without parameters that expand, and without types that convert values.
    """

    def __init__(self, clause: sa.ClauseElement) -> None:
        self._clause = clause
        self._compiled: dict[tuple[str, ...], _Compiled] = {}

    def first(self, connection: sa.Connection, parameters: _Parameters) -> tuple[Any, ...] | None:
        """The first row, in the order of the statement's columns; None: there is none."""
        row: tuple[Any, ...] | None = self._execute(connection, parameters, _FETCH_ONE)
        return row

    def all(self, connection: sa.Connection, parameters: _Parameters) -> list[tuple[Any, ...]]:
        """All rows."""
        rows: list[tuple[Any, ...]] = self._execute(connection, parameters, _FETCH_ALL)
        return rows

    def run(self, connection: sa.Connection, parameters: _Parameters) -> int:
        """How many rows were changed."""
        count: int = self._execute(connection, parameters, _COUNT)
        return count

    def _execute(self, connection: sa.Connection, parameters: _Parameters, take: Callable[[Any], Any]) -> Any:
        """
        What *take* makes of the driver's cursor; SQLite finds some errors only while rows are fetched.

        Raises sqlalchemy.exc.DBAPIError, which shows no parameter.
        """
        compiled = self._compiled_for(connection.dialect, parameters)
        driver = connection.connection
        try:
            with closing(driver.cursor()) as cursor:
                cursor.execute(compiled.text, compiled.bind(parameters))
                return take(cursor)
        except connection.dialect.loaded_dbapi.Error as error:
            raise _translated(connection, compiled.text, error) from error

    def _compiled_for(self, dialect: sa.Dialect, parameters: _Parameters) -> _Compiled:
        key = dialect.name, *parameters
        found = self._compiled.get(key)
        if found is None:
            made: Any = self._clause.compile(dialect=dialect, column_keys=list(parameters))
            order = getattr(made, "positiontup", None)
            fixed = {name: bind.effective_value for name, bind in made.binds.items() if not bind.required}
            found = self._compiled[key] = _Compiled(str(made), fixed, None if order is None else tuple(order))
        return found


def _translated(connection: sa.Connection, text: str, error: Any) -> Exception:
    """SQLAlchemy's own error for one of the driver; a connection that is lost is not used again."""
    dialect = connection.dialect
    is_lost = dialect.is_disconnect(error, connection.connection.dbapi_connection, None)
    if is_lost:
        connection.invalidate(error)
    translated: Exception = sa.exc.DBAPIError.instance(
        text,
        None,
        error,
        dialect.loaded_dbapi.Error,
        hide_parameters=True,
        connection_invalidated=is_lost,
        dialect=dialect,
    )
    return translated
