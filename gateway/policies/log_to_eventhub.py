"""
log-to-eventhub: hand a text to the configured sink.

Source: APIM policy reference, "log-to-eventhub".
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Self

from gateway.documents.shape import ID, Attribute, Content, Element
from gateway.outside.seam import Event
from gateway.pipeline.policy import ANYWHERE, PolicyType
from gateway.policies.parts.limits import start

if TYPE_CHECKING:
    from gateway.documents.model import Section
    from gateway.outside.seam import EventSink
    from gateway.pipeline.background import Background
    from gateway.pipeline.context import Context
    from gateway.pipeline.settings import Settings
    from gateway.pipeline.step import Value

# Source: APIM "log-to-eventhub": longer messages are cut.
MAX_BYTES = 200 * 1024


@dataclass(frozen=True, slots=True)
class LogToEventhub(PolicyType):
    """One compiled log-to-eventhub; a sink that fails never fails the request."""

    shape: ClassVar[Element] = Element(
        "log-to-eventhub",
        "Sends a text of at most 200 KB to the configured logger.",
        attributes=(
            ID,
            Attribute("logger-id", "Name of the logger.", required=True),
            Attribute("partition-id", "Partition."),
            Attribute("partition-key", "Key that selects the partition."),
        ),
        content=Content.TEXT,
        required=True,
    )
    sections: ClassVar[frozenset[Section]] = ANYWHERE
    changes: ClassVar[None] = None

    sink: EventSink | None
    background: Background
    logger: Value[str]
    properties: tuple[tuple[str, Value[str]], ...]
    text: Value[str]

    @classmethod
    def compile(cls, settings: Settings) -> Self:
        """From ``<log-to-eventhub>``. Raises LoadError: no sink is configured."""
        services = settings.services
        names = [name for name in ("partition-id", "partition-key") if settings.has(name)]
        return cls(
            sink=services.sink,
            background=services.background,
            logger=settings.text("logger-id"),
            properties=tuple((name, settings.text(name)) for name in names),
            text=settings.content(),
        )

    def apply(self, context: Context) -> None:
        """Hands the text over. Without a sink it is evaluated and dropped."""
        content = self.text(context).encode("utf-8", "replace")[:MAX_BYTES]
        properties = tuple((name, value(context)) for name, value in self.properties)
        if self.sink is not None:
            start(self.sink.write(Event("eventhub", self.logger(context), content, properties)), self.background)
