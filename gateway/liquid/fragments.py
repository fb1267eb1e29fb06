"""
The small pieces of Liquid's notation, as DotLiquid's regular expressions have them: it skips what they do not match.

Source: DotLiquid, "Liquid".
"""

from __future__ import annotations

import re

QUOTED = r"""(?:"[^"]*"|'[^']*')"""
# A value: quoted text, or anything up to a blank, a comma, a bar or a quote.
FRAGMENT = rf"""(?:{QUOTED}|(?:[^\s,|'"]|{QUOTED})+)"""
SEGMENT = r"[\w\-]"
SIGNATURE = r"(?:\(?[\w\-.\[\]]\)?)"

VARIABLE_NAME = re.compile(rf"\s*({SEGMENT}+)\s*")
_ATTRIBUTES = re.compile(rf"\b(\w+)\s*:\s*({FRAGMENT})")


def attributes(markup: str) -> dict[str, str]:
    """``limit:2 offset:1`` of a loop."""
    return {match[1]: match[2] for match in _ATTRIBUTES.finditer(markup)}
