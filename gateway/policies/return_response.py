"""
return-response: answer immediately; nothing after it runs.

Source: APIM policy reference, "return-response".
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Self

from gateway.documents.shape import ID, Attribute, Child, Element
from gateway.errors import ExpressionError
from gateway.pipeline.policy import ANYWHERE, PolicyType
from gateway.policies.set_body import SetBody
from gateway.policies.set_header import SetHeader
from gateway.policies.set_status import SetStatus
from gateway.wire.body import Body
from gateway.wire.messages import Response

if TYPE_CHECKING:
    from gateway.documents.model import Section
    from gateway.pipeline.context import Context
    from gateway.pipeline.settings import Settings


@dataclass(frozen=True, slots=True)
class ReturnResponse(PolicyType):
    """One compiled return-response; *source* names the variable with the response to start from."""

    shape: ClassVar[Element] = Element(
        "return-response",
        "Answers immediately: no backend, no outbound, no on-error. Without children, the answer is an empty 200.",
        attributes=(
            ID,
            Attribute(
                "response-variable-name",
                "Variable with a response (of send-request) to start from.",
                expression=False,
            ),
        ),
        children=(Child(SetStatus.shape), Child(SetHeader.shape, maximum=None), Child(SetBody.shape)),
    )
    sections: ClassVar[frozenset[Section]] = ANYWHERE
    changes: ClassVar[None] = None

    source: str | None
    status: SetStatus | None
    headers: tuple[SetHeader, ...]
    body: SetBody | None

    @classmethod
    def compile(cls, settings: Settings) -> Self:
        """From ``<return-response>``. APIM's page rules a liquid body out; its own samples have one, and it runs."""
        status, body = settings.child("set-status"), settings.child("set-body")
        return cls(
            source=settings.maybe(settings.constant, "response-variable-name"),
            status=SetStatus.compile(status) if status else None,
            headers=tuple(SetHeader.compile(header) for header in settings.all("set-header")),
            body=SetBody.compile(body) if body else None,
        )

    def apply(self, context: Context) -> Response:
        """The answer. Raises ExpressionError: the variable holds no response."""
        response = self._start(context)
        if self.status:
            self.status.change(response, context)
        for header in self.headers:
            header.change(response.headers, context)
        if self.body:
            response.body = self.body.change(response.body, response.headers, context)
        return response

    def _start(self, context: Context) -> Response:
        if self.source is None:
            return Response(200)
        stored = context.variables.get(self.source)
        if not isinstance(stored, Response):
            message = f"The variable {self.source} holds no response."
            raise ExpressionError("InvalidOperationException", message)
        return Response(stored.status_code, stored.headers.copy(), Body(stored.body.read(preserve=True)), stored.reason)
