"""What the policies for language models may ask of other services, and how long they wait."""

from __future__ import annotations

from dataclasses import dataclass, field

from gateway.backends.pauses import Pauses

EMBEDDINGS_MODEL = "text-embedding-3-small"

# A request waits for its embeddings, and then asks the model as well.
EMBEDDINGS_TIMEOUT_S = 2.0
CONTENT_SAFETY_TIMEOUT_S = 10.0


@dataclass(frozen=True, slots=True)
class ModelServices:
    """
    The configured part.

    Attributes:
        embeddings_model: Which one semantic caches ask for where the backend's URL names no deployment.
        embeddings_timeout_s, content_safety_timeout_s: Seconds for one answer.
        pauses: Embeddings backends that have failed.
    """

    embeddings_model: str = EMBEDDINGS_MODEL
    embeddings_timeout_s: float = EMBEDDINGS_TIMEOUT_S
    content_safety_timeout_s: float = CONTENT_SAFETY_TIMEOUT_S
    pauses: Pauses = field(default_factory=Pauses)
