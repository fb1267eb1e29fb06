"""
The definition of an API that has none of its own: OpenAPI with its operations, because publishers take them from there.

Source: OpenAPI 3.0.1.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Any

import yaml

from gateway.config.apis import Api, Operation, ResponseExamples

_PARAMETER = re.compile(r"\{\*?([^{}]+)\}")
_EVERY_METHOD = ("GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS", "TRACE")


def defined(api: Api) -> tuple[str, list[Operation]]:
    """OpenAPI in YAML with the operations of *api*, and those that it has no room for."""
    paths: dict[str, dict[str, Any]] = {}
    operations = api.operations or tuple(_every())
    beside = [operation for operation in operations if not _add(paths, operation)]
    info = {"title": api.name or api.id, "version": api.version.value if api.version else "1"}
    document = {"openapi": "3.0.1", "info": info, "paths": paths}
    return yaml.safe_dump(document, sort_keys=False, allow_unicode=True), beside


def _add(paths: dict[str, dict[str, Any]], operation: Operation) -> bool:
    """Add *operation* to *paths*; whether there is room: one for each method of a path."""
    path, _, query = operation.url_template.partition("?")
    method = operation.method.lower()
    if method == "*" or method in paths.get(path, ()):
        return False
    paths.setdefault(path, {})[method] = _operation(operation, path, query)
    return True


def _every() -> Iterator[Operation]:
    """What lets everything pass, as Azure has to write it."""
    return (Operation(id=method.lower(), method=method, url_template="/*") for method in _EVERY_METHOD)


def _operation(operation: Operation, path: str, query: str) -> dict[str, Any]:
    parameters = [
        {"name": name, "in": place, "required": True, "schema": {"type": "string"}}
        for place, text in (("path", path), ("query", query))
        for name in _PARAMETER.findall(text)
    ]
    written: dict[str, Any] = {"operationId": operation.id}
    if operation.name:
        written["summary"] = operation.name
    if parameters:
        written["parameters"] = parameters
    return {**written, "responses": _responses(operation.responses)}


def _responses(responses: Iterable[ResponseExamples]) -> dict[str, Any]:
    written = {str(response.status): _response(response) for response in responses}
    return written or {"200": {"description": ""}}


def _response(response: ResponseExamples) -> dict[str, Any]:
    content = {
        example.content_type: {"example": example.file.read_text("utf-8") if example.file else example.body}
        for example in response.examples
    }
    return {"description": "", **({"content": content} if content else {})}
