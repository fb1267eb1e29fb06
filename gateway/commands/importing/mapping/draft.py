"""The plan while it grows: entries, files under names of their own, environment variables, findings."""

from __future__ import annotations

import re
from itertools import chain, count
from typing import Any

from gateway.commands.importing.findings import ImportFinding, ImportOutcome
from gateway.commands.importing.planned import Planned, WantedVariable
from gateway.commands.importing.resources import Unresolved
from gateway.errors import Location

_NOT_IN_VARIABLES = re.compile(r"[^A-Z0-9]+")
# What a system, a shell or a library reads itself: a named value called path must not be the PATH of the machine.
_OF_SYSTEMS = re.compile(
    r"PATH|HOME|USER|USERNAME|LOGNAME|SHELL|PWD|OLDPWD|HOST|HOSTNAME|LANG|LANGUAGE|TERM|TZ|TMPDIR|TEMP|TMP|EDITOR|PAGER"
    r"|MAIL|DISPLAY|IFS|CI|COMSPEC|WINDIR|OS|(HTTP|HTTPS|ALL|NO)_PROXY|(LC|LD|DYLD|SSL|OTEL|PYTHON|UV|PIP|XDG|SYSTEMD)_\w*"
    r"|PG[A-Z]+|PYTHON\w+|NOTIFY_SOCKET|WATCHDOG_USEC|LISTEN_FDS|IDENTITY_(ENDPOINT|HEADER)|AZURE_\w+"
)
_HUMP = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
_NOT_IN_FILES = re.compile(r"[^A-Za-z0-9._-]+")
_LONGEST_NAME = 80
_LONGEST_SUFFIX = 6
_DEVICE = re.compile(r"(aux|con|nul|prn|com[0-9]|lpt[0-9])(\.|$)", re.IGNORECASE)  # on Windows, whatever the suffix


class PlanDraft:
    """A plan, and the only way to add to it."""

    def __init__(self) -> None:
        self.plan = Planned()
        self._paths: set[str] = set()  # lower case: file systems may not tell cases apart

    # -- the configuration
    def entry(self, section: str, key: str, value: Any, remark: str = "") -> None:
        """Add *value* under *key* of a mapping such as ``backends``."""
        self.plan.config.setdefault(section, {})[key] = value
        self._remark((section, key), remark)

    def item(self, section: str, value: dict[str, Any], remark: str = "") -> None:
        """Add *value*, which has an id, to a list such as ``apis``."""
        self.plan.config.setdefault(section, []).append(value)
        self._remark((section, str(value["id"])), remark)

    def setting(self, key: str, value: Any, remark: str = "") -> None:
        """Set a single key of the configuration."""
        self.plan.config[key] = value
        self._remark((key,), remark)

    def _remark(self, path: tuple[str, ...], remark: str) -> None:
        if remark:
            self.plan.remarks[path] = remark

    # -- files
    def file(self, *path: str, content: bytes, origin: Location | None = None) -> str:
        """
        Add a file; returns its path, relative to the configuration.

        Args:
            path: Folders and the file's name; what cannot be in a name becomes a dash, and a taken name gets a number.
            origin: Where *content* begins in the source, when it is the same text.
        """
        *folders, name = (file_name(part) for part in path)
        stem, dot, suffix = name.rpartition(".")
        names = chain([name], (f"{stem}-{number}{dot}{suffix}" for number in count(2)))
        free = next(candidate for candidate in names if "/".join([*folders, candidate]).lower() not in self._paths)
        written = "/".join([*folders, free])
        self._paths.add(written.lower())
        self.plan.files[written] = content
        if origin is not None:
            self.plan.origins[written] = origin
        return written

    # -- the environment
    def variable(self, wanted: str, purpose: str, location: Location, secret: bool = True) -> str:
        """The environment variable for *purpose*, named after *wanted*; the same purpose has the same one."""
        base = _variable_name(wanted)
        names = chain([base], (f"{base}_{number}" for number in count(2)))
        for name in names:
            known = self.plan.variables.get(name)
            if known is None or known.purpose == purpose:
                self.plan.variables[name] = known or WantedVariable(name, purpose, location, secret)
                return name
        raise AssertionError  # count() does not end

    # -- findings
    def mapped(self, location: Location, what: str, message: str) -> None:
        """Report *what* as taken over."""
        self._add(ImportOutcome.MAPPED, location, what, message)

    def changed(self, location: Location, what: str, message: str, remedy: str = "") -> None:
        """Report *what* as taken over in another form."""
        self._add(ImportOutcome.CHANGED, location, what, message, remedy)

    def needs_you(self, location: Location, what: str, message: str, remedy: str) -> None:
        """Report what only a person can complete."""
        self._add(ImportOutcome.NEEDS_YOU, location, what, message, remedy)

    def left_out(self, location: Location, what: str, message: str, remedy: str = "") -> None:
        """Report what is not taken over and may matter for traffic."""
        self._add(ImportOutcome.LEFT_OUT, location, what, message, remedy)

    def harmless(self, location: Location, what: str, message: str) -> None:
        """Report what is not taken over and has no effect on traffic."""
        self.plan.findings.append(ImportFinding(ImportOutcome.LEFT_OUT, location, what, message, harmless=True))

    def _add(self, outcome: ImportOutcome, location: Location, what: str, message: str, remedy: str = "") -> None:
        self.plan.findings.append(ImportFinding(outcome, location, what, message, remedy))

    def unresolved(self, node: Unresolved, what: str, remedy: str) -> None:
        """Report a value that only a deployment knows."""
        names = ", ".join(node.names) or node.value
        self.needs_you(node.location, what, f"depends on {names}, which has no value here", remedy)


def _variable_name(text: str) -> str:
    """*text* as the name of an environment variable, which is not one of the system's."""
    name = _NOT_IN_VARIABLES.sub("_", _HUMP.sub("_", text).upper()).strip("_") or "VALUE"
    if name[0].isdigit():
        return f"V_{name}"
    return f"APIM_{name}" if _OF_SYSTEMS.fullmatch(name) else name


def file_name(text: str) -> str:
    """*text* as the name of a file or folder on every system."""
    name = _NOT_IN_FILES.sub("-", text).strip("-. ")
    stem, dot, suffix = name.rpartition(".")
    if len(name) > _LONGEST_NAME and 0 < len(suffix) < _LONGEST_SUFFIX and stem:
        name = f"{stem[: _LONGEST_NAME - len(suffix) - 1]}{dot}{suffix}"
    name = name[:_LONGEST_NAME].strip("-. ") or "unnamed"
    return f"{name.partition('.')[0]}-{name[len(name.partition('.')[0]) :]}" if _DEVICE.match(name) else name
