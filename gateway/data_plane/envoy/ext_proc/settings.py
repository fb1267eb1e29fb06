"""Settings of the external processor."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import GetJsonSchemaHandler, model_validator
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema

from gateway.reading.settings import Block
from gateway.reading.values import Count, Duration, TextForm

FieldName = Annotated[
    str, TextForm(r"^[a-z][a-z0-9-]{0,63}$", "the name of a header field in lower case", "write x-gateway-backend")
]


class ExtProcSettings(Block):
    """
    The whole pipeline as Envoy's external processor: `true`, `false`, or this mapping.

    What cannot run there is refused at load, in every document.
    """

    enabled: bool = True
    """Whether Envoy may send whole requests."""
    backend_header: FieldName = "x-gateway-backend"
    """Field in which the gateway names the cluster: the backend's id, or scheme and authority of a URL without one. \
Envoy's configuration must remove a client's own."""
    body_memory: Count = 256 * 1024 * 1024
    """Bytes of bodies that one worker holds at a time for all requests together; one more body gets 503."""
    longest: Duration = 3600.0
    """How long one request may take, with its answer's body; WebSockets and streams of events are among them."""

    @model_validator(mode="before")
    @classmethod
    def _switched(cls, value: Any) -> Any:
        return value if isinstance(value, dict) else {"enabled": value}

    @classmethod
    def __get_pydantic_json_schema__(cls, schema: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        written = handler.resolve_ref_schema(handler(schema))
        return {"description": written.pop("description", ""), "anyOf": [{"type": "boolean"}, written]}
