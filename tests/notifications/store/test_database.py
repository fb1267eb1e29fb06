"""Opening the store: its URL and its driver."""

from __future__ import annotations

import pytest

from gateway.notifications.store.database import store_url


@pytest.mark.parametrize(
    ("text", "driver"),
    [
        ("postgresql://u@h/d", "postgresql+psycopg"),
        ("postgres://u@h/d", "postgresql+psycopg"),
        ("sqlite:///x", "sqlite"),
    ],
)
def test_store_url(text: str, driver: str) -> None:
    """A plain PostgreSQL URL uses the driver that is installed."""
    assert store_url(text).drivername == driver
