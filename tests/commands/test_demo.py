"""``gateway demo``: a browser, or where to point one; the address that everything listens on."""

from __future__ import annotations

import asyncio
import re
import socket
import time
import webbrowser
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

import pytest

from gateway.cli import app
from gateway.commands.demo import running
from gateway.config import Config
from gateway.emulators.serving import Binding
from gateway.reading.values import revealed


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


ADDRESSES = {
    "all addresses": ("0.0.0.0", "127.0.0.1", True),
    "one address": ("127.9.8.7", "127.9.8.7", False),
}


@pytest.mark.parametrize(("host", "called", "asks"), ADDRESSES.values(), ids=ADDRESSES.keys())
def test_where_it_listens(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, host: str, called: str, asks: bool) -> None:
    """Everything listens on the address that was given, and calls name one that reaches it; beyond loopback the
    console asks for a token, which is shown."""
    monkeypatch.setattr(running, "demo_keys", lambda: tmp_path / "keys.json")
    bindings: list[Binding] = []

    @asynccontextmanager
    async def serve_here(_: object, binding: Binding) -> AsyncIterator[str]:
        bindings.append(binding)
        with socket.socket() as unbound:
            yield binding.url(unbound)

    monkeypatch.setattr(running, "serve_here", serve_here)

    async def started() -> tuple[Config, dict[str, str]]:
        async with AsyncExitStack() as ending:
            gateway, facts = await running.start(8080, host, ending)
            await gateway.aclose()
            return gateway.config, facts

    config, facts = asyncio.run(started())
    assert [config.listen, config.management, *((it.host, it.port) for it in bindings)] == [
        (host, port) for port in range(8080, 8086)
    ]
    banner, token = running.render("banner.txt", facts), revealed(config.console.token)
    assert set(re.findall(r"http://([^:/]+):", banner)) == {called}
    assert (token is not None, f"this token: {token}" in banner) == (asks, asks)


def test_an_address_that_is_none(capsys: pytest.CaptureFixture[str]) -> None:
    """A name is refused with what to write: which of its addresses is meant is not clear."""
    with pytest.raises(SystemExit):
        app(["demo", "--host", "gateway.local"])
    assert "write 0.0.0.0 or 127.0.0.1" in capsys.readouterr().err
