"""
Ctrl-C that comes before anything listens for it.

Python raises it as an exception wherever it is just then; in the callback of a weak reference, of which loading modules
has many, the exception is lost with a traceback, and what was to be ended goes on. So it is noted as well, and there
it comes a moment later.
"""

from __future__ import annotations

import signal
import threading
from types import FrameType

# Callbacks of weak references: importlib's and those of the standard library's weak collections.
_CALLBACKS = frozenset({"cb", "remove", "_remove"})
_AGAIN_S = 0.01

_came = False


def note_interrupts() -> None:
    """From now on note Ctrl-C, and raise it as before; a shell that keeps it from us has its reasons."""
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        signal.signal(signal.SIGINT, _interrupted)


def interrupted() -> bool:
    """Whether one has come: for what begins to listen itself."""
    return _came


def _interrupted(number: int, frame: FrameType | None) -> None:
    global _came
    _came = True
    if frame is not None and frame.f_code.co_name in _CALLBACKS:
        again = threading.Timer(_AGAIN_S, signal.raise_signal, [number])
        again.daemon = True
        again.start()
        return
    raise KeyboardInterrupt
