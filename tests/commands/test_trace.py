"""``gateway trace``: what it asks the running gateway, and what it prints."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from gateway.commands import trace

ORDER = {"id": "o1", "path": "/orders/*", "api": "", "caller": "me", "count": 2, "seconds_left": 60.0}
SUMMARY = {
    "id": "t1",
    "time": "2030-01-01T00:00:00.000Z",
    "cause": "refused",
    "method": "GET",
    "url": "http://h/orders/1",
    "status": 401,
    "reason": "TokenExpired",
}


def test_commands(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """Each command asks for its own path and prints an answer for people."""
    config = tmp_path / "config.yaml"
    config.write_text("apis: [{id: a, path: a, service-url: http://127.0.0.1:1}]\n", encoding="utf-8")
    asked: list[Any] = []
    answers: list[Any] = [
        ORDER,
        {"pending": [ORDER]},
        {"pending": []},
        {"deleted": 1},
        {"summaries": [SUMMARY]},
        {"traceId": "t1"},
    ]

    def ask(_: object, path: str, body: object = None, method: str | None = None) -> Any:
        asked.append((method or ("GET" if body is None else "POST"), path, body))
        return answers.pop(0)

    monkeypatch.setattr(trace, "ask", ask)
    trace.ask_for_next("/orders/*", caller="me", count=2, for_="1m", config=config)
    trace.pending(config=config)
    trace.pending(config=config)
    trace.cancel("o/1", config=config)
    trace.list_traces(config=config)
    trace.show("t1", config=config)
    assert asked == [
        ("POST", "/traces/next", {"path": "/orders/*", "caller": "me", "count": 2, "for": "1m"}),
        ("GET", "/traces/next", None),
        ("GET", "/traces/next", None),
        ("DELETE", "/traces/next/o%2F1", None),
        ("GET", "/traces", None),
        ("GET", "/traces/t1", None),
    ]
    printed = capsys.readouterr().out
    for text in (
        "o1: waiting for path /orders/*, caller me (2 more, for 60.0 s)",
        "Nothing is pending.",
        "withdrawn: 1",
    ):
        assert text in printed
    assert "t1  2030-01-01T00:00:00.000Z  refused GET http://h/orders/1 401 TokenExpired" in printed
