"""
How many tokens a text has: OpenAI's vocabularies, of which the extra ``[ai]`` brings two.

Without the extra a token is taken for four bytes of UTF-8. A count is linear in the length of the text, whatever the
text is, and leaves Python's lock to others; loading a vocabulary does not, so that is done with the documents.

Source: https://github.com/vectorize-io/toktok; OpenAI's "What are tokens and how to count them"
(https://help.openai.com/en/articles/4936856); docs/adr/0092.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from functools import cache
from importlib import import_module
from importlib.util import find_spec
from typing import Any

BYTES_PER_TOKEN = 4
# Processor time of a count for each byte, of the dearest texts that we know: runs of one sign, random letters.
BYTE_S = 4e-7

NEWER, OLDER = "o200k_base", "cl100k_base"
# Everything else, and every model of which we do not know, is counted with the newer one.
_OLDER = re.compile(r"gpt-3|gpt-?35|gpt-4(?![o.\d])|text-|davinci|babbage|ada|curie", re.IGNORECASE)


def vocabulary_of(model: str) -> str:
    """The vocabulary of *model*, which may be the name of an Azure deployment."""
    name = model.rpartition("/")[2]
    return OLDER if _OLDER.match(name.removeprefix("ft:")) else NEWER


def is_installed() -> bool:
    """Whether the extra is there."""
    return find_spec("toktok") is not None


@cache
def load() -> Callable[..., list[int]] | None:
    """The tokeniser, with both vocabularies in memory: half a second, once in a process. None without the extra."""
    if not is_installed():
        return None
    count: Any = import_module("toktok").batch_count
    for vocabulary in (NEWER, OLDER):
        count([""], vocabulary, 1)
    return count  # type: ignore[no-any-return]


def count_tokens(texts: Sequence[str], vocabulary: str) -> int:
    """The tokens of all *texts*, none of which has a lone surrogate."""
    tokenise = load()
    if tokenise is None:
        return sum(-(-len(text.encode()) // BYTES_PER_TOKEN) for text in texts)
    return sum(tokenise(texts, vocabulary, 1))
