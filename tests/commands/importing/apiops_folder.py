"""Artifacts folders for tests: files by their path, as the extractors write them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

POLICY = "<policies><inbound><base /></inbound><backend><base /></backend><outbound><base /></outbound></policies>"
DEFINITION = """\
openapi: 3.0.1
info: {title: Orders, version: '1'}
paths:
  /orders:
    get: {operationId: list, responses: {'200': {description: ok}}}
    post: {operationId: create, responses: {'201': {description: made}}}
"""


def written(root: Path, files: Mapping[str, object]) -> Path:
    """*root* with *files*: texts as they are, everything else as JSON; mappings become ``{"properties": …}``."""
    for name, content in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if isinstance(content, Mapping):
            content = {"properties": content}
        path.write_text(content if isinstance(content, str) else json.dumps(content, indent=2), encoding="utf-8")
    return root


def an_api(**properties: object) -> dict[str, object]:
    """The properties of an API as an extractor writes them."""
    return {
        "path": "orders",
        "apiRevision": "1",
        "displayName": "Orders",
        "isCurrent": True,
        "protocols": ["https"],
        "serviceUrl": "https://orders.example.com",
        "subscriptionRequired": False,
        **properties,
    }
