"""
Writes a plan into a folder: all that is new, nothing that a person has changed, nothing outside of it.

Each file is replaced in one step, and the record of the import is written last: an import that was interrupted is
repeated as if it had not been.
"""

from __future__ import annotations

import os
import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ruamel.yaml.error import YAMLError

from gateway.commands.importing.findings import ImportFinding, ImportOutcome
from gateway.commands.importing.planned import Planned
from gateway.commands.importing.writing.merging import ABSENT, Conflict, Merge
from gateway.commands.importing.writing.record import NAME, ImportRecord, digest_of, read_record
from gateway.commands.importing.writing.styled import dumped, round_trip, styled
from gateway.documentation import page
from gateway.errors import LoadError, Location

CONFIG = "config.yaml"
_GONE = "the source does not have it any more; you have changed it, so it is kept"
BESIDE = ".imported"  # suffix of a file that the source has changed, beside one that a person has


@dataclass(slots=True)
class WrittenFolder:
    """What writing did, by path relative to the folder; *findings* is what a person has to look at."""

    created: list[str] = field(default_factory=list)
    replaced: list[str] = field(default_factory=list)
    removed: list[str] = field(default_factory=list)
    kept: list[str] = field(default_factory=list)
    findings: list[ImportFinding] = field(default_factory=list)


def write(plan: Planned, folder: Path) -> WrittenFolder:
    """
    Bring *folder* to *plan*.

    Raises:
        LoadError: The folder holds files of somebody else under the names that would be written, a link leads out, or
            it cannot be written to.
    """
    try:
        return _FolderWriter(folder, plan).write()
    except OSError as error:
        raise not_writable(Path(error.filename2 or error.filename or folder), error) from None


def not_writable(path: Path, error: OSError) -> LoadError:
    """The *error* of writing to *path*, for a person."""
    reason = error.strerror or str(error)
    return LoadError.at(Location(str(path)), "not-writable", reason, "choose another place, or make it writable")


class _FolderWriter:
    """One run over one folder."""

    def __init__(self, folder: Path, plan: Planned) -> None:
        self._folder = folder
        self._plan = plan
        self._written = WrittenFolder()
        self._last = read_record(folder)
        self._files: dict[str, str] = {}

    def write(self) -> WrittenFolder:
        if self._last is None:
            self._refuse_strangers()
            self._replace(NAME, ImportRecord().dump())  # the files are ours, even if this run ends here
        last = self._last or ImportRecord()
        for path in [CONFIG, *self._plan.files]:
            self._inside(path)
        config = self._config(last.config)
        for path, content in self._plan.files.items():
            self._file(path, content, last.files.get(path))
        for path, digest in last.files.items():
            if path not in self._plan.files:
                self._gone(path, digest)
        if config is not None:
            self._replace(CONFIG, config)
        self._replace(NAME, ImportRecord(self._plan.config, self._files).dump())
        return self._written

    def _refuse_strangers(self) -> None:
        """Files that no import wrote are not overwritten."""
        strangers = [path for path in [CONFIG, *self._plan.files] if (self._folder / path).exists()]
        if strangers:
            message = f"{', '.join(strangers[:3])} is there already, and no import has written it"
            remedy = "choose another folder for -o, or move these files away"
            raise LoadError.at(Location(str(self._folder)), "not-ours", message, remedy)

    def _inside(self, path: str) -> None:
        """Raises LoadError: a link inside the folder leads out of it."""
        if not (self._folder / path).resolve().is_relative_to(self._folder.resolve()):
            message = "a link leads out of the folder"
            raise LoadError.at(Location(str(self._folder / path)), "outside", message, "remove the link")

    # -- files
    def _file(self, path: str, content: bytes, last: str | None) -> None:
        new, present = digest_of(content), self._digest(path)
        self._files[path] = new
        if present == new:
            return
        if present is None:
            self._written.created.append(path)
            self._replace(path, content)
        elif present == last:
            self._written.replaced.append(path)
            self._replace(path, content)
        elif new == last:
            self._written.kept.append(path)
        else:
            self._beside(path, content)

    def _beside(self, path: str, content: bytes) -> None:
        self._replace(path + BESIDE, content)
        message = f"you have changed it, and so has the source: yours is kept, the new version is {path}{BESIDE}"
        self._conflict(path, message, "join the two, and delete the second")

    def _gone(self, path: str, digest: str) -> None:
        """The source has no such file any more."""
        self._inside(path)
        present = self._digest(path)
        if present == digest:
            (self._folder / path).unlink()
            self._written.removed.append(path)
        elif present is not None:
            self._conflict(path, _GONE, "delete it")

    def _digest(self, path: str) -> str | None:
        file = self._folder / path
        return digest_of(file.read_bytes()) if file.is_file() else None

    # -- the configuration
    def _config(self, last: dict[str, Any]) -> bytes | None:
        """The configuration as it will be; None where it stays as it is. Raises LoadError."""
        path = self._folder / CONFIG
        if not path.is_file():
            self._written.created.append(CONFIG)
            return _HEAD + dumped(styled(self._plan.config, self._plan.remarks))
        own = _read(path)
        merge = Merge(lambda value, place: styled(value, self._plan.remarks, place))
        merge.mapping(own, last, self._plan.config)
        for conflict in merge.conflicts:
            self._conflict(CONFIG, *_worded(conflict))
        if not merge.changed:
            return None
        self._written.replaced.append(CONFIG)
        return dumped(own)

    def _conflict(self, path: str, message: str, remedy: str) -> None:
        self._written.kept.append(path)
        location = Location(str(self._folder / path))
        self._written.findings.append(ImportFinding(ImportOutcome.NEEDS_YOU, location, path, message, remedy))

    # -- disk
    def _replace(self, path: str, content: bytes) -> None:
        """Write *content* to *path* in one step."""
        self._inside(path)
        file = self._folder / path
        file.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(dir=file.parent, prefix=".import-")
        try:
            with os.fdopen(handle, "wb") as temporary:
                temporary.write(content)
            os.chmod(name, 0o666 & ~_umask())
            os.replace(name, file)
        except BaseException:
            Path(name).unlink(missing_ok=True)
            raise


_HEAD = f"""\
# Imported with `gateway import`. Edit it freely: importing again keeps what you change and add; see
# {page("import")}
# Comments name the place in the source. Secrets come from the environment; .env.example lists them.

""".encode()


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask


def _read(path: Path) -> Any:
    """The configuration that a person may have edited. Raises LoadError."""
    try:
        root = round_trip().load(path.read_bytes())
    except (YAMLError, UnicodeDecodeError, RecursionError) as error:
        mark = getattr(error, "problem_mark", None)
        location = Location(str(path), mark.line + 1, mark.column + 1) if mark else Location(str(path))
        message = getattr(error, "problem", None) or "not YAML"
        raise LoadError.at(location, "bad-yaml", message, "correct it; nothing has been changed") from None
    if not isinstance(root, dict):
        raise LoadError.at(Location(str(path)), "expected-mapping", "a configuration is a mapping", "restore it")
    return root


def _worded(conflict: Conflict) -> tuple[str, str]:
    place = ".".join(conflict.path)
    if conflict.value is ABSENT:
        return f"{place}: {_GONE}", "remove it"
    return f"{place}: you have changed it, and so has the source: yours is kept", f"the source has {conflict.value!r}"
