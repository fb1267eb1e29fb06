"""
Circuits for callbacks: what keeps failing goes out one at a time until one succeeds.

Callback URLs that hang then cost one turn, not a share of them, and are noticed as soon as they recover. A circuit
belongs to a caller at a host: there, the URLs of other callers may be well. So may other URLs of the same caller, such
as those of another Logic App, so that URLs which begin alike have a circuit of their own; only if five groups of them
fail without a success in between, the whole host is assumed to be away. Nothing is given up because of an open
circuit: attempts only wait for their turn.
"""

from __future__ import annotations

import re
import zlib
from collections import Counter
from dataclasses import dataclass, field
from typing import NamedTuple

import structlog

log = structlog.get_logger("gateway.notifications")

_FAILURES = 5
_REMEMBERED = 10_000
# Groups are numbered, not named, because URLs are secrets; and few, so that nothing grows with the number of URLs.
_GROUPS = 64
# All runs of a Logic App or of a Power Automate flow begin alike up to its id.
_BEGINNING = re.compile(r"(?:/[^/]+)*?/workflows/[^/]+|(?:/[^/]*){0,2}")


class CallbackLine(NamedTuple):
    """Where a callback goes, as far as fairness is concerned; *group* is that of its URL among those at the host."""

    caller: str
    host: str
    group: int = 0


def group_of(url: str) -> int:
    """The group of a URL: by the first two segments of its path, or by its path up to the id of a workflow."""
    _, slash, rest = url.partition("://")[2].partition("/")
    beginning = _BEGINNING.match(slash + rest.partition("?")[0])
    return zlib.crc32(beginning[0].encode() if beginning else b"") % _GROUPS


@dataclass(slots=True)
class _Failing:
    """Of one caller at one host: failures in a row by group, and the groups that failed since the last success."""

    by_group: Counter[int] = field(default_factory=Counter)
    unanswered: set[int] = field(default_factory=set)

    @property
    def is_host_away(self) -> bool:
        return len(self.unanswered) >= _FAILURES

    @property
    def has_open(self) -> bool:
        return self.is_host_away or any(failures >= _FAILURES for failures in self.by_group.values())


class Circuits:
    """Failures in a row by caller, host and group. For one event loop."""

    def __init__(self) -> None:
        self._failing: dict[tuple[str, str], _Failing] = {}

    def is_open(self, caller: str, host: str, group: int | None = None) -> bool:
        """Whether the last attempts of the group have all failed; without one, those of the caller's groups there."""
        failing = self._failing.get((caller, host))
        if failing is None:
            return False
        return failing.is_host_away if group is None else failing.by_group[group] >= _FAILURES

    def record(self, line: CallbackLine, succeeded: bool) -> None:
        """Count one attempt; an answer that refuses counts as success: the host is there."""
        key = line.caller, line.host
        if key not in self._failing:
            if succeeded:
                return
            if len(self._failing) >= _REMEMBERED:
                self._failing.clear()
            self._failing[key] = _Failing()
        (self._succeed if succeeded else self._fail)(self._failing[key], line)

    @property
    def open_hosts(self) -> list[str]:
        """Hosts at which a circuit is open."""
        return list(dict.fromkeys(host for (_, host), failing in self._failing.items() if failing.has_open))

    def _succeed(self, failing: _Failing, line: CallbackLine) -> None:
        was_open = failing.is_host_away or failing.by_group[line.group] >= _FAILURES
        failing.unanswered.clear()
        del failing.by_group[line.group]
        if not failing.by_group:
            del self._failing[line.caller, line.host]
        if was_open:
            log.info("callback_circuit_closed", host=line.host, caller=line.caller)

    def _fail(self, failing: _Failing, line: CallbackLine) -> None:
        was_away = failing.is_host_away
        failing.by_group[line.group] += 1
        failing.unanswered.add(line.group)
        away = failing.is_host_away and not was_away
        if away or failing.by_group[line.group] == _FAILURES:
            log.warning(
                "callback_circuit_opened", host=line.host, caller=line.caller, failures=_FAILURES, whole_host=away
            )
