"""How the process uses memory while it serves; measured in docs/performance.md."""

from __future__ import annotations

import ctypes
import gc
from collections.abc import Iterator
from contextlib import contextmanager, suppress

_TRIM_THRESHOLD = -1  # M_TRIM_THRESHOLD of malloc.h
_MMAP_THRESHOLD = -3  # M_MMAP_THRESHOLD of malloc.h
_MIB = 1024 * 1024
THRESHOLDS = 50_000, 20, 50  # of the collector's generations, while serving


@contextmanager
def loading() -> Iterator[None]:
    """
    Keep the collector still while a configuration is loaded: it makes many objects that stay, and no cycles.

    With 20,000 operations the collector would look through them so often that it takes a quarter of the time.
    """
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()


def hold() -> None:
    """Keep the collector still until ``settle``: it takes a tenth of a start's time, and finds hardly anything."""
    gc.disable()


def keep() -> None:
    """
    What is there, modules above all, leaves the collector's sight.

    Looking through its 100,000 objects once takes a tenth of a start, and finds 3,000 of them.
    """
    gc.freeze()


def resume() -> None:
    """End ``hold`` in a process that does not ``settle``; what is there leaves the collector's sight."""
    gc.freeze()
    gc.enable()


def settle() -> None:
    """
    Call once everything is loaded: long-lived objects leave the collector's sight, what loading took goes back to the
    kernel, and from here on buffers stay with the process.

    Without the last each large read returns its buffer to the kernel and asks for it again, which halves the
    speed of large streams.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(*THRESHOLDS)
    gc.enable()
    _keep_buffers()


def _keep_buffers() -> None:
    """Give back what is free, and raise glibc's thresholds."""
    trim()
    try:
        mallopt = ctypes.CDLL("libc.so.6").mallopt
    except (OSError, AttributeError):  # another C library has no such knobs
        return
    mallopt(_TRIM_THRESHOLD, 256 * _MIB)
    mallopt(_MMAP_THRESHOLD, 32 * _MIB)


def trim() -> None:
    """Give what is free back to the kernel: after a peak, which the thresholds would keep. Takes milliseconds."""
    with suppress(OSError, AttributeError):  # another C library
        ctypes.CDLL("libc.so.6").malloc_trim(0)
