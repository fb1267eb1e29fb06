"""
A tool's arguments and where each one goes: into the path, the query, a header field or the body.

An argument is data: whatever it holds, it stays in the place that its operation has for it. It never sets a header that
says who is calling, where the request goes or how it is framed, nor one that the gateway's own policies set.

Source: OpenAPI 3.1, "Parameter Object"; RFC 3986 §3.3.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Any
from urllib.parse import quote

from gateway.openapi import Parameter
from gateway.openapi.parameters import SEPARATORS
from gateway.wire.fields import fold_name

# No argument sets them: who calls, where to, in what form. Source: OpenAPI 3.1 ("shall be ignored"), RFC 9110.
NEVER = frozenset(
    """
    accept accept-encoding authorization caller-objectid connection content-encoding content-length content-type cookie
    expect forwarded host keep-alive origin proxy-authorization proxy-connection set-cookie te trailer transfer-encoding
    upgrade via x-real-ip x-http-method-override x-method-override x-original-url x-rewrite-url
    """.split()
)
_NEVER_BEGINNING = tuple(
    """
    apim- cf- client-cert client-ip mcp- ocp-apim- proxy- sec- true-client-ip x-arr- x-client-cert x-client-ip x-envoy-
    x-forwarded- x-ms-client-principal x-original- x-ssl-
    """.split()
)  # proxies and platforms say with them who is calling

_NAME = re.compile(r"\{(\*?)([^{}]*)\}|(\*)\Z")
_FIELD_VALUE = re.compile(r"[\x20-\x7e]*")
_CONTROLS = re.compile(r"[\x00-\x1f\x7f]")


class BadArguments(ValueError):
    """Arguments that do not make a request; the text is for the model, which may try again."""


@dataclass(frozen=True, slots=True)
class TextArgument:
    """
    An argument that is written as text.

    Attributes:
        name: Its name among the arguments.
        parameter: What the definition says; None: one text.
    """

    name: str
    parameter: Parameter | None = None
    required: bool = False


def may_be_argument(field: str, reserved: frozenset[str]) -> bool:
    """Whether a header field of an operation may be an argument; *reserved*: names that only policies set."""
    key = fold_name(field)
    return key not in NEVER and key not in reserved and not key.startswith(_NEVER_BEGINNING)


def expanded(template: str, values: Mapping[str, Any]) -> str:
    """The path of a URL *template* with *values* in it, each quoted whole. Raises BadArguments."""

    def value(place: re.Match[str]) -> str:
        name, several = place[2] or "path", bool(place[1] or place[3])
        text = plain_text(name, values.get(name))
        if several:
            return "/".join(_segment(name, part) for part in text.split("/")) if text else ""
        return _segment(name, text)

    return _NAME.sub(value, template.partition("?")[0])


def _segment(name: str, text: str) -> str:
    """*text* as one segment or a part of one."""
    if not text or text in (".", "..") or _CONTROLS.search(text):
        raise BadArguments(f"{name}: this value cannot be part of a path")
    return quote(text, safe="")


def path_names(template: str) -> list[str]:
    """The names of the arguments in the path of a URL *template*."""
    return [place[2] or "path" for place in _NAME.finditer(template.partition("?")[0])]


def plain_text(name: str, value: Any) -> str:
    """A single value as text. Raises BadArguments: it is several, or nothing."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return value
    if isinstance(value, int | float):
        return json.dumps(value)
    raise BadArguments(f"{name}: a single text, number or truth value belongs here")


def query_pairs(argument: TextArgument, value: Any) -> list[tuple[str, str]]:
    """Names and texts of one query parameter, in the style of its definition. Raises BadArguments."""
    name, parameter = argument.name, argument.parameter
    if parameter is None or not isinstance(value, list | dict):
        return [(name, _single(argument, value))]
    if parameter.style == "json":
        return [(name, json.dumps(value))]
    if isinstance(value, list):
        texts = [plain_text(name, item) for item in value]
        return [(name, text) for text in texts] if parameter.exploded else [(name, _joined(parameter, texts))]
    return _members(parameter, value)


def _members(parameter: Parameter, value: Mapping[str, Any]) -> list[tuple[str, str]]:
    pairs = [(member, plain_text(member, item)) for member, item in value.items()]
    if parameter.style == "deepObject":
        return [(f"{parameter.name}[{member}]", text) for member, text in pairs]
    if not parameter.exploded:
        return [(parameter.name, _joined(parameter, list(chain.from_iterable(pairs))))]
    if not value.keys() <= parameter.form.members.keys():
        raise BadArguments(f"{parameter.name}: it has a member that the operation does not know")
    return pairs


def _joined(parameter: Parameter, texts: Sequence[str]) -> str:
    return SEPARATORS.get(parameter.style, ",").join(texts)


def _single(argument: TextArgument, value: Any) -> str:
    if argument.parameter is not None and argument.parameter.style == "json":
        return json.dumps(value)
    return plain_text(argument.name, value)


def field_value(argument: TextArgument, value: Any) -> str:
    """The text of a header field. Raises BadArguments: no field can have it."""
    if isinstance(value, list):
        text = ",".join(plain_text(argument.name, item) for item in value)
    else:
        text = _single(argument, value)
    if not _FIELD_VALUE.fullmatch(text):
        raise BadArguments(f"{argument.name}: a header field has printable ASCII characters only")
    return text
