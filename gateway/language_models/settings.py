"""Settings of what policies for language models ask, and of the semantic cache in memory."""

from __future__ import annotations

from gateway.backends.pauses import Pauses
from gateway.pipeline.model_services import ModelServices
from gateway.reading.settings import Block
from gateway.reading.values import Count, Duration
from gateway.value_cache.memory_vectors import MAX_BYTES, MAX_ENTRIES

_DEFAULTS = ModelServices()


class LanguageModelSettings(Block):
    """What the policies for language models ask of other services, and how much a worker keeps for them."""

    embeddings_model: str = _DEFAULTS.embeddings_model
    """Model that semantic caches ask for. A deployment in the URL of the embeddings backend takes precedence."""
    embeddings_timeout_s: Duration = _DEFAULTS.embeddings_timeout_s
    """How long a request waits for its embeddings; then it is not looked up in the cache."""
    embeddings_pause_s: Duration = _DEFAULTS.pauses.pause_s
    """After an embeddings backend has failed: how long no request asks it, so that none waits for it."""
    content_safety_timeout_s: Duration = _DEFAULTS.content_safety_timeout_s
    """How long llm-content-safety waits for each answer of its service; then the request is refused with 503."""
    cache_entries: Count = MAX_ENTRIES
    """Answers that one worker keeps in its semantic cache. Not used with *redis*, nor is *cache-bytes*."""
    cache_bytes: Count = MAX_BYTES
    """Memory that they may take, estimated. Beyond either bound the caller that has most loses the answer that was not
    used for longest."""

    def services(self) -> ModelServices:
        """The part that policies use."""
        return ModelServices(
            self.embeddings_model,
            self.embeddings_timeout_s,
            self.content_safety_timeout_s,
            Pauses(self.embeddings_pause_s),
        )
