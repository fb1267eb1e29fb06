"""
emit-metric: add to a metric of your own.

Source: APIM policy reference, "emit-metric".
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Self

from gateway.documents.shape import ID, Attribute, Child, Element, Kind
from gateway.pipeline.policy import ANYWHERE, PolicyType
from gateway.policies.parts.metric_dimensions import DIMENSION, dimensions

if TYPE_CHECKING:
    from gateway.documents.model import Section
    from gateway.pipeline.context import Context
    from gateway.pipeline.services import MetricSink
    from gateway.pipeline.settings import Settings
    from gateway.pipeline.step import Value


@dataclass(frozen=True, slots=True)
class EmitMetric(PolicyType):
    """One compiled emit-metric."""

    shape: ClassVar[Element] = Element(
        "emit-metric",
        "Adds a value to a custom metric.",
        attributes=(
            ID,
            Attribute("name", "Name of the metric.", required=True),
            Attribute("value", "What to add.", Kind.NUMBER, default="1"),
            Attribute("namespace", "Its namespace.", default="API Management"),
        ),
        children=(Child(DIMENSION, maximum=10),),
    )
    sections: ClassVar[frozenset[Section]] = ANYWHERE
    changes: ClassVar[None] = None

    metrics: MetricSink | None
    name: Value[str]
    value: Value[float]
    namespace: Value[str]
    dimensions: tuple[tuple[str, Value[str]], ...]

    @classmethod
    def compile(cls, settings: Settings) -> Self:
        """From ``<emit-metric>``. Raises LoadError: a dimension has no value of its own."""
        return cls(
            metrics=settings.services.metrics,
            name=settings.text("name"),
            value=settings.number("value"),
            namespace=settings.text("namespace"),
            dimensions=dimensions(settings),
        )

    def apply(self, context: Context) -> None:
        """Counts."""
        if self.metrics is not None:
            labels = tuple((name, value(context)) for name, value in self.dimensions)
            self.metrics.emit(self.namespace(context), self.name(context), self.value(context), labels)
