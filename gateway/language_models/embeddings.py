"""
Vectors of texts, through an embeddings API: Azure OpenAI's, or any that speaks OpenAI's.

Source: OpenAI API reference, "Create embeddings"; Microsoft Learn, "Azure OpenAI REST API reference".
"""

from __future__ import annotations

from collections.abc import Awaitable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from gateway.errors import QuestionRefused, UpstreamError
from gateway.language_models.service_call import COGNITIVE_SERVICES, ask, service_backend
from gateway.value_cache.vectors import unit_vector

if TYPE_CHECKING:
    from gateway.outside.seam import CredentialSource
    from gateway.pipeline.context import Context
    from gateway.pipeline.model_services import ModelServices
    from gateway.pipeline.settings import Settings
    from gateway.pipeline.step import Value
    from gateway.wire.messages import Target

# What the models take, 8,191 tokens, is about 32,000 characters of English; longer texts are not sent.
MAX_CHARACTERS = 64_000

AZURE_API_VERSION = "2024-10-21"


@dataclass(frozen=True, slots=True)
class Embeddings:
    """
    One embeddings API.

    Attributes:
        name: The backend's id.
        models: How they are asked for. The model's name is in each request; where the URL names a deployment, the
            service does not read it.
        credentials: Tokens of the gateway's own identity, for a backend that has no credentials of its own; None: the
            document asks for none.
    """

    backend: Value[Target]
    name: Value[str]
    models: ModelServices
    credentials: CredentialSource | None

    @classmethod
    def compile(cls, settings: Settings) -> Embeddings:
        """From ``embeddings-backend-id``. Raises LoadError: there is no such backend."""
        services = settings.services
        backend = service_backend(settings, "embeddings-backend-id")
        credentials = services.credentials if settings.has("embeddings-backend-auth") else None
        return cls(backend, settings.text("embeddings-backend-id"), services.models, credentials)

    @property
    def model(self) -> str:
        """The model's name in the request."""
        return self.models.embeddings_model

    async def vector(self, text: str, context: Context) -> bytes | None:
        """The vector of *text*; None: there is none of use, or the backend pauses. Raises UpstreamError: no answer."""
        target = self.backend(context)
        name, models = str(target.url), self.models
        if len(text) > MAX_CHARACTERS or models.pauses.holds(name, models.embeddings_timeout_s):
            return None
        try:
            answer = await self._ask(target, text)
        except QuestionRefused:
            models.pauses.answered(name)
            raise
        except UpstreamError:
            models.pauses.failed(name)
            raise
        models.pauses.answered(name)
        return unit_vector(_numbers(answer))

    async def _ask(self, target: Target, text: str) -> dict[str, Any]:
        base = target.url.path.rstrip("/")
        path = "" if base.endswith("/embeddings") else "/embeddings"
        query = f"api-version={AZURE_API_VERSION}" if "/deployments/" in base else ""
        document, longest_s = {"input": text, "model": self.model}, self.models.embeddings_timeout_s
        return await ask(target, path, query, document, longest_s, await self._authorization(target))

    async def _authorization(self, target: Target) -> str:
        """A token, unless the backend brings credentials: a stranger's service must not see one of ours."""
        if self.credentials is None or getattr(target, "has_credentials", False):
            return ""
        token = self.credentials.token(COGNITIVE_SERVICES, None)
        return f"Bearer {await token if isinstance(token, Awaitable) else token}"


def _numbers(answer: dict[str, Any]) -> object:
    match answer:
        case {"data": [{"embedding": numbers}]}:
            return numbers
    return None
