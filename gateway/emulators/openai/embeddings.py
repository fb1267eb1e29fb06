"""
Embeddings without a model: texts that share words and parts of words get vectors that point the same way.

Every word, every three letters of it and every pair of neighbouring words is hashed to one of the dimensions and a
sign; longer words weigh more, since short ones say little. The vector is scaled to length 1, so that the scalar product
of two is their cosine.

Source: OpenAI API reference, "Create embeddings"; Weinberger et al., "Feature Hashing for Large Scale Multitask
Learning" (2009).
"""

from __future__ import annotations

import base64
import math
import re
import struct
from collections.abc import Iterator
from hashlib import blake2b
from itertools import pairwise
from typing import Any

from gateway.emulators.openai.errors import ModelError
from gateway.emulators.openai.text import count_tokens

DIMENSIONS = 1536
MAX_INPUTS = 2048
_HEAVIEST = 8


def embedding(text: str, dimensions: int = DIMENSIONS) -> list[float]:
    """The vector of *text*, of length 1; of an empty text, the first unit vector."""
    vector = [0.0] * dimensions
    for feature, weight in _features(text):
        number = int.from_bytes(blake2b(feature.encode("utf-8", "replace"), digest_size=8).digest(), "big")
        vector[(number >> 1) % dimensions] += weight if number & 1 else -weight
    length = math.sqrt(sum(value * value for value in vector))
    if not length:
        return [1.0] + [0.0] * (dimensions - 1)
    return [value / length for value in vector]


def answer(document: dict[str, Any], model: str) -> dict[str, Any]:
    """The answer to a call of the embeddings API. Raises ModelError: no input, or a wrong size."""
    texts = _texts(document.get("input"))
    dimensions = document.get("dimensions") or DIMENSIONS
    if not isinstance(dimensions, int) or not 1 <= dimensions <= 2 * DIMENSIONS:
        raise ModelError(400, "invalid_value", f"dimensions must be 1 to {2 * DIMENSIONS}", "dimensions")
    as_base64 = document.get("encoding_format") == "base64"
    vectors = [embedding(text, dimensions) for text in texts]
    data = [
        {"object": "embedding", "index": index, "embedding": _packed(vector) if as_base64 else vector}
        for index, vector in enumerate(vectors)
    ]
    tokens = sum(map(count_tokens, texts))
    usage = {"prompt_tokens": tokens, "total_tokens": tokens}
    return {"object": "list", "data": data, "model": model, "usage": usage}


def _features(text: str) -> Iterator[tuple[str, float]]:
    words = re.findall(r"\w+", text.lower())
    for word in words:
        weight = min(len(word), _HEAVIEST)
        yield word, weight
        padded = f"^{word}$"
        for begin in range(len(padded) - 2):
            yield padded[begin : begin + 3], weight / len(word)
    for first, second in pairwise(words):
        yield f"{first} {second}", 1.0


def _texts(given: object) -> list[str]:
    inputs = given if isinstance(given, list) else [given]
    if inputs and all(isinstance(item, int) for item in inputs):  # one text, as numbers of tokens
        inputs = [inputs]
    texts = [_text(item) for item in inputs]
    if not 1 <= len(texts) <= MAX_INPUTS or "" in texts:
        raise ModelError(400, "invalid_value", "'input' must be a text that is not empty, or a list of them", "input")
    return texts


def _text(item: object) -> str:
    """A text, or its tokens; anything else is empty."""
    if isinstance(item, list):
        return " ".join(map(str, item))
    return item if isinstance(item, str) else ""


def _packed(vector: list[float]) -> str:
    return base64.b64encode(struct.pack(f"<{len(vector)}f", *vector)).decode()
