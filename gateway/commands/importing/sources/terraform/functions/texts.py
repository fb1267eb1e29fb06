"""
Functions of texts.

Those that only move text, such as replace, take what is unknown by its placeholder: a policy with an unknown address in
it stays readable. A text from a file keeps its place there.

Source: Terraform's documentation, "String Functions".
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import regex

from gateway.commands.importing.sources.terraform.functions.calls import FunctionCall, TerraformFunction
from gateway.commands.importing.sources.terraform.functions.formats import formatted
from gateway.commands.importing.sources.terraform.values import like, node_of
from gateway.reading.yaml_nodes import Scalar, Sequence, YamlNode

_REGEX_SECONDS = 0.5
_WIDEST = 10_000
_SPACE = " \t\n\v\f\r"


def _mapped(change: Callable[[str], str]) -> TerraformFunction:
    """A function of one text that must be known."""
    return lambda call: call.made(change(call.text(0)))


def _trimmed(change: Callable[..., str]) -> TerraformFunction:
    """A function that shortens its first argument, known or not; the result has the place of what is left."""

    def trim(call: FunctionCall) -> YamlNode:
        whole = call.shown(0)
        others = [call.text(place) for place in range(1, len(call.arguments))]
        result = change(whole.value, *others)
        start = whole.value.find(result) if result else 0
        place = whole.location.behind(whole.value[:start]) if result else whole.location
        return like(result, [whole], place)

    return trim


def _replace(call: FunctionCall) -> YamlNode:
    whole, replacement = call.shown(0), call.shown(2)
    search = call.text(1)
    if len(search) > 1 and search.startswith("/") and search.endswith("/"):
        text = _bounded(call, lambda: _compiled(search[1:-1]).sub(_go_groups(replacement.value), whole.value, **_LIMIT))
    else:
        count = whole.value.count(search) if search else len(whole.value) + 1
        call.bounds.step(call.location, 1 + count * len(replacement.value) // 1000)
        text = whole.value.replace(search, replacement.value)
    call.bounds.made(call.location, text)
    return like(text, [whole, replacement], whole.location)


def _compiled(pattern: str) -> Any:
    return regex.compile(re.sub(r"\(\?P?<(\w+)>", r"(?P<\1>", pattern))


_LIMIT: dict[str, Any] = {"timeout": _REGEX_SECONDS}


def _go_groups(replacement: str) -> str:
    """``$1`` and ``${name}`` as Python's library writes them."""
    escaped = replacement.replace("\\", "\\\\").replace("$$", "\0")
    return re.sub(r"\$(?:\{(\w+)\}|(\w+))", lambda match: rf"\g<{match[1] or match[2]}>", escaped).replace("\0", "$")


def _bounded(call: FunctionCall, work: Callable[[], Any]) -> Any:
    try:
        return work()
    except (regex.error, re.error):
        raise call.wrong("this regular expression cannot be read") from None
    except TimeoutError:
        raise call.wrong("this regular expression takes too long") from None


def _captured(match: Any) -> Any:
    """The text that matched; the groups where there are any, by name where they have names."""
    named = match.groupdict()
    groups = list(match.groups())
    return named or groups or match.group()


def _regex(call: FunctionCall) -> YamlNode:
    match = _bounded(call, lambda: _compiled(call.text(0)).search(call.text(1), **_LIMIT))
    if match is None:
        raise call.wrong("nothing matches")
    return call.made(_captured(match))


def _regexall(call: FunctionCall) -> YamlNode:
    matches = _bounded(call, lambda: list(_compiled(call.text(0)).finditer(call.text(1), **_LIMIT)))
    return call.listed([node_of(_captured(match), call.location) for match in matches])


def _join(call: FunctionCall) -> YamlNode:
    separator = call.shown(0)
    parts = [node for place in range(1, len(call.arguments)) for node in call.elements(place)]
    scalars = [part for part in parts if isinstance(part, Scalar) and not part.null]
    if len(scalars) < len(parts):
        raise call.wrong("only single values can be joined")
    text = separator.value.join(part.value for part in scalars)
    call.bounds.made(call.location, text)
    return like(text, [separator, *scalars], call.location)


def _split(call: FunctionCall) -> YamlNode:
    separator, text = call.text(0), call.text(1)
    parts = text.split(separator) if separator else list(text)
    return call.listed([node_of(part, call.location) for part in parts])


def _indent(call: FunctionCall) -> YamlNode:
    width, whole = call.whole(0), call.shown(1)
    if not 0 <= width <= _WIDEST:
        raise call.wrong("the width is out of range")
    call.bounds.step(call.location, 1 + whole.value.count("\n") * width // 1000)
    text = whole.value.replace("\n", "\n" + " " * width)
    call.bounds.made(call.location, text)
    return like(text, [whole], whole.location)


def _substr(call: FunctionCall) -> YamlNode:
    text, offset, length = call.text(0), call.whole(1), call.whole(2)
    start = max(0, len(text) + offset) if offset < 0 else offset
    return call.made(text[start:] if length < 0 else text[start : start + length])


def _format(call: FunctionCall) -> YamlNode:
    text = formatted(call.text(0), call.arguments[1:], call.location)
    call.bounds.made(call.location, text)
    return like(text, call.arguments[1:], call.location)


def _formatlist(call: FunctionCall) -> YamlNode:
    pattern = call.text(0)
    lengths = [len(argument.items) for argument in call.arguments[1:] if isinstance(argument, Sequence)]
    length = max(lengths, default=1)
    columns = [
        [argument] * length if isinstance(argument, Scalar) else call.elements(place)
        for place, argument in enumerate(call.arguments[1:], 1)
    ]
    rows = [list(row) for row in zip(*columns, strict=True)]
    return call.listed([like(formatted(pattern, row, call.location), row, call.location) for row in rows])


def _title(text: str) -> str:
    return re.sub(r"(?<![^\s])\w", lambda match: match[0].upper(), text)


FUNCTIONS: dict[str, TerraformFunction] = {
    "chomp": _trimmed(lambda text: text.rstrip("\r\n")),
    "endswith": lambda call: call.made(call.text(0).endswith(call.text(1))),
    "format": _format,
    "formatlist": _formatlist,
    "indent": _indent,
    "join": _join,
    "lower": _mapped(str.lower),
    "regex": _regex,
    "regexall": _regexall,
    "replace": _replace,
    "split": _split,
    "startswith": lambda call: call.made(call.text(0).startswith(call.text(1))),
    "strcontains": lambda call: call.made(call.text(1) in call.text(0)),
    "strrev": _mapped(lambda text: text[::-1]),
    "substr": _substr,
    "title": _mapped(_title),
    "trim": _trimmed(lambda text, characters: text.strip(characters)),
    "trimprefix": _trimmed(lambda text, prefix: text.removeprefix(prefix)),
    "trimsuffix": _trimmed(lambda text, suffix: text.removesuffix(suffix)),
    "trimspace": _trimmed(lambda text: text.strip(_SPACE)),
    "upper": _mapped(str.upper),
}
