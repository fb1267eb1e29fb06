"""Libraries load no more than is used, and everything that somebody asks for."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from gateway.outside.lean_imports import in_parts, without


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


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """A package with a heavy front and two light parts."""
    name = "package_in_parts"
    (tmp_path / name).mkdir()
    (tmp_path / name / "__init__.py").write_text(f"from {name}.light import feather\nfrom {name}.heavy import weight\n")
    (tmp_path / name / "light.py").write_text(f"import {name}\nfeather = 'light'\n")
    (tmp_path / name / "heavy.py").write_text(f"from {name} import feather\nweight = 'heavy ' + feather\n")
    monkeypatch.syspath_prepend(tmp_path)
    yield name
    for module in [module for module in sys.modules if module.partition(".")[0] == name]:
        del sys.modules[module]


def _loaded(package: str) -> set[str]:
    return {name for name in sys.modules if name.startswith(f"{package}.")}


def test_a_package_in_parts_loads_what_is_imported(package: str) -> None:
    """A module of it is loaded alone; a name that was said to be a module's needs that module only."""
    in_parts(package, feather=f"{package}.light")
    assert importlib.import_module(f"{package}.light").feather == "light"
    assert importlib.import_module(package).feather == "light"
    assert not hasattr(importlib.import_module(package), "__wrapped__")
    assert _loaded(package) == {f"{package}.light"}


def test_a_package_in_parts_is_whole_for_who_asks(package: str) -> None:
    """Who asks the package for a name of its front gets it, and then it is an ordinary package."""
    in_parts(package, feather=f"{package}.light")
    front = importlib.import_module(package)
    assert front.weight == "heavy light"
    assert type(front) is type(sys)
    with pytest.raises(AttributeError, match="nothing"):
        _ = front.nothing


def test_a_package_that_is_loaded_stays(package: str) -> None:
    """A package that is already in use, or not installed, is left alone."""
    front = importlib.import_module(package)
    in_parts(package)
    in_parts("no_such_package")
    assert sys.modules[package] is front
    assert "no_such_package" not in sys.modules
