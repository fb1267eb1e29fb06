"""
JSON files as the nodes that the other forms are read into: JSON is YAML, but for the escapes of UTF-16.

Source: RFC 8259, section 7; YAML 1.2.2, section 5.7.
"""

from __future__ import annotations

import json
import re
import stat
from pathlib import Path
from typing import Any

from gateway.errors import LoadError, Location
from gateway.reading.files import read_bytes
from gateway.reading.yaml_nodes import Mapping, Scalar, Sequence, YamlNode, compose

LARGEST_SOURCE = 1 << 24  # bytes: four for each of the characters that YAML's reader takes
_PAIR = re.compile(rb"(?<!\\)((?:\\\\)*)\\u([dD][89abAB][0-9a-fA-F]{2})\\u([dD][c-fC-F][0-9a-fA-F]{2})")
_UTF16 = (b"\xff\xfe", b"\xfe\xff")


def read_nodes(path: Path) -> YamlNode:
    """The JSON or YAML document in the file at *path*. Raises LoadError."""
    return nodes_of(read_source(path), str(path))


def read_source(path: Path) -> bytes:
    """
    A file of the source, whoever has made it: a pipe would never end.

    Raises:
        LoadError: It is not a regular file, is too large, or cannot be read.
    """
    try:
        facts = path.stat()
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or "not a path"
        raise LoadError.at(Location(str(path)), "unreadable-file", reason, "check the path") from None
    if not stat.S_ISREG(facts.st_mode):
        raise LoadError.at(Location(str(path)), "unreadable-file", "not a regular file", "check the path")
    if facts.st_size > LARGEST_SOURCE:
        message = f"larger than {LARGEST_SOURCE >> 20} MiB"
        raise LoadError.at(Location(str(path)), "too-large", message, "split it")
    return read_bytes(path, "check the path")


def read_optional(path: Path) -> YamlNode | None:
    """The same; None for a file that has nothing in it but comments. Raises LoadError."""
    try:
        return read_nodes(path)
    except LoadError as error:
        if error.problems[0].code == "empty-file":
            return None
        raise


def nodes_of(content: bytes, file: str) -> YamlNode:
    """The same for text that has been read; *file* is its name in errors. Raises LoadError."""
    if content.startswith(_UTF16):  # as PowerShell's > writes it
        content = _utf8(content, file)
    return compose(_PAIR.sub(_joined, content), file)


def _utf8(content: bytes, file: str) -> bytes:
    try:
        return content.decode("utf-16").encode()
    except UnicodeError:
        raise LoadError.at(Location(file), "bad-encoding", "these bytes are not UTF-16", "save it as UTF-8") from None


def _joined(pair: re.Match[bytes]) -> bytes:
    """Two halves of one character, which YAML knows as one."""
    high, low = int(pair[2], 16), int(pair[3], 16)
    return pair[1] + b"\\U%08x" % (0x10000 + ((high - 0xD800) << 10) + low - 0xDC00)


def json_text(node: YamlNode) -> str:
    """*node* as JSON, laid out for people: for what another document holds as an object instead of as a text."""
    return json.dumps(_data(node), indent=2, ensure_ascii=False) + "\n"


def _data(node: YamlNode) -> Any:
    match node:
        case Mapping():
            return {key.value: _data(value) for key, value in node.entries}
        case Sequence():
            return [_data(item) for item in node.items]
        case Scalar(plain=True):
            return _plain(node.value)
    return node.value


def _plain(text: str) -> Any:
    """What a word without quotes means in JSON."""
    try:
        return json.loads(text)
    except ValueError:
        return None if text in ("", "~") else text
