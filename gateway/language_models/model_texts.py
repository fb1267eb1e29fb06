"""
The texts in what goes to a language model and comes from it, for those who judge them.

Every text counts but identifiers and other names of the protocol, and what encodes pictures and sounds: a member that
is not known here may hold anything.

Source: OpenAI API reference, "Chat Completions", "Responses", "Completions"; Anthropic, "Messages".
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

# Members whose texts no model reads or says: names of the protocol, and encoded data.
_NO_TEXT = frozenset(
    (
        "b64_json call_id content_filter_results created_at data detail encoding_format encrypted_content"
        " file_data file_id finish_reason format id image_url item_id media_type model obfuscation object"
        " previous_response_id prompt_cache_key prompt_filter_results response_id role safety_identifier"
        " service_tier signature status stop_reason system_fingerprint tool_call_id tool_use_id type url user"
    ).split()
)
SYSTEM_ROLES = ("system", "developer")
_SYSTEM_MEMBERS = ("system", "instructions")


def texts(document: Any) -> Iterator[str]:
    """Every text in *document*, as JSON has it, in order."""
    return (text for _, text in named_texts(document))


def named_texts(document: Any, place: str = "") -> Iterator[tuple[str, str]]:
    """The same, each with the names of the members that lead to it."""
    if isinstance(document, str):
        yield place, document
        return
    parts = [(place, part) for part in document] if isinstance(document, list) else []
    if isinstance(document, dict):
        parts = [(f"{place}.{name}", value) for name, value in document.items() if name not in _NO_TEXT]
    for name, part in parts:
        yield from named_texts(part, name)


def without_system(document: Any) -> Any:
    """A request without what its author has put before the user's words."""
    if not isinstance(document, dict):
        return document
    kept = {name: value for name, value in document.items() if name not in _SYSTEM_MEMBERS}
    for place in ("messages", "input"):
        if isinstance(kept.get(place), list):
            kept[place] = [message for message in kept[place] if not _is_system(message)]
    return kept


def _is_system(message: Any) -> bool:
    return isinstance(message, dict) and message.get("role") in SYSTEM_ROLES


def windows(text: str, size: int, overlap: int) -> list[str]:
    """*text* in pieces of *size* characters, each of which begins *overlap* before the end of the one before."""
    step = max(1, size - overlap)
    return [text[start : start + size] for start in range(0, max(1, len(text) - overlap), step)] if text else []
