"""Settings whose default depends on another one."""

from __future__ import annotations

import pytest

from gateway.notifications.settings import BudgetSettings


@pytest.mark.parametrize(
    ("budgets", "profile", "seconds"),
    [
        (BudgetSettings(), "adf", 570.0),
        (BudgetSettings(), "standard", 8_100.0),
        (BudgetSettings(overall_s=60.0), "standard", 60.0),
    ],
)
def test_overall(budgets: BudgetSettings, profile: str, seconds: float) -> None:
    """Data Factory's patience governs Data Factory only: a run of two hours is reachable for everybody else."""
    assert budgets.overall_for(profile) == seconds
