"""Fixtures of the attacks."""

from __future__ import annotations

import pytest

from tests.policies.bench import Bench


@pytest.fixture
def bench() -> Bench:
    """Compiles and runs policies with stub services."""
    return Bench()
