"""
Blocklists and their items.

Source: Microsoft, "Content Safety REST API", 2024-09-01, Text Blocklists.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any
from uuid import uuid4

MOST_ITEMS = 10_000


@dataclass(slots=True)
class Blocklist:
    """One list; *items* by id."""

    name: str
    description: str = ""
    items: dict[str, dict[str, Any]] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        """The resource."""
        return {"blocklistName": self.name, "description": self.description}

    def add(self, given: list[dict[str, Any]]) -> list[dict[str, Any]]:
        """Add items: ``{"text": …, "isRegex": …}``. Raises ValueError: one is wrong, or there are too many."""
        if len(given) > 100 or len(self.items) + len(given) > MOST_ITEMS:
            raise ValueError("at most 100 items in one request, and 10,000 in a list")
        added = [_item(document) for document in given]
        self.items.update((item["blocklistItemId"], item) for item in added)
        return added

    def remove(self, ids: list[str]) -> None:
        """Forget items."""
        for item_id in ids:
            self.items.pop(item_id, None)

    def matches(self, text: str) -> list[dict[str, Any]]:
        """The items that occur in *text*."""
        return [
            {"blocklistName": self.name, "blocklistItemId": item_id, "blocklistItemText": item["text"]}
            for item_id, item in self.items.items()
            if re.search(item["text"] if item["isRegex"] else re.escape(item["text"]), text, re.IGNORECASE)
        ]


def _item(document: dict[str, Any]) -> dict[str, Any]:
    text, is_regex = document.get("text"), document.get("isRegex", False)
    if not isinstance(text, str) or not 0 < len(text) <= 128:
        raise ValueError("text must have 1 to 128 characters")
    try:
        re.compile(text if is_regex else "")
    except re.error as error:
        raise ValueError(f"text is no regular expression: {error}") from None
    description = str(document.get("description", ""))
    return {"blocklistItemId": str(uuid4()), "description": description, "text": text, "isRegex": bool(is_regex)}
