"""
Quota files of earlier versions are continued.

The file was written by the program of the commit in its name, after three calls under the key ``x``.
"""

from __future__ import annotations

import sqlite3
import time
from contextlib import closing
from pathlib import Path

import pytest

from gateway.counters import MemoryCounters
from gateway.counters.ledger import QuotaLedger
from tests.policies.bench import Bench
from tests.policies.limiting import call, refused

FILES = sorted((Path(__file__).parent / "quotas").glob("*.sql"))


@pytest.mark.parametrize("written", FILES, ids=lambda path: path.stem)
def test_a_quota_goes_on(written: Path, tmp_path: Path) -> None:
    """Of four calls one is left after the three that the earlier program counted."""
    path = tmp_path / "quotas.db"
    with closing(sqlite3.connect(path)) as database:
        database.executescript(written.read_text())
    with closing(QuotaLedger(path)) as ledger:
        counters = MemoryCounters()
        counters.restore(ledger.load(time.time()))
    bench = Bench().use(counters=counters)
    limited = '<quota-by-key calls="4" renewal-period="0" counter-key="x"/>'
    call(bench, limited)
    assert refused(bench, limited).reason == "QuotaExceeded"
