"""
Which texts of a configuration may be shown: those whose type leaves no room for a secret, in exactly that type's form.

A text that has another form than its place demands may be a secret that was written in the wrong place: it is hidden.
"""

from __future__ import annotations

import datetime
import ipaddress
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from types import UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin
from urllib.parse import urlsplit

from pydantic import SecretStr

from gateway.commands.report.hiding import MASK
from gateway.reading.settings import Block
from gateway.reading.values import Address, TextForm

_NUMBER = re.compile(r"[+-]?\d{1,18}(\.\d{1,9})?(e\d{1,2})?")
_DURATION = re.compile(r"(\d{1,9}d)?(\d{1,9}h)?(\d{1,9}m)?(\d{1,9}(\.\d{1,9})?s)?(\d{1,9}ms)?")
_MOMENT = re.compile(r"\d{4}-\d\d-\d\d([T ]\d\d:\d\d(:\d\d(\.\d{1,9})?)?(Z|[+-]\d\d:?\d\d)?)?")
_ADDRESS = re.compile(r"(\[[0-9a-fA-F:.]{2,45}\]|[A-Za-z0-9.-]{1,253}):\d{1,5}")
_PATH = re.compile(r"[\w ./\\:@~+-]{1,250}")
_LOCAL_PATH = re.compile(r"[\w./{}*:@~+-]{0,200}")
_NAME = re.compile(r"[A-Za-z0-9._-]{1,256}")
_HOST = re.compile(r"[A-Za-z0-9.:_-]{1,253}")
_SCHEME = re.compile(r"[a-z]{2,12}")
_BOOLEANS = frozenset({"true", "false", "yes", "no", "on", "off"})
_WORDS = frozenset({"*", "deny"})  # that stand for a whole setting of another type

# Settings whose type is any text, and which are shown on the wire or in metrics anyway.
PUBLIC = frozenset(
    """
    apis.[].path apis.[].revision apis.[].version.value apis.[].version.name apis.[].subscription-key.header
    apis.[].subscription-key.query apis.[].operations.[].url-template
    """.split()
)


def members(kind: Any) -> Iterator[tuple[Any, tuple[Any, ...]]]:
    """The types that a value of *kind* may have, each with its metadata: unions and annotations are taken apart."""
    origin = get_origin(kind)
    if origin is Annotated:
        inner, *metadata = get_args(kind)
        yield from ((member, (*more, *metadata)) for member, more in members(inner))
    elif origin in (Union, UnionType):
        for argument in get_args(kind):
            yield from members(argument)
    else:
        yield kind, ()


def models(kind: Any) -> list[type[Block]]:
    """The mappings of settings that *kind* may be."""
    return [member for member, _ in members(kind) if isinstance(member, type) and issubclass(member, Block)]


def item_of(kind: Any) -> Any:
    """What the items of a list of *kind* are; None where it is not a list."""
    items = (get_args(member)[0] for member, _ in members(kind) if get_origin(member) in (tuple, list, frozenset))
    return next(items, None)


def entry_of(kind: Any) -> tuple[Any, Any] | None:
    """Keys and values of a mapping with names of one's own; None where *kind* is none."""
    pairs = (get_args(member) for member, _ in members(kind) if get_origin(member) is dict)
    pair = next(pairs, None)
    return None if pair is None else (pair[0], pair[1])


def is_secret(kind: Any) -> bool:
    """Whether *kind* is a secret, or a list of them."""
    item = item_of(kind)
    return any(member is SecretStr for member, _ in members(kind)) or (item is not None and is_secret(item))


def shown(text: str, kind: Any, path: str) -> str | None:
    """What is shown of *text*, which stands under *path*; None if it has to be hidden."""
    if text in _WORDS:
        return text
    item = item_of(kind)
    if item is not None:
        return shown(text, item, path)
    if "://" not in text and not is_wordy(text):
        return None
    forms = (_shown_as(text, member, metadata, path) for member, metadata in members(kind))
    return next((form for form in forms if form is not None), None)


