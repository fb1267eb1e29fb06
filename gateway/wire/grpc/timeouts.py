"""
The field grpc-timeout: how long a caller waits for the whole call.

Source: gRPC over HTTP2, "Requests": up to eight digits and a unit.
"""

from __future__ import annotations

import math
import re

TIMEOUT = "grpc-timeout"
_FORM = re.compile(r"([0-9]{1,8})([HMSmun])")
_SECONDS = {"H": 3600.0, "M": 60.0, "S": 1.0, "m": 1e-3, "u": 1e-6, "n": 1e-9}
_LARGEST = 99_999_999


def parse_timeout(text: str) -> float | None:
    """Seconds; None for what is not a grpc-timeout."""
    match = _FORM.fullmatch(text)
    return None if match is None else int(match[1]) * _SECONDS[match[2]]


def format_timeout(seconds: float) -> str:
    """*seconds* in the finest unit that fits, from milliseconds up; never less than a millisecond."""
    for unit in "mSM":
        count = math.ceil(seconds / _SECONDS[unit])
        if count <= _LARGEST:
            return f"{max(count, 1)}{unit}"
    return f"{min(math.ceil(seconds / 3600), _LARGEST)}H"
