"""RFC 9113 and RFC 7541, row by row, against a listener that runs."""

from __future__ import annotations


from tests.wire.server.http2.tables import NOT_OURS, ROWS


def test_rows_have_names_of_their_own() -> None:
    """No row is hidden behind another with the same name, and each demand without a row says why."""
    names = [row.name for row in ROWS]
    assert len(set(names)) == len(names)
    assert all(demand.reason for demand in NOT_OURS)
