"""
Whether a part of the configuration is what it was: its settings, and what is in the files that they name.

A certificate that was renewed in the same file is another certificate.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from hashlib import sha256
from pathlib import Path

from pydantic import SecretStr

from gateway.reading.settings import Block


def fingerprint(settings: object) -> bytes:
    """Equal for equal settings whose files have equal content. The files are read now, so ask when they are loaded."""
    digest = sha256()
    for piece in _pieces(settings):
        digest.update(len(piece).to_bytes(8, "big") + piece)
    return digest.digest()


def _pieces(value: object) -> Iterator[bytes]:
    if isinstance(value, Block):
        yield from _pieces(dict(value))
    elif isinstance(value, Mapping):
        for name, member in value.items():
            yield repr(name).encode()
            yield from _pieces(member)
    elif isinstance(value, tuple | list):
        yield str(len(value)).encode()
        for item in value:
            yield from _pieces(item)
    else:
        yield _leaf(value)


def _leaf(value: object) -> bytes:
    if isinstance(value, SecretStr):
        return value.get_secret_value().encode()
    if isinstance(value, Path):
        return str(value).encode() + b"\0" + _content(value)
    return repr(value).encode()


def _content(file: Path) -> bytes:
    try:
        return sha256(file.read_bytes()).digest()
    except OSError:
        return b""
