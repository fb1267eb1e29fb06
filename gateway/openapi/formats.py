"""
The formats that are checked. Any other format is a mere annotation, as in JSON Schema.

Source: JSON Schema 2020-12 validation §7.3; OpenAPI 3.0.3, "Data Types"; RFC 3339 §5.6.
"""

from __future__ import annotations

import base64
import binascii
import ipaddress
import re
from collections.abc import Callable
from datetime import date, time
from urllib.parse import urlsplit

_DATE = re.compile(r"\d{4}-\d\d-\d\d\Z", re.ASCII)
_TIME = re.compile(r"(\d\d:\d\d):(\d\d)(\.\d+)?(Z|[+-]\d\d:\d\d)\Z", re.ASCII | re.IGNORECASE)
_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\Z", re.IGNORECASE)
_EMAIL = re.compile(r"[^@\s]+@[^@\s]+\Z")
_LABEL = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\Z", re.IGNORECASE)


def _is_date(text: str) -> bool:
    return bool(_DATE.match(text) and date.fromisoformat(text))


def _is_time(text: str) -> bool:
    match = _TIME.match(text)
    if match is None:
        return False
    # RFC 3339 allows the leap second, Python does not.
    time.fromisoformat(f"{match[1]}:{'59' if match[2] == '60' else match[2]}")
    return match[4] in "Zz" or time.fromisoformat(match[4][1:]) is not None


def _is_date_time(text: str) -> bool:
    return text[10:11] in ("T", "t", " ") and _is_date(text[:10]) and _is_time(text[11:])


def _is_uri(text: str) -> bool:
    return bool(urlsplit(text).scheme) and text.isprintable() and " " not in text


def _is_hostname(text: str) -> bool:
    return len(text) <= 253 and all(_LABEL.match(label) for label in text.split("."))


def _is_byte(text: str) -> bool:
    return base64.b64decode(text, validate=True) is not None


def _is_ipv4(text: str) -> bool:
    return ipaddress.IPv4Address(text) is not None


def _is_ipv6(text: str) -> bool:
    return ipaddress.IPv6Address(text) is not None


def _text(fits: Callable[[str], object]) -> Callable[[object], bool]:
    """*fits* for strings; whatever is none has no format. A ValueError is a no."""

    def check(value: object) -> bool:
        try:
            return not isinstance(value, str) or bool(fits(value))
        except (ValueError, binascii.Error):
            return False

    return check


def _bits(count: int) -> Callable[[object], bool]:
    limit = 1 << (count - 1)
    return lambda value: not isinstance(value, int | float) or -limit <= value < limit


FORMATS: dict[str, Callable[[object], bool]] = {
    "date": _text(_is_date),
    "time": _text(_is_time),
    "date-time": _text(_is_date_time),
    "uuid": _text(_UUID.match),
    "email": _text(_EMAIL.match),
    "hostname": _text(_is_hostname),
    "ipv4": _text(_is_ipv4),
    "ipv6": _text(_is_ipv6),
    "uri": _text(_is_uri),
    "byte": _text(_is_byte),
    "int32": _bits(32),
    "int64": _bits(64),
}
