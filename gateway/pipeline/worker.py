"""
A worker process of ``beside``: reads jobs from its standard input until that closes, and answers each.

Where a gateway serves, the kernel limits time and memory. Elsewhere (Windows has no such limits, macOS none of memory)
only the authoring commands run jobs, on documents and bodies of their own user; there a thread limits the time.
"""

from __future__ import annotations

import os
import pickle
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib import import_module
from typing import IO

from gateway.errors import ExpressionError
from gateway.pipeline.beside import BROKEN, EXCEEDED, LENGTH, REFUSED, REPLY, RESULT, read_exactly
from gateway.wire.work import WorkExceeded

MEMORY = 1024 * 1024 * 1024  # of address space, libraries included


def _reply(request: bytes) -> tuple[bytes, bytes]:
    module, name, arguments, time_s = pickle.loads(request)  # noqa: S301
    job = vars(import_module(module))[name]
    with _limited(time_s):
        return _outcome(job, arguments)


def _outcome(job: Callable[..., bytes], arguments: tuple[object, ...]) -> tuple[bytes, bytes]:
    try:
        return RESULT, job(*arguments)
    except WorkExceeded as error:
        return EXCEEDED, str(error).encode()
    except ExpressionError as error:
        return REFUSED, f"{error.exception}\n{error.message}".encode()
    except Exception as error:
        if isinstance(error, MemoryError):
            sys.exit(1)
        return BROKEN, f"{type(error).__name__}\n{error}".encode()


@contextmanager
def _limited(time_s: float) -> Iterator[None]:
    """End this process when it has used *time_s* of processor time within the context."""
    if sys.platform == "win32":
        with _watched(time_s):
            yield
        return
    # The default action of SIGPROF ends the process, even inside a library that never looks up.
    signal.setitimer(signal.ITIMER_PROF, time_s)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)


@contextmanager
def _watched(time_s: float) -> Iterator[None]:
    """The same by a thread that looks up now and then; it cannot while a library keeps the interpreter's lock."""
    end_s, done = time.process_time() + time_s, threading.Event()

    def watch() -> None:
        while not done.wait(max(0.01, end_s - time.process_time())):
            if time.process_time() >= end_s:
                os._exit(1)

    threading.Thread(target=watch, daemon=True).start()
    try:
        yield
    finally:
        done.set()


def _limit_memory() -> None:
    if sys.platform == "linux":
        import resource

        resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def serve(source: IO[bytes], sink: IO[bytes]) -> None:
    """Answer jobs until *source* ends."""
    while header := source.read(LENGTH.size):
        request = read_exactly(source, LENGTH.unpack(header)[0])
        begun = time.process_time()
        status, content = _reply(request)
        sink.write(REPLY.pack(status, time.process_time() - begun, len(content)) + content)
        sink.flush()


if __name__ == "__main__":
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the gateway; its end closes our input
    _limit_memory()
    serve(sys.stdin.buffer, sys.stdout.buffer)
