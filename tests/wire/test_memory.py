"""Memory settings hold still while a configuration is loaded."""

from __future__ import annotations

import gc
from collections.abc import Callable

import pytest

from gateway.wire.memory import hold, keep, loading, resume, settle


@pytest.mark.parametrize("enabled", [True, False], ids=["on before", "off before"])
def test_loading_leaves_the_collector_as_it_was(enabled: bool) -> None:
    """The garbage collector is off while a configuration is loaded, and afterwards in its previous state."""
    before = gc.isenabled()
    (gc.enable if enabled else gc.disable)()
    try:
        with loading():
            assert not gc.isenabled()
        assert gc.isenabled() is enabled
    finally:
        (gc.enable if before else gc.disable)()


@pytest.mark.parametrize("end", [resume, settle], ids=["a supervisor", "a process that serves"])
def test_a_start_ends_with_the_collector_on(end: Callable[[], None]) -> None:
    """Whatever a start has held back, a gateway that runs collects its garbage."""
    thresholds, enabled = gc.get_threshold(), gc.isenabled()
    try:
        hold()
        assert not gc.isenabled()
        end()
        assert gc.isenabled()
    finally:
        gc.set_threshold(*thresholds)
        gc.unfreeze()
        (gc.enable if enabled else gc.disable)()


def test_what_is_kept_is_not_looked_through() -> None:
    """The modules of a start are never looked through for garbage."""
    try:
        keep()
        assert gc.get_freeze_count() > 10_000
        assert len(gc.get_objects()) < gc.get_freeze_count() / 10
    finally:
        gc.unfreeze()