def _shown_as(text: str, member: Any, metadata: tuple[Any, ...], path: str) -> str | None:
    if get_origin(member) is Literal:
        return text if text in get_args(member) else None
    if member is str:
        return _shown_text(text, metadata, path)
    form = _FORMS.get(member)
    return text if form is not None and form(text) else None


def _shown_text(text: str, metadata: tuple[Any, ...], path: str) -> str | None:
    if "://" in text:
        return shown_url(text)
    if path in PUBLIC:
        return _shown_path(text)
    patterns = [item.pattern.removesuffix("$") for item in metadata if isinstance(item, TextForm)]
    return text if patterns and all(map(_matcher(text), [*patterns, _LOCAL_PATH.pattern])) else None


def _shown_path(text: str) -> str | None:
    public, question, _ = text.partition("?")
    return public + (question and f"?{MASK}") if _LOCAL_PATH.fullmatch(public) else None


def _matcher(text: str) -> Callable[[str], bool]:
    return lambda pattern: re.fullmatch(pattern, text, re.ASCII) is not None


def shown_key(text: str, kind: Any) -> str | None:
    """What is shown of a key of one's own."""
    if "://" in text:
        return shown_url(text)
    return text if _NAME.fullmatch(text) and is_wordy(text) and len(text) <= (64 if kind is str else 256) else None


def is_wordy(text: str) -> bool:
    """Whether *text* consists of words: a long mixture of digits and letters is more likely to be a key."""
    return all(map(_is_word, re.split(r"[^A-Za-z0-9]+", text)))


def _is_word(word: str) -> bool:
    is_mixed = not word.isdigit() and not word.isalpha()
    return len(word) < (16 if is_mixed else 40)


def shown_url(text: str) -> str | None:
    """
    A URL without user, query, fragment and segments of its path that look like a key; None if it is not one.

    Segments that look like keys are part of what web hooks are called by.
    """
    try:
        parts = urlsplit(text)
        host, port = parts.hostname or "", parts.port
    except ValueError:
        return None
    if not (_HOST.fullmatch(host) and _SCHEME.fullmatch(parts.scheme)):
        return None
    path = "/".join(segment if _is_plain(segment) else MASK for segment in parts.path.split("/"))
    return f"{parts.scheme}://{_shown_host(parts.netloc, host, port)}{path}" + (parts.query and f"?{MASK}")


def _shown_host(authority: str, host: str, port: int | None) -> str:
    user = f"{MASK}@" if "@" in authority else ""
    return f"{user}{f'[{host}]' if ':' in host else host}{'' if port is None else f':{port}'}"


def _is_plain(segment: str) -> bool:
    return re.fullmatch(r"[\w.~{}*-]{0,60}", segment) is not None and is_wordy(segment)


def hidden_parts(url: str) -> list[str]:
    """The parts of *url* that ``shown_url`` leaves out."""
    user, _, _ = url.partition("://")[2].partition("/")[0].rpartition("@")
    path, _, query = url.partition("://")[2].partition("?")
    values = [part.partition("=")[2] for part in query.split("&")]
    segments = [segment for segment in path.split("/")[1:] if not _is_plain(segment)]
    return [*filter(None, [user, *user.split(":"), query, *values, *segments])]


def _is_network(text: str) -> bool:
    try:
        ipaddress.ip_network(text)
    except ValueError:
        return False
    return True


_FORMS: dict[Any, Callable[[str], object]] = {
    bool: lambda text: text.lower() in _BOOLEANS,
    int: _NUMBER.fullmatch,
    float: lambda text: _NUMBER.fullmatch(text) or _DURATION.fullmatch(text),
    datetime.datetime: _MOMENT.fullmatch,
    Address: _ADDRESS.fullmatch,
    Path: _PATH.fullmatch,
    ipaddress.IPv4Network: _is_network,
    ipaddress.IPv6Network: _is_network,
}
