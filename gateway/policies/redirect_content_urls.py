"""
redirect-content-urls: links to the backend become links to the gateway, in bodies.

Source: APIM policy reference, "redirect-content-urls".
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Self

from gateway.documents.model import Section
from gateway.documents.shape import ID, Element
from gateway.pipeline.policy import PolicyType
from gateway.policies.parts.body_text import ChangeLimits, message, replace_all

if TYPE_CHECKING:
    from gateway.pipeline.context import Context
    from gateway.pipeline.settings import Settings


@dataclass(frozen=True, slots=True)
class RedirectContentUrls(PolicyType):
    """One compiled redirect-content-urls; bodies only, never headers."""

    shape: ClassVar[Element] = Element(
        "redirect-content-urls",
        "Rewrites the backend's URL in response bodies to the gateway's, and back in request bodies.",
        attributes=(ID,),
    )
    sections: ClassVar[frozenset[Section]] = frozenset({Section.INBOUND, Section.OUTBOUND})

    on_request: bool
    max_bytes: int

    @classmethod
    def compile(cls, settings: Settings) -> Self:
        """From ``<redirect-content-urls>``."""
        settings.reads_body()
        return cls(settings.on_request, settings.services.max_body_bytes)

    def apply(self, context: Context) -> None:
        """Rewrites the body. Raises BodyTooLarge, WorkExceeded."""
        target = context.request.target
        if target is None:
            return
        own = context.request.original_url
        gateway = f"{own.scheme}://{own.authority}/{context.api.path.strip('/')}".rstrip("/")
        backend = f"{target.url.scheme}://{target.url.authority}{target.url.path}".rstrip("/")
        old, new = (gateway, backend) if self.on_request else (backend, gateway)
        headers, body = message(context, self.on_request)
        replace_all(body, headers, old.encode(), new.encode(), ChangeLimits(self.max_bytes, context.work))
