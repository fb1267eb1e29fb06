"""Breaker rules as tests write them in short: everything else has the configuration's own default."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from gateway.assembly.targets import breaker_rule
from gateway.backends import BreakerRule
from gateway.backends.settings import BreakerSettings

_DEFAULT = breaker_rule(BreakerSettings(count=1))


def breaking(interval_s: float, trip_s: float, count: int | None = None, **changes: Any) -> BreakerRule:
    """A rule."""
    return replace(_DEFAULT, interval_s=interval_s, trip_s=trip_s, count=count, **changes)
