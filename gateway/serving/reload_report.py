"""How a reload ended: for readiness, for the log, and between the supervisor and the management process."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

import structlog

from gateway.errors import GatewayError, LoadError
from gateway.management.health import Status

log = structlog.get_logger("gateway.reload")

SHOWN = 20  # problems in a report


@dataclass(frozen=True, slots=True)
class ReloadReport:
    """
    How a reload ended.

    Attributes:
        at: When, in seconds since the epoch.
        problems: Why the configuration before is still in place; empty: the new one has taken over.
        waiting: Keys whose change waits for a restart.
    """

    at: float
    problems: tuple[str, ...] = ()
    waiting: tuple[str, ...] = ()

    @classmethod
    def of(cls, error: Exception) -> ReloadReport:
        """Of a reload that *error* has ended."""
        if isinstance(error, LoadError):
            return cls(time.time(), tuple(map(str, error.problems[:SHOWN])))
        if isinstance(error, GatewayError | OSError):
            return cls(time.time(), (str(error),))
        log.error("internal_error", error=type(error).__name__, exc_info=error)
        return cls(time.time(), (f"internal error: {type(error).__name__}",))

    @property
    def succeeded(self) -> bool:
        """Whether the new configuration has taken over."""
        return not self.problems

    def as_json(self) -> dict[str, object]:
        """``{"reloaded", "problems", "needs-restart"}``."""
        return {"reloaded": self.succeeded, "problems": list(self.problems), "needs-restart": list(self.waiting)}

    def in_words(self) -> str:
        """In one sentence."""
        return f"Serving; {_detail(self)}"

    def write_log(self, apis: int) -> None:
        """One line; *apis*: of the configuration that runs."""
        if self.succeeded:
            log.info("reloaded", apis=apis, needs_restart=list(self.waiting))
        else:
            log.error("not_reloaded", problems=list(self.problems))


@dataclass(frozen=True, slots=True)
class ReloadCounts:
    """How many reloads there have been since the start."""

    succeeded: int = 0
    failed: int = 0

    def with_one(self, report: ReloadReport) -> ReloadCounts:
        """One more."""
        return ReloadCounts(self.succeeded + report.succeeded, self.failed + (not report.succeeded))


SUCCEEDED = "gateway_reloads_succeeded", "Configurations taken over."
FAILED = "gateway_reloads_failed", "Configurations with a mistake."
IS_LAST = "gateway_configuration_is_last", "Whether the configuration that runs is the last one that was asked for."


def is_last(report: ReloadReport | None) -> bool:
    """Whether what runs is all of what was asked for."""
    return report is None or (report.succeeded and not report.waiting)


def metrics_of(counts: ReloadCounts, last: ReloadReport | None) -> str:
    """Both in Prometheus' text form."""
    counters = ((SUCCEEDED, counts.succeeded), (FAILED, counts.failed))
    lines = [
        f"# HELP {name}_total {text}\n# TYPE {name}_total counter\n{name}_total {count}\n"
        for (name, text), count in counters
    ]
    name, text = IS_LAST
    return "".join([*lines, f"# HELP {name} {text}\n# TYPE {name} gauge\n{name} {int(is_last(last))}\n"])


def status_of(last: ReloadReport | None) -> Mapping[str, Status]:
    """Readiness: a gateway with its last good configuration is ready, and says what is wrong with the new one."""
    return {"reload": Status(True, _detail(last), concern=last is not None and not last.succeeded)}


def _detail(last: ReloadReport | None) -> str:
    if last is None:
        return "as it was started"
    moment = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(last.at))
    if not last.succeeded:
        return f"the configuration of {moment} has not taken over: {'; '.join(last.problems)}"
    later = f"; {', '.join(last.waiting)} need a restart" if last.waiting else ""
    return f"reloaded at {moment}{later}"


class ReloadBook:
    """
    The last report, in a file of the supervisor's private directory.

    Reloads have numbers, and another file has that of the last one that began: who asks for one must not take the
    report of one that had read the configuration before.
    """

    def __init__(self, directory: Path) -> None:
        self._file = directory / "reload.json"
        self._begun = directory / "begun.json"

    def begin(self, number: int) -> None:
        """The reload *number* is about to read the configuration."""
        _write(self._begun, number)

    def begun(self) -> int:
        """The number of the last reload that began."""
        return int(self._begun.read_text("utf-8")) if self._begun.exists() else 0

    def write(self, number: int, report: ReloadReport) -> None:
        """How the reload *number* ended."""
        _write(self._file, [number, asdict(report), asdict(self.counts().with_one(report))])

    def counts(self) -> ReloadCounts:
        """How many have ended."""
        return ReloadCounts(**json.loads(self._file.read_text("utf-8"))[2]) if self._file.exists() else ReloadCounts()

    def read(self) -> tuple[int, ReloadReport | None]:
        """The last report, and the number of its reload."""
        try:
            number, report, _ = json.loads(self._file.read_text("utf-8"))
        except FileNotFoundError:
            return 0, None
        return number, ReloadReport(report["at"], tuple(report["problems"]), tuple(report["waiting"]))


def _write(file: Path, content: object) -> None:
    """Replace *file* as a whole."""
    partial = file.with_suffix(".part")
    partial.write_text(json.dumps(content), "utf-8")
    os.replace(partial, file)
