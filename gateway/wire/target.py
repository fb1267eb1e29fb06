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

ENCODED_SLASH, ENCODED_PERCENT, EMPTY_SEGMENT = "%2F", "%25", "//"
AMBIGUOUS = (ENCODED_SLASH, ENCODED_PERCENT, EMPTY_SEGMENT)
"""What servers read differently in a path, and an API may allow: see ``path-escapes`` in docs/configuration.md."""
_NOTHING: frozenset[str] = frozenset()

# Some servers cut path parameters off before they match, so /admin;x is /admin to them and something else to us. The
# one that APIM knows names a revision.
_PARAMETER = re.compile(r"[^;]*(?:;rev=[A-Za-z0-9.-]{1,80})?", re.IGNORECASE)


class TargetError(ValueError):
    """A request target that is refused; the text says why."""


def split_target(target: str, allowed: frozenset[str] = _NOTHING) -> tuple[str, str]:
    """
    Path and query of an origin-form *target*, both normal.

    Args:
        allowed: Those of ``AMBIGUOUS`` that may be in the path.

    Raises:
        TargetError: What it is refused for.
    """
    path, mark, query = target.partition("?")
    if not _PLAIN_PATH.fullmatch(path) or "/." in path or "//" in path:
        path = normal_path(path, allowed)
    if mark and not _QUERY.fullmatch(query):
        raise TargetError("Malformed query")
    return path, query


def normal_path(path: str, allowed: frozenset[str] = _NOTHING) -> str:
    """*path* in its one normal form; *allowed* as for ``split_target``. Raises TargetError."""
    if not _PATH.fullmatch(path):
        raise TargetError("Malformed path")
    for escape in _REFUSED_ESCAPE.findall(path):
        if escape.upper() not in allowed:
            raise TargetError(f"The path contains {escape.upper()}, which servers read differently")
    normal = _ESCAPE.sub(_unescape, path)
    _check_utf8(normal)
    if EMPTY_SEGMENT in normal and EMPTY_SEGMENT not in allowed:
        raise TargetError("The path contains an empty segment (//), which servers read differently")
    _check_segments(normal)
    if allowed:
        _check_segments(_as_read_twice(normal))
    return normal


def _check_segments(path: str) -> None:
    segments = path.split("/")
    if any(_is_dots(segment) for segment in segments):
        raise TargetError("Dot segment in the path")
    if ";" in path and not all(_PARAMETER.fullmatch(segment) for segment in segments):
        raise TargetError("Parameter in a path segment")


def _as_read_twice(path: str) -> str:
    """*path* as a server sees it that decodes what an API allows: no dot segment may come to light there either."""
    for _ in range(2):
        path = _ESCAPE.sub(_unescape, path.replace(ENCODED_PERCENT, "%"))
    return path.replace(ENCODED_SLASH, "/").replace("%5C", "/").replace("%3B", ";")


def ambiguity(path: str, allowed: frozenset[str]) -> str:
    """The first of ``AMBIGUOUS`` in a normal *path* that is not *allowed*, else empty."""
    return next((mark for mark in AMBIGUOUS if mark in path and mark not in allowed), "")


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
