"""
What in a text still has to be filled in: named values of the configuration, and the holes of deployment tools.

Source: APIM "Use named values in policies": names hold letters, digits, ``.``, ``_`` and ``-``, at most 256 of them.
"""

from __future__ import annotations

import re

# The code of a problem whose cause is a value that is not there yet.
UNRESOLVED = "unresolved-value"

# {{name}}. A third brace on either side makes it C# interpolation ($"{{{x}}}") instead.
NAMED_VALUE = re.compile(r"(?<!\{)\{\{\s*([A-Za-z0-9._-]{1,256})\s*\}\}(?!\})")

# ${terraform}, %{ if … }, #{octopus}#, #token#, __TOKEN__, YOUR_NAME; and as the whole text {python}, <name>, A_NAME.
_HOLE = re.compile(
    r"\$\{|%\{|#\{[^}]+\}|#[A-Za-z]\w*#|\b__\w+__\b|\bYOUR[-_][A-Z0-9_-]+\b|^\{[\w.-]+\}$|^<[\w -]+>$"
    r"|^(?:MY|REPLACE|INSERT|ENTER|CHANGE)[-_][A-Z0-9_-]*$"
    r"|^[A-Z][A-Z0-9]*(?:_[A-Z0-9]+)+$"
)


def mentions_named_value(text: str) -> bool:
    """Whether *text* holds ``{{name}}``."""
    return "{{" in text and NAMED_VALUE.search(text) is not None


def is_unresolved(text: str) -> bool:
    """Whether *text* still has to be filled in, by a named value or by a deployment tool."""
    return mentions_named_value(text) or _HOLE.search(text.strip()) is not None
