"""Ctrl-C is not lost where Python cannot raise it."""

from __future__ import annotations

import asyncio
import signal
import time
from collections.abc import Iterator

import pytest
from pydantic_core import SchemaError

from gateway import cli, interruption
from gateway.__main__ import main
from gateway.interruption import interrupted, note_interrupts
from gateway.serving.signals import StopSignals
from gateway.serving.wake_up import WakeUp


@pytest.fixture
def noting(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """As at the start of ``gateway serve``."""
    monkeypatch.setattr(interruption, "_came", False)
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    note_interrupts()
    yield
    signal.signal(signal.SIGINT, before)


class Lost:
    """Something at whose end Ctrl-C comes."""

    def __del__(self) -> None:
        signal.raise_signal(signal.SIGINT)


@pytest.mark.usefixtures("noting")
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_one_that_was_lost_ends_what_begins_to_serve() -> None:
    """Raised where no exception goes on: then a process, and a supervisor, stop as soon as they listen."""
    assert not interrupted()
    Lost()
    assert interrupted()

    async def stops() -> bool:
        signals = StopSignals()
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGUSR2):
            asyncio.get_running_loop().remove_signal_handler(number)
        return signals.stopping

    assert asyncio.run(stops())
    wake_up = WakeUp()
    with wake_up.listening():
        assert wake_up.take_stops() == 1


@pytest.mark.usefixtures("noting")
def test_it_comes_after_a_callback() -> None:
    """In the callback of a weak reference, where it would be lost with a traceback, it comes a moment later."""

    def remove() -> None:
        signal.raise_signal(signal.SIGINT)

    remove()
    assert interrupted()
    with pytest.raises(KeyboardInterrupt):
        wait()


def wait() -> None:
    """Ten seconds in short pieces: an interrupt comes between two instructions, not while the system sleeps."""
    for _ in range(1000):
        time.sleep(0.01)


class Busy:
    """Where a library is interrupted while it does something of its own."""

    def __init__(self, answer: type[Exception]) -> None:
        self._answer = answer

    def __call__(self) -> None:
        try:
            signal.raise_signal(signal.SIGINT)
        except KeyboardInterrupt as interrupt:
            raise self._answer("KeyboardInterrupt:") from interrupt


@pytest.mark.parametrize("answer", [ValueError, SchemaError])
def test_an_interrupted_library_ends_the_command_quietly(
    noting: None, monkeypatch: pytest.MonkeyPatch, answer: type[Exception]
) -> None:
    """Where a library makes an error of its own out of Ctrl-C, as pydantic does while it builds a class: 130."""
    monkeypatch.setattr(cli, "main", Busy(answer))
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == 130


def test_an_error_without_ctrl_c_keeps_its_traceback(noting: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """Only who pressed Ctrl-C is spared an error."""

    def broken() -> None:
        raise ValueError("ours")

    monkeypatch.setattr(cli, "main", broken)
    with pytest.raises(ValueError, match="ours"):
        main()


def test_what_a_shell_ignores_is_ignored() -> None:
    """A program in the background of a shell does not hear Ctrl-C."""
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        note_interrupts()
        assert signal.getsignal(signal.SIGINT) is signal.SIG_IGN
    finally:
        signal.signal(signal.SIGINT, before)
