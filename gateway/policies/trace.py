"""
trace: a line of your own in the request's trace and in the log.

Source: APIM policy reference, "trace".
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Self

import structlog

from gateway.documents.shape import ID, Attribute, Child, Content, Element
from gateway.pipeline.policy import ANYWHERE, PolicyType

if TYPE_CHECKING:
    from collections.abc import Callable

    from gateway.documents.model import Section
    from gateway.pipeline.context import Context
    from gateway.pipeline.settings import Settings
    from gateway.pipeline.step import Value

log = structlog.get_logger("gateway.trace")

MAX_LOGGED_CHARS = 8192

_LEVELS: dict[str, Callable[..., object]] = {
    "verbose": lambda **fields: log.debug("trace", **fields),
    "information": lambda **fields: log.info("trace", **fields),
    "error": lambda **fields: log.error("trace", **fields),
}

_MESSAGE = Element("message", "The text; an expression or a literal.", content=Content.TEXT, mixed=True)
_METADATA = Element(
    "metadata",
    "A named value beside the message.",
    attributes=(Attribute("name", "Its name.", required=True), Attribute("value", "Its value.", required=True)),
)


@dataclass(frozen=True, slots=True)
class TracePolicy(PolicyType):
    """One compiled trace; the message itself is never changed by it."""

    shape: ClassVar[Element] = Element(
        "trace",
        "Writes a line into the request's trace and into the log.",
        attributes=(
            ID,
            Attribute("source", "Source of the line, as its reader knows it.", required=True),
            Attribute(
                "severity",
                "Level of the log line.",
                default="verbose",
                choices=("verbose", "information", "error"),
                expression=False,
            ),
        ),
        children=(Child(_MESSAGE), Child(_METADATA, maximum=None)),
        content=Content.TEXT,  # the older form, without <message>, which the service still runs
        mixed=True,
    )
    sections: ClassVar[frozenset[Section]] = ANYWHERE
    changes: ClassVar[None] = None

    source: Value[str]
    severity: str
    message: Value[str] | None
    metadata: tuple[tuple[Value[str], Value[str]], ...]

    @classmethod
    def compile(cls, settings: Settings) -> Self:
        """From ``<trace>``."""
        message = settings.child("message") or (settings if settings.node.text else None)
        return cls(
            source=settings.text("source"),
            severity=settings.constant("severity"),
            message=message.content() if message else None,
            metadata=tuple((item.text("name"), item.text("value")) for item in settings.all("metadata")),
        )

    def apply(self, context: Context) -> None:
        """Writes the line."""
        source = self.source(context)
        text = self.message(context) if self.message else ""
        metadata = [(name(context), value(context)) for name, value in self.metadata]
        context.tell(source, text, metadata)
        _LEVELS[self.severity](
            source=source,
            text=text[:MAX_LOGGED_CHARS],
            request_id=str(context.request_id),
            metadata={name: value[:MAX_LOGGED_CHARS] for name, value in metadata},
            **context.trace_ids,
        )
