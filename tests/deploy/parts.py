"""Where the parts of deploy/ are, and how their scripts are loaded: they are no package."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from types import ModuleType
from typing import Any

import yaml

ROOT = Path(__file__).parents[2]
DEPLOY = ROOT / "deploy"
VALUES = sorted((Path(__file__).parent / "values").glob("*.yaml"))


def script(path: str) -> ModuleType:
    """A Python file below deploy/, as a module."""
    spec = importlib.util.spec_from_file_location(Path(path).stem, DEPLOY / path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def read(path: str) -> Any:
    """The one document of a YAML file below deploy/."""
    return yaml.safe_load((DEPLOY / path).read_text("utf-8"))
