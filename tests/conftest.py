"""What all tests share: programs they need, processes they may not leave behind, and a fresh state of logging."""

from __future__ import annotations

import functools
import gc
import os
import signal
from collections import Counter
from collections.abc import Callable, Generator, Iterator
from pathlib import Path

import pytest
import structlog
from hypothesis import settings

from gateway.expressions.limits import forget
from gateway.pipeline import beside
from gateway.telemetry import logs
from tests import processes, sources, tools

settings.register_profile("gateway", deadline=None)  # the tests share two cores with each other
settings.load_profile("gateway")

# Reading the machine's hundred and fifty authorities takes 20 ms for each TLS context, here and in what tests start;
# no test needs one of them.
AUTHORITY = Path(__file__).parent / "authority.pem"

SURVIVORS = pytest.StashKey[list[processes.Survivor]]()


def pytest_configure(config: pytest.Config) -> None:
    """Mark what the run starts; its workers inherit the mark."""
    config.stash[SURVIVORS] = []
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:  # `make test &`: what tests start has to hear Ctrl-C again
        signal.signal(signal.SIGINT, signal.default_int_handler)
    if not _is_worker():
        processes.mark()
        os.environ["SSL_CERT_FILE"] = str(AUTHORITY)


@pytest.hookimpl(tryfirst=True)  # before xdist reads the groups
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """
    A test whose program is missing is skipped, with the reason, unless this is CI.

    Tests that share something made for their module run in one worker, so that it is made once.
    """
    for item in items if not tools.required() else ():
        for name in _missing(item):
            item.add_marker(pytest.mark.skip(reason=tools.reason(name)))
    for item in items:
        if _reads_code(item):
            item.add_marker(pytest.mark.xdist_group("code"))
        if isinstance(item, pytest.Function) and _shares(item) and not item.get_closest_marker("xdist_group"):
            item.add_marker(pytest.mark.xdist_group(item.module.__name__))


def _reads_code(item: pytest.Item | None) -> bool:
    return isinstance(item, pytest.Function) and "parsed_once" in item.fixturenames


@pytest.hookimpl(trylast=True)
def pytest_runtest_teardown(item: pytest.Item, nextitem: pytest.Item | None) -> None:
    """The trees of the code go with the last test of those that share them."""
    if _reads_code(item) and not _reads_code(nextitem):
        sources.forget()


def _shares(item: pytest.Function) -> bool:
    definitions = item._fixtureinfo.name2fixturedefs.values()
    return any(fixture.scope == "module" for fixtures in definitions for fixture in fixtures)


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Generator[None, object, object]:
    """
    No collection of garbage looks through what pytest holds, which takes longer than most limits of processor time.

    The product does the same with what it has loaded, before it serves. While tests are collected, nearly all of what
    is made stays, and looking through it again and again takes a quarter of the time.
    """
    gc.disable()
    try:
        return (yield)
    finally:
        gc.collect()
        gc.freeze()
        gc.enable()


def pytest_runtest_setup(item: pytest.Item) -> None:
    """What has come here although a program is missing runs in CI, and fails."""
    for name in _missing(item):
        pytest.fail(tools.reason(name), pytrace=False)


def _missing(item: pytest.Item) -> list[str]:
    return [name for mark in item.iter_markers("needs") for name in mark.args if tools.find(name) is None]


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    """A process that outlives the tests fails the run."""
    if _is_worker():
        return
    found = session.config.stash[SURVIVORS] = processes.survivors()
    for process in found:
        processes.end(process)
    if found and session.exitstatus == pytest.ExitCode.OK:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_terminal_summary(
    terminalreporter: pytest.TerminalReporter, config: pytest.Config
) -> Generator[None, object, object]:
    """Below everything else: what was left behind, and in one line what the skipped tests lack."""
    result = yield
    for process in config.stash[SURVIVORS]:
        terminalreporter.write_line(f"left behind: {process}", red=True)
    reasons = map(tools.lacking, (str(report.longrepr) for report in terminalreporter.getreports("skipped")))
    if lacking := Counter(filter(None, reasons)):
        names = ", ".join(f"{name} ({count})" for name, count in sorted(lacking.items()))
        terminalreporter.write_line(f"Skipped because a program is missing: {names}. `{tools.REMEDY}` installs them.")
    return result


def _is_worker() -> bool:
    return "PYTEST_XDIST_WORKER" in os.environ


@pytest.fixture(scope="session", autouse=True)
def uncached_loggers() -> Iterator[None]:
    """A logger that was cached by a test which configured logging could not be captured by the next one."""
    configure = structlog.configure
    structlog.configure = functools.partial(_configure, configure)
    yield
    structlog.configure = configure


@pytest.fixture(scope="session", autouse=True)
def workers_ended() -> Iterator[None]:
    """The workers for long work end with the tests, before anybody looks for processes that were left behind."""
    yield
    if beside.shared.cache_info().currsize:
        beside.shared().close()


@pytest.fixture
def parsed_once() -> None:
    """The trees of the code, for the tests that follow each other with it: they run in one worker."""


@pytest.fixture(autouse=True)
def unmetered() -> None:
    """What an expression of the test before has used is not counted against what this test calls directly."""
    forget()


@pytest.fixture(autouse=True)
def unconfigured_logging() -> Iterator[None]:
    """The next test inherits neither the level that a command set for the whole process nor a line that still waits."""
    structlog.reset_defaults()
    yield
    logs.flush()
    structlog.reset_defaults()


def _configure(configure: Callable[..., None], **options: object) -> None:
    configure(**{**options, "cache_logger_on_first_use": False})
