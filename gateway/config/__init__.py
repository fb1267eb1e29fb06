"""``config.yaml``: typed, frozen, every mistake reported at once with file, line, column and remedy."""

from __future__ import annotations

from typing import Any

from gateway.config.loading import load, parse
from gateway.config.model import Config

__all__ = ["Config", "json_schema", "load", "parse"]


def json_schema() -> dict[str, Any]:
    """JSON Schema of the file, for editors: ``gateway schema config``."""
    schema = Config.model_json_schema(by_alias=True)
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema, "title": "gateway configuration"}
