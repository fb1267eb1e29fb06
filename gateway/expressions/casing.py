"""What characters are: upper and lower case by the invariant culture, character by character; white space."""

from __future__ import annotations

import re
from functools import cache

from gateway.expressions.limits import spend, worked
from gateway.expressions.prices import SLOW_S

# Char.IsWhiteSpace; Python's isspace also accepts some control characters.
WHITE = (
    "\t\n\v\f\r \x85\xa0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a"
    "\u2028\u2029\u202f\u205f\u3000"
)
CASE_S = 3e-8  # for each character beyond ASCII whose case is changed

# Python's upper() lengthens some characters, and its lower() looks at a capital sigma's neighbours; .NET does neither.
_SPECIAL_LOWER = re.compile("([\u0130\u03a3]+)")


@cache
def _longer_upper() -> re.Pattern[str]:
    """All of them are in the basic plane. Source: Unicode, SpecialCasing.txt. A dotless i is left as it is, too."""
    longer = (character for character in map(chr, range(0x80, 0x10000)) if len(character.upper()) != 1)
    return re.compile(f"([{''.join(longer)}\u0131]+)")


def upper(value: str) -> str:
    """ToUpperInvariant: character by character, never longer."""
    if value.isascii():
        return value.upper()
    spend(len(value), CASE_S)
    if not _longer_upper().search(value):
        return value.upper()
    return worked(len(value) * SLOW_S, _upper_special, value)


def _upper_special(value: str) -> str:
    parts = _longer_upper().split(value)
    parts[::2] = [part.upper() for part in parts[::2]]
    return "".join(parts)


def lower(value: str) -> str:
    """ToLowerInvariant: character by character; a capital sigma is never a final one."""
    if value.isascii():
        return value.lower()
    spend(len(value), CASE_S)
    if not _SPECIAL_LOWER.search(value):
        return value.lower()
    return worked(len(value) * SLOW_S, _lower_special, value)


def _lower_special(value: str) -> str:
    parts = _SPECIAL_LOWER.split(value)
    parts[::2] = [part.lower() for part in parts[::2]]
    return "".join(parts).replace("\u03a3", "\u03c3")
