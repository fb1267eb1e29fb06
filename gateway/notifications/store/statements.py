"""
Statements that every job needs, compiled once and then handed to the driver.

SQLAlchemy looks a statement up in its cache by all that it consists of, and makes a result object with a description of
every column; for a row found by its key that takes three times as long as the database itself. Here only the compiled
text is kept. Errors come out as SQLAlchemy's own, so that the rest of the service sees no difference.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

_Parameters = Mapping[str, object]


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
        with closing(self._execute(connection, parameters)) as cursor:
            row: tuple[Any, ...] | None = cursor.fetchone()
        return row

    def all(self, connection: sa.Connection, parameters: _Parameters) -> list[tuple[Any, ...]]:
        """All rows."""
        with closing(self._execute(connection, parameters)) as cursor:
            rows: list[tuple[Any, ...]] = cursor.fetchall()
        return rows

    def run(self, connection: sa.Connection, parameters: _Parameters) -> int:
        """How many rows were changed."""
        with closing(self._execute(connection, parameters)) as cursor:
            count: int = cursor.rowcount
        return count

    def _execute(self, connection: sa.Connection, parameters: _Parameters) -> Any:
        """A cursor of the driver. Raises sqlalchemy.exc.DBAPIError, which shows no parameter."""
        compiled = self._compiled_for(connection.dialect, parameters)
        cursor = connection.connection.cursor()
        try:
            cursor.execute(compiled.text, compiled.bind(parameters))
        except connection.dialect.loaded_dbapi.Error as error:
            raise _translated(connection, compiled.text, error, cursor) from error
        return cursor

    def _compiled_for(self, dialect: sa.Dialect, parameters: _Parameters) -> _Compiled:
        key = dialect.name, *parameters
        found = self._compiled.get(key)
        if found is None:
            made: Any = self._clause.compile(dialect=dialect, column_keys=list(parameters))
            order = getattr(made, "positiontup", None)
            fixed = {name: bind.effective_value for name, bind in made.binds.items() if not bind.required}
            found = self._compiled[key] = _Compiled(str(made), fixed, None if order is None else tuple(order))
        return found


def _translated(connection: sa.Connection, text: str, error: Any, cursor: Any) -> Exception:
    """SQLAlchemy's own error for one of the driver; a connection that is lost is not used again."""
    dialect = connection.dialect
    is_lost = dialect.is_disconnect(error, connection.connection.dbapi_connection, cursor)
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
