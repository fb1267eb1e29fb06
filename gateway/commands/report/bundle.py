"""The file: a zip or a tar.gz that only its owner may read, and that replaces nothing."""

from __future__ import annotations

import io
import os
import tarfile
import time
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from gateway.errors import GatewayError

_MODE = 0o600
_FOLDER = "gateway-report"


@dataclass(frozen=True, slots=True)
class Entry:
    """One file in the bundle; *about* is what the list says of it."""

    name: str
    about: str
    text: str

    @property
    def content(self) -> bytes:
        """As it is written."""
        return self.text.encode("utf-8", "replace")


def place(output: Path | None) -> Path:
    """
    Where the bundle is written.

    Raises:
        GatewayError: Something is there already, or the name is not that of a zip or tar.gz.
    """
    moment = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime())
    path = Path(f"gateway-report-{moment}.zip") if output is None else output
    if not path.name.endswith((".zip", ".tar.gz")):
        raise GatewayError(f"{path}: write a name that ends in .zip or .tar.gz")
    if path.exists() or path.is_symlink():
        raise GatewayError(f"{path} is there already: choose another name with -o")
    if not path.parent.is_dir():
        raise GatewayError(f"{path.parent} is not a folder: make it, or choose another name with -o")
    return path


def write(path: Path, entries: Sequence[Entry]) -> None:
    """
    Write the bundle, all of it or nothing.

    Raises:
        GatewayError: It cannot be written there, or something is there by now.
    """
    content = _zipped(entries) if path.suffix == ".zip" else _tarred(entries)
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_NOFOLLOW", 0), _MODE)
    except OSError as error:
        raise GatewayError(f"{path} cannot be written: {error.strerror}") from None
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
    except OSError as error:
        path.unlink()
        raise GatewayError(f"{path} cannot be written: {error.strerror}") from None


def _zipped(entries: Sequence[Entry]) -> bytes:
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as packed:
        for entry in entries:
            packed.writestr(f"{_FOLDER}/{entry.name}", entry.content)
    return archive.getvalue()


def _tarred(entries: Sequence[Entry]) -> bytes:
    archive = io.BytesIO()
    with tarfile.open(fileobj=archive, mode="w:gz") as packed:
        for entry in entries:
            member = tarfile.TarInfo(f"{_FOLDER}/{entry.name}")
            member.size, member.mode, member.mtime = len(entry.content), _MODE, int(time.time())
            packed.addfile(member, io.BytesIO(entry.content))
    return archive.getvalue()
