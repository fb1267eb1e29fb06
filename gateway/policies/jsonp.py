"""
jsonp: a JSON response wrapped into a call, for pages that load it as a script.

Source: APIM policy reference, "jsonp".
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Self

from gateway.documents.model import Section
from gateway.documents.shape import ID, Attribute, Element
from gateway.errors import PolicyError
from gateway.pipeline.policy import PolicyType
from gateway.policies.parts import query
from gateway.policies.parts.body_text import decoded, is_json, media_type, message

if TYPE_CHECKING:
    from gateway.pipeline.context import Context
    from gateway.pipeline.settings import Settings
    from gateway.pipeline.step import Value

_IDENTIFIER = re.compile(r"[A-Za-z_$][\w$]{0,63}(\.[A-Za-z_$][\w$]{0,63}){0,8}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Jsonp(PolicyType):
    """One compiled jsonp; without the callback parameter nothing happens."""

    shape: ClassVar[Element] = Element(
        "jsonp",
        "Wraps a JSON response in a call of the function that a query parameter names.",
        attributes=(ID, Attribute("callback-parameter-name", "The query parameter.", required=True)),
    )
    sections: ClassVar[frozenset[Section]] = frozenset({Section.OUTBOUND})

    parameter: Value[str]
    max_bytes: int

    @classmethod
    def compile(cls, settings: Settings) -> Self:
        """From ``<jsonp>``."""
        settings.reads_body()
        return cls(settings.text("callback-parameter-name"), settings.services.max_body_bytes)

    def apply(self, context: Context) -> None:
        """Wraps the body. Raises PolicyError: CallbackParameterInvalid."""
        name = self.parameter(context)
        callbacks = query.values(context.request.original_query, name)
        headers, body = message(context, on_request=False)
        if not callbacks or body is None or not is_json(media_type(headers)):
            return
        if len(callbacks) > 1 or not _IDENTIFIER.fullmatch(callbacks[0]):
            text = f"Value of callback parameter {name} is not a valid JavaScript identifier."
            raise PolicyError(400, "CallbackParameterInvalid", text, expected="the name of a function")
        # The comment keeps the answer from being taken for another kind of file by its first bytes.
        script = b"/**/" + callbacks[0].encode() + b"(" + decoded(body, headers, self.max_bytes) + b");"
        body.replace(script)
        headers.remove("Content-Encoding")
        headers.replace("Content-Type", "application/javascript; charset=utf-8")
        headers.replace("X-Content-Type-Options", "nosniff")
