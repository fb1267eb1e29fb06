"""
Work beside the event loop, where it can be stopped: jobs in worker processes with a limit of time and of memory.

A job is a function of this package that takes plain values and returns bytes. Its processor time is limited by the
operating system, so that a library that never returns is ended like a loop that never ends. A worker that was ended is
replaced with the next job; workers end by themselves when the gateway does.
"""

from __future__ import annotations

import asyncio
import atexit
import os
import pickle
import struct
import subprocess
import sys
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from typing import IO

from gateway.errors import ExpressionError
from gateway.wire.work import Work, WorkExceeded

MOST_WORKERS = 2
MOST_WAITING = 64
HANDING_OVER_S = 0.001
WALL_S = 30.0  # for a job on a machine that is busy otherwise

# Of a reply: what follows, processor time in seconds, length.
REPLY = struct.Struct("!cdQ")
LENGTH = struct.Struct("!Q")
RESULT, REFUSED, EXCEEDED, BROKEN = b"+", b"-", b">", b"!"

Job = Callable[..., bytes]


class Beside:
    """A few worker processes, started when first needed."""

    def __init__(self, workers: int = MOST_WORKERS) -> None:
        self._threads = ThreadPoolExecutor(workers, "beside")
        self._idle: list[_Worker] = []
        self._waiting = 0

    async def run(self, work: Work, job: Job, *arguments: object) -> bytes:
        """
        What *job* makes of *arguments*; its processor time is taken from *work*.

        Raises:
            WorkExceeded: It took more than *work* had left, or too many other jobs are waiting.
            ExpressionError: The job's own refusal.
        """
        if self._waiting >= MOST_WAITING:
            raise WorkExceeded("too many other bodies are being processed")
        work.draw(HANDING_OVER_S)
        request = pickle.dumps((job.__module__, job.__qualname__, arguments, max(work.time_s, HANDING_OVER_S)))
        self._waiting += 1
        try:
            loop = asyncio.get_running_loop()
            status, used_s, content = await loop.run_in_executor(self._threads, self._ask, request)
        finally:
            self._waiting -= 1
        work.used(used_s)
        if status == RESULT:
            return content
        raise _error(status, content.decode())

    def _ask(self, request: bytes) -> tuple[bytes, float, bytes]:
        """In a thread: one job, by an idle worker or a new one."""
        worker = self._idle.pop() if self._idle else _Worker()
        try:
            reply = worker.ask(request)
        except (OSError, EOFError):
            worker.end()
            raise WorkExceeded("the work on the body took more time or memory than one request may have") from None
        self._idle.append(worker)
        return reply

    def close(self) -> None:
        """End the workers; a job that still runs is waited for."""
        self._threads.shutdown()
        while self._idle:
            self._idle.pop().end()


def _error(status: bytes, text: str) -> Exception:
    """The error that a job raised instead of a result."""
    if status == EXCEEDED:
        return WorkExceeded(text)
    exception, _, message = text.partition("\n")
    if status == REFUSED:
        return ExpressionError(exception, message)
    return RuntimeError(f"{exception}: {message}")


class _Worker:
    """One process and its pipes."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "gateway.pipeline.worker"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
        )

    def ask(self, request: bytes) -> tuple[bytes, float, bytes]:
        """The reply. Raises OSError, EOFError: the process has ended."""
        sink, source = self._process.stdin, self._process.stdout
        if sink is None or source is None:
            raise EOFError
        alarm = threading.Timer(WALL_S, self._process.kill)
        alarm.start()
        try:
            sink.write(LENGTH.pack(len(request)) + request)
            sink.flush()
            status, used_s, length = REPLY.unpack(read_exactly(source, REPLY.size))
            return status, used_s, read_exactly(source, length)
        finally:
            alarm.cancel()

    def end(self) -> None:
        """No more jobs for this one."""
        with self._process:
            self._process.kill()


def read_exactly(source: IO[bytes], size: int) -> bytes:
    """*size* bytes. Raises EOFError: there are fewer."""
    data = source.read(size)
    if len(data) < size:
        raise EOFError
    return data


@cache
def shared() -> Beside:
    """The workers of this process."""
    beside = Beside()
    atexit.register(beside.close)
    return beside
