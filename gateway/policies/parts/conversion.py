"""
What xml-to-json and json-to-xml share: when they work, and what becomes of the message.

Source: APIM policy reference, "xml-to-json", "json-to-xml"; RFC 9110 §12.5.1.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from gateway.documents.shape import Attribute, Kind
from gateway.policies.parts.body_text import decoded, is_json, is_xml, media_type, message

if TYPE_CHECKING:
    from gateway.pipeline.beside import Beside, Job
    from gateway.pipeline.context import Context
    from gateway.pipeline.settings import Settings
    from gateway.pipeline.step import Value
    from gateway.wire.body import Body
    from gateway.wire.headers import Headers
    from gateway.wire.messages import Request

# Processor time of a conversion per byte, at most; and the longest body that is converted within a turn of the loop.
BYTE_S = 2e-6
LARGE = 4 * 1024

_IS: Mapping[str, Callable[[str], bool]] = {"json": is_json, "xml": is_xml}


def conditions(source: str, form: str) -> tuple[Attribute, Attribute]:
    """The attributes that say when a body in *source* becomes *form*; both ``json`` or ``xml``."""
    accepted = f"Only for callers that accept {form.upper()}."
    return (
        Attribute("apply", "When.", required=True, choices=("always", f"content-type-{source}")),
        Attribute("consider-accept-header", accepted, Kind.BOOLEAN, default="true"),
    )


@dataclass(frozen=True, slots=True)
class BodyConversion:
    """The compiled conditions, and the message that they are about."""

    source: str
    form: str
    condition: Value[str]
    considers_accept: Value[bool]
    on_request: bool
    max_bytes: int
    beside: Beside

    @classmethod
    def compile(cls, settings: Settings, source: str, form: str) -> BodyConversion:
        """From the attributes that ``conditions`` declares."""
        settings.reads_body()
        return cls(
            source=source,
            form=form,
            condition=settings.text("apply"),
            considers_accept=settings.boolean("consider-accept-header"),
            on_request=settings.on_request,
            max_bytes=settings.services.max_body_bytes,
            beside=settings.services.beside,
        )

    def apply(self, context: Context, job: Job, *arguments: object) -> Awaitable[None] | None:
        """
        Replace the body by what *job* makes of it and *arguments*, where the conditions hold.

        None where that is done; else it happens beside the loop. Raises ExpressionError, WorkExceeded.
        """
        headers, body = message(context, self.on_request)
        if body is None or (self.condition(context) != "always" and not _IS[self.source](media_type(headers))):
            return None
        if self.considers_accept(context) and not accepts(context.request, self.form):
            return None
        content = decoded(body, headers, self.max_bytes)
        if len(content) > LARGE:
            return self._replace_later(self.beside.run(context.work, job, content, *arguments), headers, body)
        context.work.draw(len(content) * BYTE_S)
        self._replace(job(content, *arguments), headers, body)
        return None

    async def _replace_later(self, content: Awaitable[bytes], headers: Headers, body: Body) -> None:
        self._replace(await content, headers, body)

    def _replace(self, content: bytes, headers: Headers, body: Body) -> None:
        body.replace(content)
        headers.remove("Content-Encoding")
        headers.replace("Content-Type", f"application/{self.form}; charset=utf-8")


def accepts(request: Request, form: str) -> bool:
    """Whether the request's Accept allows ``json`` or ``xml``; without the header everything is accepted."""
    accept = request.headers.joined("Accept")
    if accept is None:
        return True
    kinds = [kind.partition(";")[0].strip().lower() for kind in accept.split(",")]
    wildcards = {"*/*", "application/*", "text/*"}
    return any(kind in wildcards or kind.endswith((f"/{form}", f"+{form}")) for kind in kinds)
