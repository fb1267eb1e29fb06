"""
The files of one definition, and what a ``$ref`` in them means.

References lead into the same file or into files in the definition's directory and below it; nothing is ever fetched.

Source: OpenAPI 3.1, "Reference Object"; RFC 6901 (JSON Pointer).
"""

from __future__ import annotations

import re
from pathlib import Path
from urllib.parse import unquote, urlsplit

from gateway.errors import LoadError, Location
from gateway.reading.yaml_nodes import Mapping, Scalar, Sequence, YamlNode, compose

REF = "$ref"
MAX_HOPS = 50  # references that lead to references

# JSON writes characters beyond the basic plane as two escapes; YAML knows no such pairs.
_JSON_ESCAPE = re.compile(r"\\(?:u(d[89ab][0-9a-f]{2})\\u(d[c-f][0-9a-f]{2})|.)", re.IGNORECASE)


class Documents:
    """Reads each file once."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._directory = path.resolve().parent
        self._roots: dict[Path, YamlNode] = {}
        self._targets: dict[tuple[str, str], YamlNode] = {}

    def root(self) -> YamlNode:
        """The definition itself. Raises LoadError."""
        return self._read(self._path, Location(str(self._path)))

    def resolve(self, node: YamlNode, siblings: bool = False) -> YamlNode:
        """
        *node*, or what it refers to in the end; with *siblings* a reference that has something beside it is the end.

        Raises LoadError: it leads nowhere, outside, or in a circle.
        """
        target = node
        for _ in range(MAX_HOPS):
            ref = reference(target)
            if ref is None or (siblings and has_siblings(target)):
                return target
            target = self.follow(ref)
        raise LoadError.at(node.location, "circular-reference", "this $ref leads back to itself", "name a real object")

    def follow(self, ref: Scalar) -> YamlNode:
        """What *ref* points to, which may be a reference again. Raises LoadError."""
        key = ref.location.file, ref.value
        if key not in self._targets:
            self._targets[key] = self._find(ref)
        return self._targets[key]

    def _find(self, ref: Scalar) -> YamlNode:
        name, _, pointer = ref.value.partition("#")
        node: YamlNode | None = self._read(self._file(name, ref), ref.location)
        for token in pointer.split("/")[1:]:
            node = _member(node, unquote(token).replace("~1", "/").replace("~0", "~"))
        if node is None or (pointer and not pointer.startswith("/")):
            message = f"$ref {ref.value!r} points to nothing"
            raise LoadError.at(ref.location, "unknown-reference", message, "correct it, or add what it names")
        return node

    def _file(self, name: str, ref: Scalar) -> Path:
        """The file that the part of *ref* in front of the ``#`` names."""
        here = Path(ref.location.file)
        if not name:
            return here
        if urlsplit(name).scheme or name.startswith("//"):
            message = f"$ref {ref.value!r} is not a local file"
            raise LoadError.at(ref.location, "remote-reference", message, "nothing is fetched: save it as a file here")
        if "\0" in (name := unquote(name)):
            raise LoadError.at(ref.location, "unknown-reference", "the $ref names no file: it has a NUL", "correct it")
        path = here.parent / name
        if not path.resolve().is_relative_to(self._directory):
            message = f"$ref {ref.value!r} leaves the directory of the definition"
            raise LoadError.at(ref.location, "reference-outside", message, f"move the file into {self._directory}")
        return path

    def _read(self, path: Path, at: Location) -> YamlNode:
        key = path.resolve()
        if key not in self._roots:
            content = _content(path, at)
            self._roots[key] = compose(_joined_escapes(content), str(path))
        return self._roots[key]


def _content(path: Path, at: Location) -> bytes:
    """Raises LoadError: it cannot be read, or is not a regular file (reading a FIFO would wait for ever)."""
    try:
        if path.exists() and not path.is_file():
            raise LoadError.at(at, "unreadable-file", f"{path} is not a regular file", "name a file")
        return path.read_bytes()
    except OSError as error:
        message = f"{path}: {error.strerror or type(error).__name__}"
        raise LoadError.at(at, "unreadable-file", message, "check path and permissions") from None


def reference(node: YamlNode | None) -> Scalar | None:
    """The text behind ``$ref`` in *node*, or None."""
    ref = node.find(REF) if isinstance(node, Mapping) else None
    return ref if isinstance(ref, Scalar) else None


def has_siblings(node: YamlNode) -> bool:
    """Whether *node* says more than one thing."""
    return isinstance(node, Mapping) and len(node.entries) > 1


def _member(node: YamlNode | None, token: str) -> YamlNode | None:
    if isinstance(node, Mapping):
        return node.find(token)
    if isinstance(node, Sequence) and token.isdecimal() and int(token) < len(node.items):
        return node.items[int(token)]
    return None


def _joined_escapes(content: bytes) -> bytes:
    """JSON text without pairs of escapes; anything else as it is, to be refused by the reader if it is bad."""
    if not content.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"{") or rb"\u" not in content:
        return content
    try:
        return _JSON_ESCAPE.sub(_joined, content.decode()).encode()
    except UnicodeDecodeError:
        return content


def _joined(escape: re.Match[str]) -> str:
    high, low = escape[1], escape[2]
    if high is None:
        return escape[0]
    return chr(0x10000 + ((int(high, 16) - 0xD800) << 10) + int(low, 16) - 0xDC00)
