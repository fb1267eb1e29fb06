"""
Field names and blocks of field lines as they arrive.

One pass over the block: a name is looked up in a table of names already seen, so it is checked once in the life of the
process, and its line is kept as it is.

Source: RFC 9110 §5.1 and §5.5; RFC 9112 §5.
"""

from __future__ import annotations

import re
from itertools import compress
from operator import ne
from typing import NamedTuple

from gateway.errors import GatewayError

_MAX_KNOWN = 2048
_NUMBERS = range(1 << 16)  # of lines; a head has fewer
_TOKEN = re.compile(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+")
_VISIBLE = bytes(octet for octet in range(256) if octet == 9 or 32 <= octet != 127)  # and the tab

# Fields that a recipient acts on before the application does. Written with an underscore they would be invisible here
# and understood behind us, so such a message is refused.
PROTECTED = frozenset(["content-length", "transfer-encoding", "keep-alive", "proxy-authorization", "proxy-connection"])

_known: dict[str, str] = {}
_members: dict[str, tuple[str, ...]] = {}


class FieldError(GatewayError):
    """A field name or value that must not be on the wire."""


def fold_name(name: str) -> str:
    """
    *name* as field names are compared everywhere in the gateway: without case, and with ``-`` for ``_``.

    Backends that follow CGI do not distinguish ``X_Id`` from ``X-Id``, so neither may what a policy sets or removes
    (docs/adr/0007). This is the only function that folds names; nothing is checked.
    """
    return name.lower().replace("_", "-")


def field_key(name: str) -> str:
    """The folded *name*, under which a field is kept. Raises FieldError: *name* is not a token."""
    key = _known.get(name)
    return _learn(name) if key is None else key


def _learn(name: str) -> str:
    """Check a name that was not seen before."""
    if not _TOKEN.fullmatch(name):
        raise FieldError("Malformed header name")
    key = fold_name(name)
    if "_" in name and key in PROTECTED:
        raise FieldError("Malformed header name")
    if len(_known) < _MAX_KNOWN:
        _known[name] = key
    return key


def parse_fields(lines: list[str]) -> dict[str, str]:
    """
    Field lines by key, several of one name joined by CRLF. Raises FieldError.

    The caller has split a head at CRLF and knows by ``check_octets`` that no other line end or control is left.
    """
    fields: dict[str, str] = {}
    known = _known.get
    try:
        for line in lines:
            name = line[: line.index(":")]
            key = known(name) or _learn(name)
            fields[key] = f"{fields[key]}\r\n{line}" if key in fields else line
    except ValueError:
        raise FieldError("Header line without a colon") from None
    return fields


def check_octets(data: bytes, line_count: int) -> None:
    """Refuse control characters, and line ends other than the CRLFs between *line_count* lines. Raises FieldError."""
    if data.translate(None, _VISIBLE) != b"\r\n" * (line_count - 1):
        raise FieldError("Control character or bare line end in the message head")


class LinePlace(NamedTuple):
    """
    What may be at the place of one line of a head, in a head that varies it.

    Attributes:
        beginning: How the line has to begin: its name as it is spelt, and the colon.
        key: Its folded name, under which it is the only one.
    """

    beginning: str
    key: str


ANY_LINE = LinePlace("", "")
FIXED = LinePlace("\r\n", "")  # no line begins so


def line_place(line: str, fields: dict[str, str]) -> LinePlace:
    """The place of *line* of the head with *fields*: ``FIXED`` if it was joined with others, rewritten or removed."""
    name, colon, _ = line.partition(":")
    key = _known.get(name) or fold_name(name)
    return LinePlace(name + colon, key) if fields.get(key) == line else FIXED


def varied_fields(
    lines: list[str], before: list[str], places: list[LinePlace], max_line_bytes: int
) -> dict[str, str] | None:
    """
    What has changed in *lines* since *before*, whose *places* are known: lines by key, checked as in a new head.

    Returns:
        None where a line differs that may not, or is none that may be at its place.
    """
    if len(lines) != len(before):
        return None
    fields: dict[str, str] = {}
    for number in [*compress(_NUMBERS, map(ne, lines, before))]:
        line = lines[number]
        beginning, key = places[number]
        if not line.startswith(beginning) or len(line) > max_line_bytes and key:
            return None
        fields[key] = line
    has_controls = "".join(fields.values()).encode("latin-1").translate(None, _VISIBLE)
    return None if has_controls else fields


def tokens(line_block: str) -> tuple[str, ...]:
    """The comma-separated members, lower case, of all lines of one field. The usual blocks are remembered."""
    members = _members.get(line_block)
    if members is None:
        members = split_members(line_block)
        if len(_members) < _MAX_KNOWN and len(line_block) < 64:
            _members[line_block] = members
    return members


def split_members(line_block: str) -> tuple[str, ...]:
    """The same, for values that hardly come twice."""
    values = ",".join([line[line.index(":") + 1 :] for line in line_block.split("\r\n")])
    return tuple([member.strip(" \t").lower() for member in values.split(",")])
