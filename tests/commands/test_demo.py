"""``gateway demo --open``: a browser, or where to point one."""

from __future__ import annotations

import asyncio
import time
import webbrowser

import pytest

from gateway.commands.demo import running


@pytest.mark.parametrize(
    ("opens", "said"),
    [
        (lambda _: True, ""),
        (lambda _: False, "No browser could be opened; the console is at http://127.0.0.1:1/\n"),
        (lambda _: time.sleep(0.05), "No browser could be opened; the console is at http://127.0.0.1:1/\n"),
    ],
    ids=["opened", "no-browser", "browser-that-stays"],
)
def test_the_console_is_opened(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], opens: object, said: str
) -> None:
    """The desktop's browser is asked once; where there is none, or it does not return, the address is printed."""
    monkeypatch.setattr(webbrowser, "open", opens)
    monkeypatch.setattr(running, "BROWSER_TIMEOUT_S", 0.02)
    asyncio.run(running._show("http://127.0.0.1:1/"))
    assert capsys.readouterr().out == said
