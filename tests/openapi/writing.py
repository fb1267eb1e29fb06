"""Definitions in files, as short as the tests need them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from gateway.openapi import OperationDefinition, Schema, read_definition

HEAD = "openapi: 3.0.3\ninfo: {title: t, version: '1'}\n"


def read(directory: Path, text: str, name: str = "api.yaml", **more: Any) -> tuple[OperationDefinition, ...]:
    """The operations of the definition *text*. Raises LoadError."""
    (directory / name).write_text(text)
    return read_definition(directory / name, **more)


def one(directory: Path, operation: str, path: str = "/a", method: str = "post") -> OperationDefinition:
    """The one operation that the flow mapping *operation* describes."""
    return read(directory, f"{HEAD}paths: {{'{path}': {{{method}: {operation}}}}}")[0]


def schema(directory: Path, written: object, version: str = "3.1.0", **others: object) -> Schema:
    """The schema *written*, as the body of an operation; it may refer to *others*."""
    return linked(directory, written, others, version)


def linked(directory: Path, written: object, components: Mapping[str, object], version: str = "3.1.0") -> Schema:
    """The same with any number of others."""
    operation = {"requestBody": {"content": {"application/json": {"schema": written}}}, "responses": {}}
    definition = {"openapi": version, "paths": {"/a": {"post": operation}}, "components": {"schemas": components}}
    (found,) = read(directory, json.dumps(definition), "api.json")
    assert found.body is not None
    media = found.body.find("application/json")
    assert media is not None
    assert media.schema is not None
    return media.schema
