"""Examples of responses, for mock-response."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from gateway.commands.importing.mapping.draft import PlanDraft
from gateway.commands.importing.mapping.taking import Taker
from gateway.reading.yaml_nodes import Mapping, Scalar, YamlNode

_SHORT = 200  # characters that are written into the configuration
_SUFFIXES = {"json": "json", "xml": "xml"}


def examples(operation: Taker, draft: PlanDraft, api: str, id: str) -> list[dict[str, Any]]:
    """``responses`` of the operation *id*: those of its responses that have an example."""
    responses = []
    for response in operation.inners("responses"):
        status = response.number("statusCode") or 200
        written = [_written(example, draft, api, f"{id}-{status}") for example in _examples(response)]
        if written:
            responses.append({"status": status, "examples": written})
    return responses


def _examples(response: Taker) -> Iterator[tuple[str, str]]:
    """Media type and text of each example."""
    for representation in response.inners("representations"):
        media_type = representation.text("contentType", "application/json")
        nodes = (representation.node("sample"), *_named(representation))
        yield from ((media_type, node.value) for node in nodes if isinstance(node, Scalar))


def _named(representation: Taker) -> Iterator[YamlNode | None]:
    """The values of the examples that have names."""
    examples = representation.inner("examples")
    for name, node in examples.entries() if examples else ():
        if examples is not None and isinstance(node, Mapping):
            yield examples.around(node, name.value).node("value")


def _written(example: tuple[str, str], draft: PlanDraft, api: str, name: str) -> dict[str, str]:
    media_type, body = example
    if len(body) <= _SHORT:
        return {"content-type": media_type, "body": body}
    suffix = next((suffix for word, suffix in _SUFFIXES.items() if word in media_type), "txt")
    return {
        "content-type": media_type,
        "file": draft.file("examples", api, f"{name}.{suffix}", content=body.encode()),
    }
