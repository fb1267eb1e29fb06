"""A worker process of ``beside``: reads jobs from its standard input until that closes, and answers each."""

from __future__ import annotations

import pickle
import resource
import signal
import sys
import time
from importlib import import_module
from typing import IO

from gateway.errors import ExpressionError
from gateway.pipeline.beside import BROKEN, EXCEEDED, LENGTH, REFUSED, REPLY, RESULT, read_exactly
from gateway.wire.work import WorkExceeded

MEMORY = 1024 * 1024 * 1024  # of address space, libraries included


def _reply(request: bytes) -> tuple[bytes, bytes]:
    module, name, arguments, time_s = pickle.loads(request)  # noqa: S301
    job = vars(import_module(module))[name]
    # The default action of SIGPROF ends the process, even inside a library that never looks up.
    signal.setitimer(signal.ITIMER_PROF, time_s)
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
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)


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
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    serve(sys.stdin.buffer, sys.stdout.buffer)
