"""Settings of token issuers and of the verified-token cache."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from gateway.reading.settings import Block
from gateway.reading.values import Count, Duration, File


class BudgetRules(Block):
    """How many fetches unknown key ids may cause; scheduled refreshes are not counted."""

    window_s: Duration = 30.0
    """Time over which fetches are counted."""
    per_window: Count = 2
    """Fetches in any window, whoever asks."""
    unknown_s: Duration = 300.0
    """How long a key id that a fetch did not find causes no other fetch."""


class IssuerSettings(Block):
    """Settings for one OpenID metadata URL."""

    ca_file: File | None = None
    """PEM bundle to trust for this issuer instead of the system's."""
    allow_http_loopback: bool = False
    """Whether plain http to this machine is allowed: for emulators."""
    refresh_s: Duration = 3_600.0
    """Age at which metadata and keys are fetched again."""
    timeout_s: Duration = 10.0
    """One fetch as a whole."""
    budget: BudgetRules = BudgetRules()
    """Fetches for unknown key ids."""


class TokenCacheSettings(Block):
    """How many verified tokens are remembered; a verdict never outlives its token, its keys or the configuration."""

    entries: Annotated[int, Field(ge=0)] = 65_536
    """Verdicts of one worker; 0 verifies every token in full."""
    max_bytes: Count = 64 * 1_048_576
    """Memory that they may take, estimated."""
