"""deploy/systemd: the units fit what `gateway serve` does; `make deploy-test` lets systemd judge them."""

from __future__ import annotations

from collections import defaultdict

import pytest

from gateway.config.listening import Timeouts
from tests.deploy.parts import DEPLOY


def unit(name: str) -> dict[str, list[str]]:
    """The settings of a unit, each with all of its values; sections have no settings in common here."""
    settings: dict[str, list[str]] = defaultdict(list)
    for line in (DEPLOY / "systemd" / name).read_text().splitlines():
        key, separator, value = line.partition("=")
        if separator and not line.startswith("#"):
            settings[key].append(value)
    return settings


SERVICE, SOCKET = unit("gateway.service"), unit("gateway.socket")


def test_a_mistake_is_not_restarted() -> None:
    """What no restart can mend is not tried again; everything else is, without an end."""
    assert SERVICE["RestartPreventExitStatus"] == ["78"]
    assert SERVICE["Restart"] == ["on-failure"]
    assert SERVICE["StartLimitIntervalSec"] == ["0"]


def test_time_to_end() -> None:
    """systemd waits longer than requests may take after SIGTERM, and only the supervisor gets that signal."""
    assert int(SERVICE["TimeoutStopSec"][0]) >= Timeouts().drain_delay_s + Timeouts().drain_s + 5
    assert SERVICE["KillMode"] == ["mixed"]


@pytest.mark.parametrize(
    ("setting", "value"),
    [
        ("DynamicUser", "yes"),
        ("ProtectSystem", "strict"),
        ("NoNewPrivileges", "yes"),
        ("CapabilityBoundingSet", ""),
        ("MemoryDenyWriteExecute", "yes"),
        ("RestrictAddressFamilies", "AF_INET AF_INET6 AF_UNIX"),
        ("UMask", "0077"),
    ],
)
def test_hardened(setting: str, value: str) -> None:
    """The service has no rights that it does not need, and writes to its own folder only."""
    assert SERVICE[setting] == [value]
    assert SERVICE["StateDirectory"] == ["gateway"]


def test_limits_of_workers() -> None:
    """Processes that run stylesheets limit their own memory, which the filter of system calls must not forbid."""
    assert SERVICE["SystemCallFilter"][-1] == "setrlimit prlimit64"


def test_socket() -> None:
    """The socket is the data plane's, by name and by the address that `listen` has unless it is set."""
    assert SOCKET["FileDescriptorName"] == ["data"]
    assert SOCKET["ListenStream"] == ["127.0.0.1:8080"]
    assert SOCKET["Service"] == ["gateway.service"]
