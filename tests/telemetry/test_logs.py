"""Logging: one JSON object a line, and no secret in any of them."""

from __future__ import annotations

import asyncio
import json
import logging
import re
import sys
import threading
import time
from datetime import datetime

import pytest
import structlog

from gateway.telemetry import logs

TOKEN = "eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJl"


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (f"token {TOKEN} here", "token ***** here"),
        ("Authorization: Bearer abcdefghijkl", "Authorization: Bearer *****"),
        ("basic dXNlcjpwYXNzd29yZA==", "basic *****"),
        ("a bearer of news", "a bearer of news"),
        ("issuer https://user:a-password@h/ is not", "issuer https://user:*****@h/ is not"),
        ("ask a@b.example: see https://h/x", "ask a@b.example: see https://h/x"),
        ({"nested": [TOKEN, 1, None]}, {"nested": ["*****", 1, None]}),
        ((TOKEN,), ["*****"]),
        ("x" * 3000, "x" * 2000 + "…"),
        (7, 7),
        ("a\ud800b", "a\\ud800b"),
    ],
    ids=[
        "token",
        "bearer",
        "basic",
        "prose",
        "password",
        "address",
        "nested",
        "tuple",
        "endless",
        "number",
        "half a pair",
    ],
)
def test_clean(value: object, expected: object) -> None:
    """Tokens and credentials are masked wherever they occur, and long values are shortened."""
    assert logs.clean(value) == expected


@pytest.mark.parametrize(
    ("secret", "shown"), [("a.secret", "input ***** is wrong"), ("", "input a.secret is wrong")], ids=["known", "none"]
)
def test_secrets_of_the_configuration(secret: str, shown: str) -> None:
    """A secret named value is masked in a line, as in the message of a failed expression that holds it."""
    logs.hide([secret])
    try:
        assert logs.clean("input a.secret is wrong") == shown
    finally:
        logs.hide([])


@pytest.mark.parametrize("value", ["a\ud800b", 1 << 70, {"deep": ["\udfff"]}])
def test_every_value_can_be_logged(value: object) -> None:
    """A client's JSON can hold half a surrogate pair and endless numbers: the line is written, masked as ever."""
    logs.hide(["gehe\u00efm-s3cret"])
    try:
        line = json.loads(logs.render(None, "info", {"value": value, "other": "gehe\u00efm-s3cret", "key": TOKEN}))
    finally:
        logs.hide([])
    assert (line["other"], line["key"]) == ("*****", "*****")


@pytest.fixture
def configured() -> object:
    yield
    structlog.reset_defaults()
    logging.basicConfig(force=True)


@pytest.mark.usefixtures("configured")
def test_a_line_is_one_json_object(capsys: pytest.CaptureFixture[str]) -> None:
    """A line break in a value cannot forge a second line."""
    logs.configure("info", "json")
    structlog.get_logger().info("event", detail=f"one\ntwo {TOKEN}")
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 1
    assert json.loads(lines[0])["detail"] == "one\ntwo *****"


@pytest.mark.parametrize("secret", ["a.secret", 'quo"ted\\', "läßt\n"], ids=["plain", "escaped", "not ASCII"])
@pytest.mark.usefixtures("configured")
def test_secrets_are_found_however_a_line_writes_them(secret: str, capsys: pytest.CaptureFixture[str]) -> None:
    """A secret with characters that JSON escapes is masked in a line too."""
    logs.configure("info", "json")
    logs.hide([secret])
    try:
        structlog.get_logger().info("event", detail=[f"input {secret} is wrong"])
    finally:
        logs.hide([])
    assert json.loads(capsys.readouterr().out)["detail"] == ["input ***** is wrong"]


@pytest.mark.usefixtures("configured")
def test_a_long_value_is_cut(capsys: pytest.CaptureFixture[str]) -> None:
    """Long values in a line are shortened."""
    logs.configure("info", "json")
    structlog.get_logger().info("event", detail="x" * 3000)
    assert json.loads(capsys.readouterr().out)["detail"] == "x" * 2000 + "…"


