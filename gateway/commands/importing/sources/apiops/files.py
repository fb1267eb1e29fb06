"""The text and the JSON of one file of an artifacts folder, with places and within bounds."""

from __future__ import annotations

from pathlib import Path

from gateway.commands.importing.json_nodes import nodes_of, read_source
from gateway.errors import LoadError, Location
from gateway.reading.yaml_nodes import YamlNode


def text_of(path: Path) -> str:
    """
    The text in the file at *path*, without a byte order mark.

    Raises:
        LoadError: It is a link, no regular file, too large, unreadable or not UTF-8.
    """
    if path.is_symlink():
        message = "a link, which may lead out of the folder"
        raise LoadError.at(Location(str(path)), "link", message, "put the file itself there")
    content = read_source(path)
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content[: error.start].count(b"\n") + 1
        location = Location(str(path), line)
        raise LoadError.at(location, "bad-encoding", "these bytes are not UTF-8", "save it as UTF-8") from None


def json_of(path: Path) -> YamlNode:
    """The JSON in the file at *path*. Raises LoadError."""
    return nodes_of(text_of(path).encode(), str(path))
