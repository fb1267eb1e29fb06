"""
What Envoy has to change in the head that it carries, so that the backend gets what it would get from the gateway.

Envoy sets and removes names as they are spelled, and lets the client's other spellings pass (``caller_objectid``). So
each spelling that the client sent is removed by itself, and so are those that the gateway may not have been shown: the
names that only policies may set.

Source: docs/adr/0003 and 0007; Envoy "HTTP header sanitizing" for what it has cleaned already.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import product

from gateway.wire.claims import is_claim
from gateway.wire.fields import fold_name
from gateway.wire.messages import Request

# Envoy writes or cleans them itself.
_ENVOYS = frozenset(
    "x-forwarded-for x-forwarded-proto x-forwarded-client-cert x-request-id x-envoy-external-address".split()
)
_CHAIN = "x-forwarded-for"
# Belongs to a connection or to the message's framing, and what Envoy routes by: all of it is Envoy's own.
CONNECTION = frozenset(
    "connection keep-alive proxy-connection te trailer transfer-encoding upgrade content-length expect host".split()
)
_MOST_HYPHENS = 4  # of a name whose spellings are all removed: sixteen


@dataclass(frozen=True, slots=True)
class HeadChanges:
    """
    Attributes:
        replaced: Names and values, Latin-1; several values of one name follow each other.
        removed: Names as they are spelled.
    """

    replaced: list[tuple[str, str]]
    removed: list[str]


def head_changes(
    request: Request, before: dict[str, str], sent: Sequence[tuple[str, str]], trusted: bool
) -> HeadChanges:
    """
    What has become of the head.

    Args:
        before: The request's lines before any policy ran.
        sent: Names and values of the client's fields, as Envoy passes them on.
        trusted: Whether the client is a trusted proxy, whose statements about others pass.
    """
    lines = request.headers.lines
    changed = _changed(request, before) | _lengthened(sent, lines, trusted)
    replaced = [pair for key in changed for pair in pairs_of(lines[key])]
    removed = {name for name, _ in sent if _goes(name, lines, changed, trusted)}
    for key in {*(request.reserved or ()), *request.headers.removed} - CONNECTION:
        removed.update(spellings(key))
    return HeadChanges(replaced, sorted(removed.difference(name for name, _ in replaced)))


def pairs_of(block: str) -> Iterator[tuple[str, str]]:
    """Names in lower case and values of the lines of one field."""
    for line in block.split("\r\n"):
        name, _, value = line.partition(":")
        yield name.lower(), value.strip(" \t")


def _changed(request: Request, before: dict[str, str]) -> set[str]:
    """Names that the policies have set, and that of the request's id."""
    lines = request.headers.lines
    changed = {name for name, line in lines.items() if before.get(name) != line} - CONNECTION
    return changed | {request.id_key} if request.id_key in lines else changed


def _lengthened(sent: Sequence[tuple[str, str]], lines: dict[str, str], trusted: bool) -> set[str]:
    """The chain, if Envoy has appended the client's address to what the client claims; judged was the address alone."""
    chain = ", ".join(value for name, value in sent if name == _CHAIN)
    is_other = chain and _CHAIN in lines and (_CHAIN, chain) not in pairs_of(lines[_CHAIN])
    return {_CHAIN} if is_other and not trusted else set()


def _goes(name: str, lines: dict[str, str], changed: set[str], trusted: bool) -> bool:
    """Whether the client's field, spelled *name*, must not reach the backend."""
    key = fold_name(name)
    if key in changed:
        return True
    if key in CONNECTION or name in _ENVOYS:
        return False
    return key not in lines or (is_claim(key) and (not trusted or "_" in name))


@lru_cache(maxsize=1024)  # of names that configurations and policies have
def spellings(name: str) -> tuple[str, ...]:
    """*name* with a hyphen or an underscore in each place; of long names, all of one kind."""
    parts = name.split("-")
    if len(parts) - 1 > _MOST_HYPHENS:
        return name, "_".join(parts)
    return tuple(_joined(parts))


def _joined(parts: list[str]) -> Iterator[str]:
    for marks in product("-_", repeat=len(parts) - 1):
        yield "".join([parts[0], *(mark + part for mark, part in zip(marks, parts[1:], strict=True))])