@pytest.mark.usefixtures("configured")
def test_the_moment_is_written_as_rfc_3339(capsys: pytest.CaptureFixture[str]) -> None:
    """The timestamp is UTC, to the microsecond, and the present."""
    logs.configure("info", "json")
    structlog.get_logger().info("event")
    text = json.loads(capsys.readouterr().out)["timestamp"]
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z", text)
    assert abs(datetime.fromisoformat(text).timestamp() - time.time()) < 60


@pytest.mark.usefixtures("configured")
def test_the_level_counts(capsys: pytest.CaptureFixture[str]) -> None:
    """What is below the level is not written."""
    logs.configure("error", "console")
    structlog.get_logger().warning("quiet")
    assert capsys.readouterr().out == ""


@pytest.mark.usefixtures("configured")
def test_libraries_log_the_same_way(capsys: pytest.CaptureFixture[str]) -> None:
    """Lines of the standard library's logging become JSON too, masked."""
    logs.configure("info", "json")
    logging.getLogger("some.library").warning("got %s", TOKEN)
    assert json.loads(capsys.readouterr().out)["event"] == "got *****"


@pytest.mark.usefixtures("configured")
def test_lines_of_a_moment_are_written_together(capsys: pytest.CaptureFixture[str]) -> None:
    """Within an event loop lines wait a moment for others; none is lost, and they keep their order."""

    async def scenario() -> None:
        logs.configure("info", "json")
        for number in range(3):
            structlog.get_logger().info("event", number=number)
        assert capsys.readouterr().out == ""
        written = ""
        while written.count("\n") < 3:
            await asyncio.sleep(logs.FLUSH_AFTER_S)
            written += capsys.readouterr().out
        assert [json.loads(line)["number"] for line in written.splitlines()] == [0, 1, 2]

    asyncio.run(scenario())
    logs.flush()
    assert capsys.readouterr().out == ""


@pytest.mark.usefixtures("configured")
def test_lines_of_a_loop_that_ended_are_not_in_the_way(capsys: pytest.CaptureFixture[str]) -> None:
    """A line that its loop had no time to write is written with the next one, instead of blocking all others."""
    logs.configure("info", "json")

    async def leave() -> None:
        structlog.get_logger().info("first")

    asyncio.run(leave())
    structlog.get_logger().info("second")
    assert [json.loads(line)["event"] for line in capsys.readouterr().out.splitlines()] == ["first", "second"]


def test_captured_lines_are_not_written_directly(capsys: pytest.CaptureFixture[str]) -> None:
    """Whoever captures structlog's lines gets those that are written directly otherwise."""
    logs.configure()
    try:
        with structlog.testing.capture_logs() as lines:
            logs.say(structlog.get_logger("test"), "refused", {"reason": "TokenExpired"})
        logs.flush()
        assert [line["reason"] for line in lines] == ["TokenExpired"]
        assert capsys.readouterr().out == ""
    finally:
        structlog.reset_defaults()


def test_lines_of_threads_take_none_away(monkeypatch: pytest.MonkeyPatch) -> None:
    """Threads write what waits while the loop makes lines: each line comes once."""
    written, is_over = list[str](), threading.Event()
    monkeypatch.setattr(logs._Output.writer, "write", lambda _, lines: written.extend(lines))
    monkeypatch.setattr(logs._Output.writer, "wait", lambda: None)

    def interrupt() -> None:
        while not is_over.wait(1e-4):
            logs._lines.msg("a thread's")

    async def serve() -> None:
        for number in range(4_000):
            logs._lines.later(lambda subject, _: subject, str(number))

    before, threads = sys.getswitchinterval(), [threading.Thread(target=interrupt) for _ in range(3)]
    sys.setswitchinterval(1e-6)
    try:
        for thread in threads:
            thread.start()
        asyncio.run(serve())
    finally:
        is_over.set()
        sys.setswitchinterval(before)
        for thread in threads:
            thread.join()
    logs.flush()
    assert sorted(line for line in written if line != "a thread's") == sorted(map(str, range(4_000)))
