"""The text and the JSON of one file of an artifacts folder, with places and within bounds."""

from __future__ import annotations

from pathlib import Path

from gateway.commands.importing.json_nodes import nodes_of
from gateway.errors import LoadError, Location
from gateway.reading.files import read_bytes
from gateway.reading.yaml_nodes import MAX_CHARACTERS, YamlNode

_MAX_BYTES = 4 * MAX_CHARACTERS


def text_of(path: Path) -> str:
    """
    The text in the file at *path*, without a byte order mark.

    Raises:
        LoadError: It is a link, too large, unreadable or not UTF-8.
    """
    if path.is_symlink():
        message = "a link, which may lead out of the folder"
        raise LoadError.at(Location(str(path)), "link", message, "put the file itself there")
    if path.stat().st_size > _MAX_BYTES:
        message = f"the file has more than {_MAX_BYTES} bytes"
        raise LoadError.at(Location(str(path)), "too-large", message, "split it")
    content = read_bytes(path, "check its permissions")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content[: error.start].count(b"\n") + 1
        location = Location(str(path), line)
        raise LoadError.at(location, "bad-encoding", "these bytes are not UTF-8", "save it as UTF-8") from None


def json_of(path: Path) -> YamlNode:
    """The JSON in the file at *path*. Raises LoadError."""
    return nodes_of(text_of(path).encode(), str(path))
