"""Libraries load what they find installed, whether anybody needs it; here it can be kept from them."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def without(*names: str) -> Iterator[None]:
    """
    Let the imports within not find the modules *names*; whoever asks for them later does.

    A None in ``sys.modules`` makes an import fail, which a library takes for "not installed".
    """
    hidden = [name for name in names if name not in sys.modules]
    sys.modules.update(dict.fromkeys(hidden))  # type: ignore[arg-type]
    try:
        yield
    finally:
        for name in hidden:
            del sys.modules[name]
