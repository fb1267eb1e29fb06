"""
Hide optional modules from libraries that import them merely because they are installed.

httpcore imports h2 (3 MiB) although control traffic uses HTTP/1.1, and cyclopts imports rich (6 MiB, 0.2 s) to paint
tracebacks that are never printed. Neither has a switch: https://github.com/encode/httpcore/pull/121 made h2 optional by
trying to import it, and https://github.com/BrianPugh/cyclopts/issues/675 leaves lazy imports to Python. Until Python
has them (PEP 810), an entry in ``sys.modules`` is the documented way to make an import fail.

Source: https://docs.python.org/3/reference/import.html#the-module-cache.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager


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
