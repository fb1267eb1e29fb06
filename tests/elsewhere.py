"""
Runs `.ci/authoring.py` as if this were Windows or macOS: `python -m tests.elsewhere win32 [COMMAND…]`.

What those systems lack is hidden from everything that is imported later. The standard library (and click) is this
system's own and is loaded before, since its parts for another one do not work here.
"""

from __future__ import annotations

import asyncio
import concurrent.futures.thread
import ctypes.util
import email.message
import getpass
import importlib.metadata
import logging.handlers
import multiprocessing.connection
import os
import platform
import select
import shutil
import signal
import socket
import ssl
import subprocess
import sys
import tempfile
import time
import urllib.request
import uuid
import webbrowser
import zoneinfo
from importlib.abc import MetaPathFinder
from pathlib import Path
from types import ModuleType
from typing import NoReturn

import click

AUTHORING = Path(__file__).parents[1] / ".ci" / "authoring.py"
LOADED = (
    asyncio, concurrent.futures.thread, ctypes.util, email.message, getpass, importlib.metadata, logging.handlers,
    multiprocessing.connection, click, platform, shutil, ssl, subprocess, tempfile, urllib.request, uuid, webbrowser,
    zoneinfo,
)  # fmt: skip

# Source: Python documentation, "Availability" of each.
MODULES = {
    "win32": {"fcntl", "resource", "pwd", "grp", "termios", "tty", "pty", "syslog", "uvloop"},
    "darwin": set[str](),
}
_NOT_ON_MACOS: dict[ModuleType, str] = {
    os: "sched_getaffinity memfd_create eventfd pipe2",
    select: "epoll POLLRDHUP",
    socket: "TCP_KEEPIDLE TCP_USER_TIMEOUT TCP_DEFER_ACCEPT TCP_QUICKACK SO_DOMAIN",
    time: "CLOCK_BOOTTIME",
}
_NOT_ON_WINDOWS: dict[ModuleType, str] = {
    os: "fork forkpty register_at_fork wait waitpid killpg getpgid getuid geteuid getgid setsid uname sysconf"
    " sched_getaffinity"
    " fchmod fchown chown chroot getloadavg memfd_create eventfd pipe2 O_NOFOLLOW O_DIRECTORY O_CLOEXEC O_NONBLOCK",
    signal: "SIGHUP SIGPROF SIGALRM SIGKILL SIGUSR1 SIGUSR2 SIGCHLD SIGQUIT SIGPIPE setitimer ITIMER_PROF ITIMER_REAL"
    " pthread_sigmask sigwait alarm pause",
    select: "poll epoll POLLIN POLLRDHUP",
    socket: "TCP_USER_TIMEOUT TCP_DEFER_ACCEPT TCP_QUICKACK SO_REUSEPORT SO_DOMAIN",
    time: "CLOCK_BOOTTIME CLOCK_MONOTONIC clock_gettime clock_settime clock_getres tzset pthread_getcpuclockid",
}
NAMES = {"win32": _NOT_ON_WINDOWS, "darwin": _NOT_ON_MACOS}


class Missing(MetaPathFinder):
    """Refuses modules that the other system does not have."""

    def __init__(self, modules: set[str]) -> None:
        self.modules = modules

    def find_spec(self, fullname: str, path: object = None, target: object = None) -> None:
        """See ``MetaPathFinder``."""
        if fullname.partition(".")[0] in self.modules:
            self._refuse(fullname)

    def _refuse(self, name: str) -> NoReturn:
        raise ModuleNotFoundError(f"No module named {name!r}", name=name)


def hide(system: str) -> None:
    """From here on this is *system*, as far as it is imported or asked for."""
    for name in MODULES[system]:
        sys.modules.pop(name, None)
    sys.meta_path.insert(0, Missing(MODULES[system]))
    for module, names in NAMES[system].items():
        for name in names.split():
            if name in vars(module):
                delattr(module, name)
    if system == "win32":
        vars(signal)["SIGBREAK"] = 21  # which uvicorn asks for there
        vars(ssl)["enum_certificates"] = lambda store: ()  # the system's authorities, of which this one has a file
    sys.platform = system


if __name__ == "__main__":
    hide(sys.argv.pop(1))
    sys.argv[0] = str(AUTHORING)
    exec(compile(AUTHORING.read_text("utf-8"), str(AUTHORING), "exec"))
