"""
Ids and names of imported operations.

Source: APIM, "API import restrictions": normalization rules for operationId, and what replaces a missing one.
"""

from __future__ import annotations

import re
from collections.abc import Container
from itertools import chain, count

MAX_ID = 76  # APIM's limit is 80; four are kept for a suffix
MAX_NAME = 300

_OTHERS = re.compile(r"[^a-z0-9]+")


def normalized(text: str) -> str:
    """*text* as APIM makes a resource name of it: ``GET-/foo/{bar}`` becomes ``get-foo-bar``."""
    return _OTHERS.sub("-", text.lower()).strip("-")[:MAX_ID]


def operation_id(written: str, method: str, path: str, taken: Container[str]) -> str:
    """The id of an operation; *written* is its operationId, or empty. Unique among those *taken*."""
    wanted = normalized(written) or normalized(f"{method}-{path}")
    candidates = chain([wanted], (f"{wanted}-{number}" for number in count(1)))
    return next(candidate for candidate in candidates if candidate not in taken)


def operation_name(summary: str, written: str, method: str, path: str) -> str:
    """What people call the operation: its summary, its operationId, or method and path."""
    return summary[:MAX_NAME] or written or f"{method} - {path}"
