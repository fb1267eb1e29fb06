"""
Schemas of the configuration. Those that no policy uses are checked, too, so that the first policy that does finds them
usable. Those that policies use are checked with their policy, which knows what they have to be.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from gateway.config import Config
from gateway.documents.model import PolicyDocument
from gateway.errors import LoadError, Problem


def load_schemas(config: Config) -> dict[str, bytes]:
    """The text of every schema. Raises LoadError."""
    texts: dict[str, bytes] = {}
    for name, file in config.schemas.items():
        try:
            texts[name] = file.read_bytes()
        except OSError as error:
            where, reason = config.location("schemas", name), f"{file}: {error.strerror}"
            raise LoadError.at(where, "unreadable-file", reason, "check path and permissions") from None
    return texts


def unused_schema_problems(config: Config, documents: Iterable[PolicyDocument]) -> Iterator[Problem]:
    """What is wrong with schemas that none of *documents* names."""
    used = {name for document in documents for name in _schema_ids(document)}
    unused = {name: file for name, file in config.schemas.items() if name not in used}
    if not unused:
        return
    from gateway.policies.parts.content_forms import schema_mistake  # it loads lxml and jsonschema

    for name, file in unused.items():
        if mistake := schema_mistake(file.read_bytes()):
            message = f"the schema {name!r} cannot be used: {mistake}"
            yield Problem(config.location("schemas", name), "bad-schema", message, f"correct {file.name}, or remove it")


def _schema_ids(document: PolicyDocument) -> Iterator[str | None]:
    roots = [*document.sections.values(), *([document.fragment] if document.fragment else [])]
    for root in roots:
        yield from (node.attribute("schema-id") for node in root.walk())
