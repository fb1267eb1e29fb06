"""Fixtures of the tests of traces."""

from __future__ import annotations

import pytest

from tests.policies.bench import Bench


@pytest.fixture
def bench() -> Bench:
    """Real policies."""
    return Bench()
