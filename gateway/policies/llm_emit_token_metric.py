"""
llm-emit-token-metric and azure-openai-emit-token-metric: emit the tokens that a call of a language model has cost.

`Total Tokens`, `Prompt Tokens` and `Completion Tokens`; where the model reports them, also `Cached Tokens`, a part of
the prompt, and `Reasoning Tokens`, a part of the completion. A stream that reports no usage is counted, as
[llm-token-limit](llm-token-limit.md) counts it. An answer that comes from the cache, from a policy or with an error has
cost nothing, and nothing is emitted.

Source: APIM policy reference, "llm-emit-token-metric" and "azure-openai-emit-token-metric".
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, ClassVar, Self

from gateway.documents.model import Section
from gateway.documents.shape import ID, Attribute, Child, Element
from gateway.pipeline.policy import PolicyType
from gateway.policies.parts.metering import meter_of
from gateway.policies.parts.metric_dimensions import DIMENSION, dimensions
from gateway.policies.parts.usage_fields import TokenUsage
from gateway.policies.parts.vocabularies import load

if TYPE_CHECKING:
    from gateway.pipeline.context import Context
    from gateway.pipeline.services import MetricSink, Services
    from gateway.pipeline.settings import Settings
    from gateway.pipeline.step import Value


@dataclass(frozen=True, slots=True)
class EmitTokenMetric(PolicyType):
    """One compiled element; see the classes below for its names."""

    shape: ClassVar[Element]
    # Its page says inbound; where real documents have it in outbound, the answer that is there is counted.
    sections: ClassVar[frozenset[Section]] = frozenset({Section.INBOUND, Section.OUTBOUND})

    services: Services
    namespace: Value[str]
    dimensions: tuple[tuple[str, Value[str]], ...]

    @classmethod
    def compile(cls, settings: Settings) -> Self:
        """From the element. Raises LoadError: a dimension has no value of its own."""
        load()
        return cls(settings.services, settings.text("namespace"), dimensions(settings))

    def apply(self, context: Context) -> None:
        """Emits when the answer has passed."""
        metrics = self.services.metrics
        if metrics is None:
            return
        context.request.headers.remove("Accept-Encoding")
        namespace, labels = self.namespace(context), tuple((name, value(context)) for name, value in self.dimensions)
        meter_of(context, self.services).listen(partial(_emit, metrics, namespace, labels))


def _emit(metrics: MetricSink, namespace: str, labels: tuple[tuple[str, str], ...], usage: TokenUsage) -> None:
    numbers = {
        "Total Tokens": usage.total,
        "Prompt Tokens": usage.prompt,
        "Completion Tokens": usage.completion,
        "Cached Tokens": usage.cached,
        "Reasoning Tokens": usage.reasoning,
    }
    for name, number in numbers.items():
        if number is not None:
            metrics.emit(namespace, name, number, labels)


class LlmEmitTokenMetric(EmitTokenMetric):
    """For any model with OpenAI's usage fields."""

    __slots__ = ()
    shape: ClassVar[Element] = Element(
        "llm-emit-token-metric",
        "Emits the tokens that calls of a language model have cost.",
        attributes=(ID, Attribute("namespace", "Namespace of the metrics.", default="API Management")),
        children=(Child(DIMENSION, maximum=10),),
    )


class AzureOpenaiEmitTokenMetric(EmitTokenMetric):
    """For Azure OpenAI."""

    __slots__ = ()
    shape: ClassVar[Element] = replace(LlmEmitTokenMetric.shape, name="azure-openai-emit-token-metric")
