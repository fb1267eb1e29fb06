"""
What the Content-Type of a SOAP message says: the version, the action, the charset.

Source: RFC 9110 §5.6.6 and §8.3.1; SOAP 1.1 §6.1.1; RFC 3902 (application/soap+xml, its parameter action).
"""

from __future__ import annotations

import re
from dataclasses import dataclass

_NAME = r"[!#$%&'+\-.^_`|~0-9A-Za-z]+"
_WORD = r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+"
_PARAMETER = re.compile(rf'[ \t]*;[ \t]*(?:(?P<name>{_NAME})=(?:(?P<token>{_WORD})|"(?P<text>(?:[^"\\]|\\.)*)"))?')

VERSIONS = {"text/xml": "1.1", "application/soap+xml": "1.2"}


@dataclass(frozen=True, slots=True)
class MessageType:
    """
    A Content-Type that a SOAP message can have.

    Attributes:
        version: ``1.1`` or ``1.2``.
        action: The parameter ``action``, which SOAP 1.2 has; empty where there is none.
    """

    version: str
    action: str


def message_type(field: str) -> MessageType | str:
    """What *field* says, or why no SOAP message can have it."""
    name = field.partition(";")[0].strip().lower()
    if name not in VERSIONS:
        return f"the type {name[:60] or '(none)'} is not one of {', '.join(VERSIONS)}"
    parameters = _parameters(field)
    if parameters is None:
        return "the parameters of the type cannot be understood"
    if parameters.get("charset", "utf-8").lower() not in ("utf-8", "utf8", "us-ascii"):
        return "the charset is not UTF-8"
    return MessageType(VERSIONS[name], parameters.get("action", ""))


def _parameters(field: str) -> dict[str, str] | None:
    """
    The parameters by lower-case name; None: they cannot be read, or one is given twice.

    Some readers take ``action*`` and ``action*0`` (RFC 2231) for ``action``, so that no name may have an asterisk.
    """
    parameters: dict[str, str] = {}
    rest = field[len(field.partition(";")[0]) :].rstrip()
    place = 0
    while place < len(rest):
        parameter = _PARAMETER.match(rest, place)
        if parameter is None or (parameter["name"] or "").lower() in parameters:
            return None
        place = parameter.end()
        if parameter["name"]:
            quoted = parameter["text"]
            value = parameter["token"] if quoted is None else re.sub(r"\\(.)", r"\1", quoted)
            parameters[parameter["name"].lower()] = value
    return parameters
