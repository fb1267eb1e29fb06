"""Scripted answers: in turn, for the paths they are meant for."""

from __future__ import annotations

import asyncio
import time
from typing import Any

import pytest

from gateway.emulators.faults import Dropped
from gateway.emulators.receiver.answers import Answer, Script


@pytest.mark.parametrize(
    ("answers", "statuses"),
    [
        ([], [200, 200, 200]),
        ([Answer(500)], [500, 200, 200]),
        ([Answer(500, times=2), Answer(410)], [500, 500, 410]),
        ([Answer(503, times=None)], [503, 503, 503]),
        ([Answer(404, path="/callbacks/b")], [200, 404, 200]),
    ],
    ids=["none", "once", "in turn", "for ever", "one path"],
)
def test_script(answers: list[Answer], statuses: list[int]) -> None:
    """Answers are given as often as scripted; then it is 200 again."""
    script = Script()
    script.add(*answers)
    assert [script.next(path).status for path in ("/callbacks/a", "/callbacks/b", "/callbacks/a")] == statuses


def test_clear() -> None:
    """The script can be forgotten."""
    script = Script()
    script.add(Answer(500, times=None))
    script.clear()
    assert script.next("/").status == 200


def _body(answer: Answer) -> bytes:
    async def main() -> bytes:
        response: Any = await answer.response()
        return b"".join([chunk async for chunk in response.body_iterator])

    return asyncio.run(main())


def test_huge_body() -> None:
    """A huge body has exactly the size asked for."""
    assert len(_body(Answer(body_bytes=200_001))) == 200_001


def test_slow_body() -> None:
    """A slow body comes byte by byte."""
    started = time.monotonic()
    assert _body(Answer(body_bytes=3, body_every_s=0.02)) == b"   "
    assert time.monotonic() - started >= 0.055


def test_drop_and_delay() -> None:
    """A dropped answer waits its delay, too."""
    started = time.monotonic()
    assert isinstance(asyncio.run(Answer(drop=True, delay_s=0.05).response()), Dropped)
    assert time.monotonic() - started >= 0.045


def test_from_json() -> None:
    """An answer can be scripted as JSON; misspelt members are errors."""
    document = {"status": 307, "headers": {"Location": "http://169.254.169.254/"}, "times": None}
    assert Answer.from_json(document) == Answer(307, None, headers={"Location": "http://169.254.169.254/"})
    with pytest.raises(ValueError, match="unknown members: code"):
        Answer.from_json({"code": 500})
    with pytest.raises(ValueError, match="status must be a number"):
        Answer.from_json({"status": "500"})
