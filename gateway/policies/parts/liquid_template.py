"""
Liquid templates of set-body and the Dapr policies.

Source: APIM policy reference, "set-body", "Using Liquid templates".
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from gateway.documents.model import Text
from gateway.errors import ExpressionError, LoadError, Location
from gateway.expressions.limits import forget
from gateway.liquid.errors import LiquidSyntaxError
from gateway.liquid.template import LiquidTemplate, read_template
from gateway.policies.parts.liquid_body import BodyReader
from gateway.policies.parts.liquid_context import liquid_context
from gateway.policies.parts.safe_xml import XmlError

if TYPE_CHECKING:
    from gateway.pipeline.context import Context
    from gateway.pipeline.settings import Settings
    from gateway.wire.body import Body
    from gateway.wire.headers import Headers


@dataclass(frozen=True, slots=True)
class BodyTemplate:
    """One template, and how the body is read that it sees."""

    template: LiquidTemplate
    reader: BodyReader

    def __call__(self, headers: Headers, body: Body | None, context: Context) -> str:
        """
        The text.

        Raises:
            ExpressionError: The body is not what its type says, or the template takes too much.
            WorkExceeded: The request has used up its budget.
        """
        forget()
        try:
            given = {"body": self.reader.read(headers, body, context.work)}
        except (XmlError, ValueError, RecursionError) as error:
            raise ExpressionError("LiquidException", f"the template failed: {str(error)[:200]}") from None
        if self.template.uses_context:
            given["context"] = liquid_context(context)
        return self.template.render(given, context)


def template_of(settings: Settings, nil_is_null: bool = False, parse_dates: bool = True) -> BodyTemplate:
    """The template that the element's text is; the body that it reads will be in memory. Raises LoadError."""
    settings.reads_body()
    written = settings.node.text or Text("", settings.location)
    try:
        template = read_template(written.value)
    except LiquidSyntaxError as error:
        place = _line_of(written.location, error.line)
        raise LoadError.at(place, "bad-template", f"the template is not Liquid: {error}", "mend it there") from None
    return BodyTemplate(template, BodyReader(nil_is_null, parse_dates, settings.services.max_body_bytes))


def _line_of(start: Location, line: int) -> Location:
    """A line of the template as a place in the document."""
    return Location(start.file, start.line + line - 1) if line > 1 else start
