"""How the process uses memory while it serves; measured in docs/performance.md."""

from __future__ import annotations

import ctypes
import gc
from collections.abc import Iterator
from contextlib import contextmanager

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
    _keep_buffers()


def _keep_buffers() -> None:
    """Give back what is free, and raise glibc's thresholds; another C library has no such knobs."""
    try:
        glibc = ctypes.CDLL("libc.so.6")
        mallopt, trim = glibc.mallopt, glibc.malloc_trim
    except (OSError, AttributeError):
        return
    trim(0)
    mallopt(_TRIM_THRESHOLD, 256 * _MIB)
    mallopt(_MMAP_THRESHOLD, 32 * _MIB)
