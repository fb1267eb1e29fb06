"""Optional modules are hidden from libraries while they are imported, and from nothing else."""

from __future__ import annotations

import importlib
import sys

import pytest

from gateway.outside.lean_imports import without


def test_hidden_inside_the_block_only(monkeypatch: pytest.MonkeyPatch) -> None:
    """A module that has not been imported yet cannot be imported inside the block, but can be after it."""
    name = "xml.dom.pulldom"
    monkeypatch.delitem(sys.modules, name, raising=False)
    with without(name), pytest.raises(ImportError):
        importlib.import_module(name)
    assert importlib.import_module(name).__name__ == name


def test_what_is_loaded_stays() -> None:
    """A module that is already in use is not hidden."""
    import xml.dom.pulldom as loaded

    with without("xml.dom.pulldom"):
        assert importlib.import_module("xml.dom.pulldom") is loaded
    assert sys.modules["xml.dom.pulldom"] is loaded
