"""
Quotas that outlive the process: a SQLite file that records what the memory counters counted.

Counting stays in memory; once a second the differences are added to the file and the totals come back. A crash loses
at most that second, and the workers of one machine see each other's counts within it.
"""

from __future__ import annotations

import asyncio
import math
import sqlite3
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import structlog

from gateway.counters.windows import QuotaCount
from gateway.errors import GatewayError

if TYPE_CHECKING:
    from gateway.counters.memory import MemoryCounters

log = structlog.get_logger("gateway.counters")

_SCHEMA = """
CREATE TABLE IF NOT EXISTS quota (
    key TEXT NOT NULL,
    number INTEGER NOT NULL,
    ends_at REAL,
    amount INTEGER NOT NULL,
    PRIMARY KEY (key, number)
) WITHOUT ROWID
"""
_ADD = """
INSERT INTO quota VALUES (?, ?, ?, max(0, ?))
ON CONFLICT DO UPDATE SET amount = max(0, amount + ?4) RETURNING amount
"""


class QuotaLedger:
    """The file. Its calls block for a disk write, so they do not belong on the event loop."""

    def __init__(self, path: Path) -> None:
        """Open or make the file at *path*. Raises GatewayError when it cannot be used."""
        try:
            self._database = sqlite3.connect(path, timeout=5, isolation_level=None, check_same_thread=False)
            self._database.execute("PRAGMA journal_mode = WAL")
            self._database.execute("PRAGMA synchronous = NORMAL")
            self._database.execute(_SCHEMA)
        except sqlite3.Error as error:
            raise GatewayError(f"the quota file {path} cannot be used: {error}") from None

    def load(self, now: float) -> list[QuotaCount]:
        """The counts of all periods that have not ended; the others are forgotten."""
        self._database.execute("DELETE FROM quota WHERE ends_at <= ?", (now,))
        rows = self._database.execute("SELECT key, number, ends_at, amount FROM quota")
        return [QuotaCount(key, number, math.inf if end is None else end, amount) for key, number, end, amount in rows]

    def add(self, changes: Sequence[QuotaCount]) -> list[QuotaCount]:
        """Add the amounts of *changes*, all of them or none; the totals after that, in the same order."""
        self._database.execute("BEGIN IMMEDIATE")
        try:
            totals = [change._replace(amount=self._add(change)) for change in changes]
        except BaseException:
            self._database.execute("ROLLBACK")
            raise
        self._database.execute("COMMIT")
        return totals

    def _add(self, change: QuotaCount) -> int:
        end = None if math.isinf(change.ends_at) else change.ends_at
        (total,) = self._database.execute(_ADD, (change.key, change.number, end, change.amount)).fetchone()
        return int(total)

    def close(self) -> None:
        """Close the file."""
        self._database.close()


async def keep_quotas(
    counters: MemoryCounters, ledger: QuotaLedger, interval_s: float = 1.0, clock: Callable[[], float] = time.time
) -> None:
    """
    Carry *counters* over to *ledger* every *interval_s* seconds until cancelled, and once more then.

    Call ``counters.restore(ledger.load(now))`` before. A failed write is logged and tried again with the next one.
    """
    try:
        while True:
            await asyncio.sleep(interval_s)
            await _carry_over(counters, ledger)
    finally:
        changes = counters.changes()
        counters.settle(changes, ledger.add(changes))


async def _carry_over(counters: MemoryCounters, ledger: QuotaLedger) -> None:
    changes = counters.changes()
    if not changes:
        return
    try:
        totals = await asyncio.to_thread(ledger.add, changes)
    except sqlite3.Error as error:
        log.warning("quotas_not_saved", error=str(error))
    else:
        counters.settle(changes, totals)
