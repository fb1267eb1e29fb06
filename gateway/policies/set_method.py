"""
set-method: change the method of the request to the backend.

Source: APIM policy reference, "set-method"; RFC 9110 §9.1: methods are case-sensitive tokens.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Self

from gateway.documents.model import Section
from gateway.documents.shape import Content, Element
from gateway.errors import ExpressionError
from gateway.pipeline.changes import URL, Change
from gateway.pipeline.policy import PolicyType
from gateway.pipeline.values import Constant

if TYPE_CHECKING:
    from gateway.pipeline.context import Context
    from gateway.pipeline.settings import Settings
    from gateway.pipeline.step import Value

_TOKEN = re.compile(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+")

# CONNECT asks for a tunnel and TRACE echoes credentials: neither is a request that a gateway may make.
_REFUSED = frozenset({"CONNECT", "TRACE"})


@dataclass(frozen=True, slots=True)
class SetMethod(PolicyType):
    """One compiled set-method."""

    shape: ClassVar[Element] = Element(
        "set-method",
        "Changes the method of the request to the backend; the operation has already been matched.",
        content=Content.TEXT,
        required=True,
    )
    sections: ClassVar[frozenset[Section]] = frozenset({Section.INBOUND, Section.ON_ERROR})
    changes: ClassVar[Change] = URL

    method: Value[str]

    @classmethod
    def compile(cls, settings: Settings) -> Self:
        """From ``<set-method>``. Raises LoadError: no method."""
        method = settings.content()
        if isinstance(method, Constant) and not is_method(method.value):
            raise settings.error(
                "bad-value", f"{method.value!r} is not a method that can be sent", "write GET, POST, …"
            )
        return cls(method)

    def apply(self, context: Context) -> None:
        """Changes ``context.Request.Method``. Raises ExpressionError: no method."""
        context.request.method = self.evaluate(context)

    def evaluate(self, context: Context) -> str:
        """The method; send-request uses it for its own request."""
        method = self.method(context).strip()
        if not is_method(method):
            raise ExpressionError("FormatException", f"{method[:40]!r} is not a method that can be sent")
        return method


def is_method(text: str) -> bool:
    """Whether *text* is a method that this gateway sends."""
    return bool(_TOKEN.fullmatch(text)) and text.upper() not in _REFUSED
