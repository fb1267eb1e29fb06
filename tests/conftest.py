"""What all tests share: no time limit per generated example, and logs that can be captured whatever ran before."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator

import pytest
import structlog
from hypothesis import settings

settings.register_profile("gateway", deadline=None)  # the tests share two cores with each other
settings.load_profile("gateway")


@pytest.fixture(scope="session", autouse=True)
def uncached_loggers() -> Iterator[None]:
    """A logger that was cached by a test which configured logging could not be captured by the next one."""
    configure = structlog.configure
    structlog.configure = functools.partial(_configure, configure)
    yield
    structlog.configure = configure


@pytest.fixture(autouse=True)
def unconfigured_logging() -> Iterator[None]:
    """A command run inside a test sets the level of the whole process, which the next test must not inherit."""
    structlog.reset_defaults()
    yield
    structlog.reset_defaults()


def _configure(configure: Callable[..., None], **options: object) -> None:
    configure(**{**options, "cache_logger_on_first_use": False})
