"""
Ctrl-C that comes before anything listens for it.

Python raises it as an exception wherever it is just then; in the callback of a weak reference, of which loading modules
has many, the exception is lost, and what was to be ended goes on. So it is noted as well.
"""

from __future__ import annotations

import signal
from types import FrameType

_came = False


def note_interrupts() -> None:
    """From now on note Ctrl-C, and raise it as before; a shell that keeps it from us has its reasons."""
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        signal.signal(signal.SIGINT, _interrupted)


def interrupted() -> bool:
    """Whether one has come: for what begins to listen itself."""
    return _came


def _interrupted(_number: int, _frame: FrameType | None) -> None:
    global _came
    _came = True
    raise KeyboardInterrupt
