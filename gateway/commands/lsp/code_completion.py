"""Completion inside expressions: members, names, variables of the request, named values."""

from __future__ import annotations

import html
import re
from collections.abc import Iterable

from gateway.commands.lsp.csharp.closing import UnfinishedCode, unfinished
from gateway.commands.lsp.csharp.members import Offered, offered
from gateway.commands.lsp.csharp.probing import probe
from gateway.commands.lsp.offers import Offer, Offers

_VARIABLES = re.compile(r"\.Variables\s*(?:\?\s*)?(?:\[|\.\s*\w+\s*(?:<[^<>]*>)?\s*\()\s*(?P<quote>[$@]*\"\Z)?\Z")
_ESCAPED = re.compile(r"&(?:quot|lt|gt|amp|apos);")
MAX_CODE = 32 * 1024  # characters of an expression up to the cursor


def code_offers(code: str, end: int, variables: Iterable[str]) -> Offers | None:
    """
    What may be written at the end of *code*, an expression up to the cursor, which is at the offset *end*.

    Args:
        variables: Names that the document has given to variables before.

    Returns:
        None where there is nothing to offer.
    """
    written = read(code)
    if written is None or written.commented:
        return None
    if written.quoted is not None:
        before = written.text[: len(written.text) - len(written.quoted)]
        return _variables(written.quoted, end, variables, "") if _VARIABLES.search(before) else None
    if _VARIABLES.search(written.before):
        return _variables(written.word, end, variables, '"')
    offers = _names(written)
    return Offers(end - len(written.word), end, offers) if offers else None


def _names(written: UnfinishedCode) -> list[Offer]:
    """What the name at the end may be; nothing for a number."""
    return [] if written.word[:1].isdigit() else [_offer(item) for item in offered(probe(written))]


def read(code: str) -> UnfinishedCode | None:
    """*code* as C#, its entities resolved if it is written with them; None where it is too long."""
    if len(code) > MAX_CODE:
        return None
    code = code.encode(errors="replace").decode()  # an editor may send half of a pair of surrogates
    return unfinished(html.unescape(code) if _ESCAPED.search(code) and '"' not in code else code)


def _variables(written: str, end: int, variables: Iterable[str], quote: str) -> Offers:
    names = dict.fromkeys(variables)
    offers = [Offer(name, "reference", "variable", insert=f"{quote}{name}{quote}") for name in names]
    return Offers(end - len(written), end, offers)


def _offer(item: Offered) -> Offer:
    detail = item.signatures[0] if item.signatures else ""
    more = len(item.signatures) - 1
    if more > 0 and item.kind == "method":
        detail = f"{detail} (+{more} overload{'s' if more > 1 else ''})"
    return Offer(item.name, item.kind, detail, csharp("\n".join(item.signatures)) if item.signatures else "")


def csharp(code: str) -> str:
    """A block of C# in Markdown."""
    return f"```csharp\n{code}\n```"
