"""Work beside the event loop: it ends by itself or is ended, and what it used is accounted for."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import time
from collections.abc import Iterator

import pytest

from gateway.errors import ExpressionError
from gateway.pipeline.beside import Beside
from gateway.wire.work import Work, WorkExceeded


@pytest.fixture
def beside() -> Iterator[Beside]:
    workers = Beside()
    yield workers
    workers.close()


def double(content: bytes) -> bytes:
    return content * 2


def spin(content: bytes) -> bytes:
    begun = time.process_time()
    while time.process_time() - begun < 0.3:
        pass
    return content


def endless(content: bytes) -> bytes:
    while True:
        pass


def greedy(content: bytes) -> bytes:
    return content * (1 << 32)


def refuse(content: bytes) -> bytes:
    raise ExpressionError("XmlException", "not\nXML")


def test_a_job_gives_bytes_and_uses_up_time(beside: Beside) -> None:
    """The result comes back, and the processor time of the job is taken from the request's budget."""
    work = Work()

    async def run() -> bytes:
        assert await beside.run(work, double, b"ab") == b"abab"
        return await beside.run(work, spin, b"x")

    assert asyncio.run(run()) == b"x"
    assert work.time_s < 3.75


@pytest.mark.parametrize("job", [endless, greedy])
def test_a_job_that_takes_too_much_is_ended(beside: Beside, job: object) -> None:
    """Neither an endless loop nor endless memory outlives the limit, and the next job finds a worker."""

    async def run() -> bytes:
        with pytest.raises(WorkExceeded):
            await beside.run(Work(time_s=0.3), job, b"x")  # type: ignore[arg-type]
        return await beside.run(Work(), double, b"a")

    assert asyncio.run(run()) == b"aa"


WATCHED = """
import sys
from gateway.pipeline import worker
sys.platform = sys.argv[1]
with worker._limited(0.05):
    while sys.argv[2] == "endless":
        pass
print("done")
"""


@pytest.mark.parametrize("system", ["win32", "darwin"])
@pytest.mark.parametrize(("job", "done"), [("endless", False), ("short", True)])
def test_a_limit_on_every_system(system: str, job: str, done: bool) -> None:
    """Where the kernel does not limit a process's time, a thread does; a job that ends in time does not notice."""
    ended = subprocess.run([sys.executable, "-c", WATCHED, system, job], capture_output=True, text=True, check=False)
    assert (ended.returncode == 0) is done
    assert ended.stdout == ("done\n" if done else "")


def test_the_loop_turns_meanwhile(beside: Beside) -> None:
    """While a job computes, the loop serves others."""

    async def run() -> int:
        job = asyncio.create_task(beside.run(Work(), spin, b"x"))
        turns = 0
        while not job.done():
            await asyncio.sleep(0.005)
            turns += 1
        return turns

    assert asyncio.run(run()) > 10


def test_a_job_may_refuse(beside: Beside) -> None:
    """A refusal of the job is the policy's own error."""
    with pytest.raises(ExpressionError, match="XmlException: not\nXML"):
        asyncio.run(beside.run(Work(), refuse, b"x"))


def test_a_spent_budget_begins_nothing(beside: Beside) -> None:
    """Without budget no job is started."""
    work = Work(time_s=1.0)
    with pytest.raises(WorkExceeded):
        work.draw(2.0)
    with pytest.raises(WorkExceeded):
        asyncio.run(beside.run(work, double, b"x"))
