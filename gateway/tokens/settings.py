"""
Settings of token issuers and of the verified-token cache.

The numbers are in the parts themselves, which do without the settings' library: checking a document loads them.
"""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from gateway.reading.settings import Block
from gateway.reading.values import Count, Duration, File
from gateway.tokens.budget import BudgetRules
from gateway.tokens.cache import TokenCache
from gateway.tokens.issuer import LifeCycle

_LIFE, _CACHE, _BUDGET = LifeCycle(), TokenCache(), BudgetRules()


class FetchBudgetSettings(Block):
    """How many fetches unknown key ids may cause; scheduled refreshes are not counted."""

    window_s: Duration = _BUDGET.window_s
    """Time over which fetches are counted."""
    per_window: Count = _BUDGET.per_window
    """Fetches in any window, whatever asks for them."""
    unknown_s: Duration = _BUDGET.unknown_s
    """How long a key id that a fetch did not find causes no other fetch."""


class IssuerSettings(Block):
    """Settings for one OpenID metadata URL."""

    ca_file: File | None = None
    """PEM bundle to trust for this issuer instead of the system's."""
    allow_http_loopback: bool = False
    """Whether plain http to this machine is allowed: for emulators."""
    refresh_s: Duration = _LIFE.lifetime_s
    """Age at which metadata and keys are fetched again."""
    timeout_s: Duration = 10.0
    """One fetch as a whole."""
    budget: FetchBudgetSettings = FetchBudgetSettings()
    """Fetches for unknown key ids."""
    withdrawn_keys: list[str] = []
    """Key ids (`kid`), or certificate thumbprints (`x5t`), that must not verify any more, published or not."""


class TokenCacheSettings(Block):
    """How many verified tokens are remembered; a verdict never outlives its token, its keys or the configuration."""

    entries: Annotated[int, Field(ge=0)] = _CACHE.max_entries
    """Verdicts kept by one worker; 0: every token is verified in full."""
    max_bytes: Count = _CACHE.max_bytes
    """Memory that they may take, estimated."""
