"""
llm-emit-token-metric and azure-openai-emit-token-metric: count the tokens that a language model reports.

Source: APIM policy reference, "llm-emit-token-metric" and "azure-openai-emit-token-metric".
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, ClassVar, Self

from gateway.documents.model import Section
from gateway.documents.shape import ID, Attribute, Child, Element
from gateway.pipeline.policy import PolicyType
from gateway.policies.parts.metric_dimensions import DIMENSION, dimensions
from gateway.policies.parts.token_usage import TokenUsage, watch_usage

if TYPE_CHECKING:
    from gateway.pipeline.context import Context
    from gateway.pipeline.services import MetricSink
    from gateway.pipeline.settings import Settings
    from gateway.pipeline.step import Value
    from gateway.wire.messages import Response


@dataclass(frozen=True, slots=True)
class EmitTokenMetric(PolicyType):
    """One compiled element; see the classes below for its names."""

    shape: ClassVar[Element]
    # Its page says inbound; where real documents have it in outbound, the answer that is there is counted.
    sections: ClassVar[frozenset[Section]] = frozenset({Section.INBOUND, Section.OUTBOUND})

    metrics: MetricSink | None
    namespace: Value[str]
    dimensions: tuple[tuple[str, Value[str]], ...]

    @classmethod
    def compile(cls, settings: Settings) -> Self:
        """From the element. Raises LoadError: a dimension has no value of its own."""
        return cls(settings.services.metrics, settings.text("namespace"), dimensions(settings))

    def apply(self, context: Context) -> None:
        """Counts when the answer has passed."""
        metrics = self.metrics
        if metrics is None:
            return
        context.request.headers.remove("Accept-Encoding")
        namespace, labels = self.namespace(context), tuple((name, value(context)) for name, value in self.dimensions)

        def count(usage: TokenUsage | None) -> None:
            if usage is not None:
                metrics.emit(namespace, "Total Tokens", usage.total, labels)
                metrics.emit(namespace, "Prompt Tokens", usage.prompt, labels)
                metrics.emit(namespace, "Completion Tokens", usage.completion, labels)

        def answered(answer: Response) -> None:
            watch_usage(answer, count)

        context.on_answer(answered)


class LlmEmitTokenMetric(EmitTokenMetric):
    """For any model with OpenAI's usage fields."""

    __slots__ = ()
    shape: ClassVar[Element] = Element(
        "llm-emit-token-metric",
        "Counts the tokens that a language model reports.",
        attributes=(ID, Attribute("namespace", "Namespace of the metrics.", default="API Management")),
        children=(Child(DIMENSION, maximum=10),),
    )


class AzureOpenaiEmitTokenMetric(EmitTokenMetric):
    """For Azure OpenAI."""

    __slots__ = ()
    shape: ClassVar[Element] = replace(LlmEmitTokenMetric.shape, name="azure-openai-emit-token-metric")
