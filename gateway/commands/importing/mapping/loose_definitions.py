"""
The operations of a definition that the gateway refuses: methods and paths, without what it says about bodies.

Source: OpenAPI 3.0.3, "Paths Object"; Swagger 2.0, "Paths Object".
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import yaml

from gateway.openapi.identifiers import operation_id, operation_name

_METHODS = ("get", "put", "post", "delete", "options", "head", "patch", "trace")
_Loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


def loose_operations(text: str) -> list[dict[str, Any]]:
    """The operations in *text*, as the configuration has them; none where it is not a definition at all."""
    operations: dict[str, dict[str, Any]] = {}
    for path, method, written in _listed(_parsed(text)):
        operation = _operation(path, method, written, operations)
        operations[operation["id"]] = operation
    return list(operations.values())


def _parsed(text: str) -> Any:
    try:
        return json.loads(text) if text.lstrip().startswith("{") else yaml.load(text, Loader=_Loader)  # noqa: S506 safe
    except (ValueError, RecursionError, yaml.YAMLError):
        return None


def _listed(root: Any) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Path, method and content of every operation."""
    for path, item in _mapping(_mapping(root).get("paths")).items():
        methods = _mapping(item) if str(path).startswith("/") else {}
        yield from ((str(path), name, _mapping(methods[name])) for name in _METHODS if name in methods)


def _mapping(value: Any) -> dict[Any, Any]:
    return value if isinstance(value, dict) else {}


def _operation(path: str, method: str, written: dict[str, Any], taken: dict[str, Any]) -> dict[str, Any]:
    named, summary = (str(written.get(key) or "") for key in ("operationId", "summary"))
    id = operation_id(named, method, path, taken)
    name = operation_name(summary, named, method.upper(), path)
    return {"id": id, "name": name, "method": method.upper(), "url-template": path}
