"""An API gateway that runs Azure API Management policies anywhere."""

import sys

__version__ = "0.1.0"

# structlog loads these where it finds them, to paint tracebacks and for greenlets: 0.2 s and 6 MiB for what is never
# used. An entry that is None makes the import fail, which structlog takes as "not installed".
_COSTLY = [name for name in ("rich", "greenlet") if name not in sys.modules]
sys.modules.update(dict.fromkeys(_COSTLY))  # type: ignore[arg-type]
import structlog  # noqa: E402, F401

for _name in _COSTLY:
    del sys.modules[_name]
