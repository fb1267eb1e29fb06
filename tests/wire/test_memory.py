"""Memory settings hold still while a configuration is loaded."""

from __future__ import annotations

import gc

import pytest

from gateway.wire.memory import loading


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
