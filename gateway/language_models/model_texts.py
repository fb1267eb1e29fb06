"""
The texts in what goes to a language model and comes from it, for those who judge them.

Every text counts but identifiers and other names of the protocol, and what encodes pictures and sounds: a member that
is not known here may hold anything. Those that do not count look like what they are, and hold no white space. Where
the caller or the model chooses the names of members, as in schemas and arguments of tools, the names are texts, too.

Source: OpenAI API reference, "Chat Completions", "Responses", "Completions"; Anthropic, "Messages"; Google,
"generateContent".
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
# Members below which every name and every text is the caller's, or the model's.
_FREE = frozenset(
    (
        "arguments args functionCall functionResponse function_response input inputSchema input_schema parameters"
        " parametersJsonSchema responseJsonSchema responseSchema schema"
    ).split()
)
# Of the members of a request the only ones that may be numbers in a list: they tell what is not to be said.
_NUMBERS = frozenset({"stop_token_ids"})

# The longest name of a place; of a longer one the end.
_LONGEST_PLACE = 200


def texts(document: Any) -> Iterator[str]:
    """Every text in *document*, as JSON has it, in order."""
    return (text for _, text in named_texts(document))


def named_texts(document: Any) -> Iterator[tuple[str, str]]:
    """
    The same, each with its place: the names of the members that lead to it, and the numbers of those in lists.

    It takes time in proportion to the document, however deep that is.
    """
    waiting: list[tuple[str, Any, bool]] = [("", document, False)]
    while waiting:
        place, value, free = waiting.pop()
        if isinstance(value, str):
            yield place, value
        elif isinstance(value, list):
            waiting.extend((_numbered(place, item), item, free) for item in reversed(value))
        elif isinstance(value, dict):
            waiting.extend(_members(place, value, free))


def _numbered(place: str, item: Any) -> str:
    """Choices and candidates come side by side in a stream, and their numbers tell which is which."""
    number = item.get("index") if isinstance(item, dict) else None
    return f"{place}[{number}]"[-_LONGEST_PLACE:] if isinstance(number, int) else place


def _members(place: str, members: dict[str, Any], free: bool) -> list[tuple[str, Any, bool]]:
    """What is to be looked at, the last one first."""
    waiting: list[tuple[str, Any, bool]] = []
    for name, value in reversed(members.items()):
        if free or not _is_no_text(name, value, members):
            waiting.append((f"{place}.{name}"[-_LONGEST_PLACE:], value, free or _is_free(name, value)))
        if free:
            waiting.append((place, name, True))
    return waiting


def _is_free(name: str, value: Any) -> bool:
    return name in _FREE and isinstance(value, dict)


def _is_no_text(name: str, value: Any, members: dict[str, Any]) -> bool:
    """Whether *value* is a name of the protocol, or encoded; Anthropic has plain text as ``data``, too."""
    if name not in _NO_TEXT or not isinstance(value, str):
        return False
    is_plain = name == "data" and members.get("type") == "text"
    return not is_plain and value.isascii() and len(value.split(maxsplit=1)) <= 1


def holds_tokens(document: Any) -> bool:
    """Whether a list of numbers is in a request: prompts may be given as tokens, which are texts in another form."""
    waiting = [document]
    while waiting:
        value = waiting.pop()
        if isinstance(value, list) and any(isinstance(item, int | float) for item in value):
            return True
        waiting.extend(_below(value))
    return False


def _below(value: Any) -> list[Any]:
    """What a list has, or the members of an object that may be tokens."""
    if isinstance(value, dict):
        return [member for name, member in value.items() if name not in _NUMBERS and not _is_free(name, member)]
    return value if isinstance(value, list) else []


def windows(text: str, size: int, overlap: int) -> list[str]:
    """*text* in pieces of *size* characters, each of which begins *overlap* before the end of the one before."""
    step = max(1, size - overlap)
    return [text[start : start + size] for start in range(0, max(1, len(text) - overlap), step)] if text else []
