"""``gateway --version``: the release, and which of its two builds runs (docs/install.md)."""

from __future__ import annotations

from importlib.machinery import EXTENSION_SUFFIXES
from importlib.util import find_spec

from gateway import __version__


def build_name() -> str:
    """Whether the modules of a request's path are compiled; nothing of them is loaded to find out."""
    spec = find_spec("gateway.wire.pending")
    is_compiled = spec is not None and str(spec.origin).endswith(tuple(EXTENSION_SUFFIXES))
    return "compiled" if is_compiled else "pure Python"


def version() -> str:
    """``0.1.0 (pure Python)`` or ``0.1.0 (compiled)``."""
    return f"{__version__} ({build_name()})"
