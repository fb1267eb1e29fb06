"""
Have libraries load no more of themselves than is used.

httpcore imports h2 (3 MiB) although control traffic uses HTTP/1.1, and structlog imports rich (6 MiB, 0.2 s) to paint
tracebacks that are never printed; uvicorn imports its command line, and prometheus_client a server of its own. None
has a switch: https://github.com/encode/httpcore/pull/121 made h2 optional by trying to import it. Until Python has
lazy imports (PEP 810), an entry in ``sys.modules`` is the documented way to decide what an import gets.

Source: https://docs.python.org/3/reference/import.html#the-module-cache.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from importlib.machinery import ModuleSpec
from importlib.util import find_spec, module_from_spec
from types import ModuleType
from typing import Any


@contextmanager
def without(*names: str) -> Iterator[None]:
    """
    Imports inside the block do not find the modules *names*; later imports do.

    A None in ``sys.modules`` makes an import fail, which a library takes for "not installed".
    """
    hidden = [name for name in names if name not in sys.modules]
    sys.modules.update(dict.fromkeys(hidden))  # type: ignore[arg-type]
    try:
        yield
    finally:
        for name in hidden:
            del sys.modules[name]


def in_parts(package: str, **defined: str) -> None:
    """
    From now on the modules of *package* load one by one, if none of it is loaded yet.

    What its ``__init__`` imports is loaded when somebody asks the package for a name that only ``__init__`` defines.

    Args:
        defined: Names that the package has before, each with the module that it is from.
    """
    spec = None if package in sys.modules else find_spec(package)
    if spec is not None:
        module = module_from_spec(spec)
        module.__class__ = _InParts
        vars(module)["_defined"] = defined
        sys.modules[package] = module


class _InParts(ModuleType):
    """A package whose ``__init__`` has not run yet."""

    __spec__: ModuleSpec
    _defined: dict[str, str]

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):  # Python's own questions about a module
            raise AttributeError(name)
        if name in self._defined:
            return getattr(import_module(self._defined[name]), name)
        loader = self.__spec__.loader
        if loader is not None and type(self) is _InParts:
            self.__class__ = ModuleType  # type: ignore[assignment]
            loader.exec_module(self)
        return getattr(self, name)
