"""Offers, fixes and places in the words of the protocol."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from lsprotocol.types import (
    CompletionItem,
    CompletionItemKind,
    CompletionList,
    InsertTextFormat,
    MarkupContent,
    MarkupKind,
    TextEdit,
)

from gateway.commands.lsp.offers import Offer, Offers
from gateway.commands.lsp.quick_fixes import Replacement
from gateway.commands.lsp.session import OpenText

_KINDS = {
    "element": CompletionItemKind.Class,
    "attribute": CompletionItemKind.Property,
    "value": CompletionItemKind.EnumMember,
    "key": CompletionItemKind.Property,
    "reference": CompletionItemKind.Reference,
    "method": CompletionItemKind.Method,
    "property": CompletionItemKind.Property,
    "constant": CompletionItemKind.Constant,
    "type": CompletionItemKind.Class,
    "namespace": CompletionItemKind.Module,
    "variable": CompletionItemKind.Variable,
    "keyword": CompletionItemKind.Keyword,
}
# What is in scope before types, and types before keywords.
_ORDER = {"variable": "1", "type": "3", "keyword": "4"}


def completion_list(text: OpenText, offers: Offers, markup: MarkupKind) -> CompletionList:
    """*offers* as the editor takes them: each replaces what is written of it."""
    place = text.places.range(offers.start, offers.end)
    items = [_item(offer, TextEdit(place, offer.insert or offer.label), markup) for offer in offers.offers]
    return CompletionList(is_incomplete=False, items=items)


def _item(offer: Offer, edit: TextEdit, markup: MarkupKind) -> CompletionItem:
    return CompletionItem(
        label=offer.label,
        kind=_KINDS.get(offer.kind),
        detail=offer.detail or None,
        documentation=MarkupContent(markup, offer.documentation) if offer.documentation else None,
        sort_text=("0" if offer.required else _ORDER.get(offer.kind, "2")) + offer.label.lower(),
        filter_text=edit.new_text,
        insert_text_format=InsertTextFormat.PlainText,
        text_edit=edit,
    )


def markup_of(formats: Sequence[MarkupKind | str] | None) -> MarkupKind:
    """The kind of text that the editor shows: Markdown, which reads well as plain text, if it does."""
    return MarkupKind.Markdown if MarkupKind.Markdown in (formats or ()) else MarkupKind.PlainText


def text_edits(text: OpenText, replacements: Iterable[Replacement]) -> list[TextEdit]:
    """Edits of *text*."""
    return [TextEdit(text.places.range(start, end), new) for start, end, new in replacements]
