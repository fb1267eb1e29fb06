"""
Trailer fields on their way through the gateway: which of them pass, and how they end a chunked body.

A trailer says something about a body that has already gone by. Whoever reads it may merge it into the header, so no
trailer passes that frames, routes, authenticates or describes a message, says where it comes from, repeats one of its
header fields, or has a name that a policy sets or has removed.

Source: RFC 9110 §6.5 and §6.6.2; RFC 9112 §7.1.2.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING

from gateway.wire.claims import is_claim
from gateway.wire.framing import HOP_BY_HOP, OWNED

if TYPE_CHECKING:
    from gateway.wire.headers import Headers
    from gateway.wire.messages import Request

LAST_CHUNK = b"0\r\n\r\n"

# Framing, routing, authentication, request modifiers and response control data. Source: RFC 9110 §6.5.1.
_KEPT_BACK = (
    OWNED
    | HOP_BY_HOP
    | frozenset(
        """
        age alt-svc authentication-info authorization cache-control clear-site-data cookie date etag expect expires
        from host http2-settings last-modified location max-forwards ocp-apim-subscription-key origin pragma proxy range
        referer retry-after set-cookie strict-transport-security user-agent vary via warning www-authenticate
        """.split()
    )
)
_KEPT_BACK_FAMILIES = ("accept", "access-control-", "content-", "if-", "proxy-", "sec-", "x-original-", "x-real-",
                       "x-rewrite-", "x-client-")  # fmt: skip
_PASS_ALL_THE_SAME = frozenset(["content-digest"])  # made for trailers: RFC 9530 §2


def passes(name: str) -> bool:
    """Whether a trailer with the folded *name* may pass at all."""
    if name in _PASS_ALL_THE_SAME:
        return True
    return name not in _KEPT_BACK and not name.startswith(_KEPT_BACK_FAMILIES) and not is_claim(name)


def barred_names(request: Request, headers: Headers) -> frozenset[str] | None:
    """
    The folded names that no trailer of a message with *headers* may have: those that the API's policies set, those that
    they removed from it, its own, and that of the request's id. None: no trailer passes.
    """
    if request.reserved is None:
        return None
    return request.reserved.union(headers.lines, headers.removed, (request.id_key,))


def passed_lines(trailers: Mapping[str, str], barred: frozenset[str] | None) -> Iterator[str]:
    """The field lines of *trailers* (folded name -> lines) that pass."""
    if barred is None:
        return
    for name, lines in trailers.items():
        if name not in barred and passes(name):
            yield from lines.split("\r\n")


def last_chunk(trailers: Mapping[str, str], barred: frozenset[str] | None) -> bytes:
    """The end of a chunked body, with those of *trailers* that pass."""
    if not trailers:
        return LAST_CHUNK
    return _joined(passed_lines(trailers, barred))


def _joined(lines: Iterable[str]) -> bytes:
    return "".join(["0\r\n", *[f"{line}\r\n" for line in lines], "\r\n"]).encode("latin-1")
