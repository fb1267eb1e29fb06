"""
The request target in one normal form: what routing matches is what the backend gets.

A target is either normal already, made normal without a change of meaning (escapes of unreserved characters undone,
escapes in upper case), or refused. docs/wire.md has the table; a test holds every row.

Source: RFC 3986 §6.2.2; RFC 9112 §3.2.
"""

from __future__ import annotations

import re

_PLAIN_PATH = re.compile(r"/[A-Za-z0-9\-._~!$&'()*+,=:@/]*")
_PATH = re.compile(r"/(?:[A-Za-z0-9\-._~!$&'()*+,;=:@/]|%[0-9A-Fa-f]{2})*")
_QUERY = re.compile(r"(?:[A-Za-z0-9\-._~!$&'()*+,;=:@/?\[\]{}|^`\\\"<>]|%[0-9A-Fa-f]{2})*")
_ESCAPE = re.compile(r"%([0-9A-Fa-f]{2})")
_UNRESERVED = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~")

# Escapes whose meaning depends on who decodes them: NUL and other controls, slash, backslash, a second escape.
_REFUSED_ESCAPE = re.compile(r"%(?:[01][0-9A-Fa-f]|7[Ff]|2[Ff]|5[Cc]|25)")

# Some servers cut path parameters off before they match, so /admin;x is /admin to them and something else to us. The
# one that APIM knows names a revision.
_PARAMETER = re.compile(r"[^;]*(?:;rev=[A-Za-z0-9.-]{1,80})?", re.IGNORECASE)


class TargetError(ValueError):
    """A request target that is refused; the text says why."""


def split_target(target: str) -> tuple[str, str]:
    """Path and query of an origin-form *target*, both normal. Raises TargetError."""
    path, mark, query = target.partition("?")
    if not _PLAIN_PATH.fullmatch(path) or "/." in path or "//" in path:
        path = normal_path(path)
    if mark and not _QUERY.fullmatch(query):
        raise TargetError("Malformed query")
    return path, query


def normal_path(path: str) -> str:
    """*path* in its one normal form. Raises TargetError."""
    if not _PATH.fullmatch(path):
        raise TargetError("Malformed path")
    if _REFUSED_ESCAPE.search(path):
        raise TargetError("Ambiguous escape in the path")
    normal = _ESCAPE.sub(_unescape, path)
    _check_utf8(normal)
    segments = normal.split("/")
    _check_segments(segments)
    return normal


def _check_segments(segments: list[str]) -> None:
    if "" in segments[1:-1] or any(_is_dots(segment) for segment in segments):
        raise TargetError("Empty or dot segment in the path")
    if not all(_PARAMETER.fullmatch(segment) for segment in segments):
        raise TargetError("Parameter in a path segment")


def _unescape(escape: re.Match[str]) -> str:
    """The character itself where that means the same, otherwise the escape in upper case."""
    character = chr(int(escape[1], 16))
    return character if character in _UNRESERVED else escape[0].upper()


def _is_dots(segment: str) -> bool:
    """Whether *segment* is ``.`` or ``..``, with or without path parameters, which some servers cut off first."""
    return segment.partition(";")[0] in (".", "..")


def _check_utf8(path: str) -> None:
    """Refuse escapes that are not UTF-8, overlong forms included."""
    if "%" not in path:
        return
    octets = _ESCAPE.sub(lambda escape: chr(int(escape[1], 16)), path).encode("latin-1")
    try:
        octets.decode()
    except UnicodeDecodeError:
        raise TargetError("Escapes in the path are not UTF-8") from None
