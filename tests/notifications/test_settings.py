"""Settings whose default depends on another one."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from gateway.notifications.settings import BudgetSettings, D365Settings


@pytest.mark.parametrize(
    ("budgets", "profile", "seconds"),
    [
        (BudgetSettings(), "adf", 570.0),
        (BudgetSettings(), "standard", 8_100.0),
        (BudgetSettings(overall_s=60.0), "standard", 60.0),
    ],
)
def test_overall(budgets: BudgetSettings, profile: str, seconds: float) -> None:
    """Data Factory's time limit applies to Data Factory only: all other callers can wait for a run of two hours."""
    assert budgets.overall_for(profile) == seconds


ENVIRONMENT = {"instance_url": "https://Contoso.example/", "token_url": "https://login.example/t/oauth2/v2.0/token"}


@pytest.mark.parametrize(
    ("link", "made"),
    [
        (None, "https://contoso.example/data/BatchJobs(5)"),
        ("{instance}/?cmp=USMF&mi=BatchJob", "https://contoso.example/?cmp=USMF&mi=BatchJob"),
        ("https://jobs.example/{id}", "https://jobs.example/5"),
    ],
)
def test_job_link(link: str | None, made: str) -> None:
    """The link to a batch job is its address in OData, or whatever page the operator prefers."""
    changes = {} if link is None else {"job_link": link}
    assert D365Settings.model_validate(ENVIRONMENT | changes).link_to(5) == made


@pytest.mark.parametrize("link", ["{id}", "javascript:{instance}", "{instance}/a b"])
def test_bad_job_link(link: str) -> None:
    """A link that is not a URL is refused at load."""
    with pytest.raises(ValidationError):
        D365Settings.model_validate(ENVIRONMENT | {"job_link": link})
