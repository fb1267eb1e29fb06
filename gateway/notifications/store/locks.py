"""
Named locks across replicas, which hold until the transaction ends; on SQLite, which has one writer, there are none.

A transaction carries the work of many. If it waited for one lock while it holds those of others, two replicas could
wait for each other; PostgreSQL notices that after a second and undoes everything in one of the two transactions. So
only the first work of a transaction waits; any other raises ``LockHeld``, and the transaction is committed without it.
"""

from __future__ import annotations

import sqlalchemy as sa

from gateway.notifications.store.statements import CompiledStatement

_SHARED = "holds_work_of_others"
_LOCK = CompiledStatement(sa.text("SELECT pg_advisory_xact_lock(hashtext(:a_name))"))
_TRY_LOCK = CompiledStatement(sa.text("SELECT pg_try_advisory_xact_lock(hashtext(:a_name))"))


class LockHeld(Exception):
    """Another transaction holds a lock that this one must not wait for; the work has to begin another transaction."""


def share(connection: sa.Connection) -> None:
    """Note that the present transaction holds finished work, for which it must not wait any more."""
    connection.execution_options(**{_SHARED: True})


def lock(connection: sa.Connection, name: str) -> None:
    """
    Hold *name* until the transaction ends. To be asked for before the work changes anything.

    Raises: LockHeld: In a transaction that is shared.
    """
    if connection.dialect.name != "postgresql":
        return
    if not connection.get_execution_options().get(_SHARED, False):
        _LOCK.first(connection, {"a_name": name})
    elif _TRY_LOCK.first(connection, {"a_name": name}) != (True,):
        raise LockHeld
