"""Completion in YAML: policy documents, configurations and policy tests, by the schema of each."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import cache

from gateway.commands.lsp.code_completion import code_offers
from gateway.commands.lsp.offers import Offer, Offers
from gateway.commands.lsp.project import CONFIG_KINDS, KINDS, Project
from gateway.commands.lsp.references import entry_offers, named_value_offers
from gateway.commands.lsp.schema_walk import Schema, SchemaFact, SchemaWalk
from gateway.commands.lsp.variables import set_before
from gateway.commands.lsp.yaml_cursor import ITEM, YamlPlace, place_in, unquoted
from gateway.expressions.scan import Unbalanced, scan_expression


@cache
def schema_of(kind: str) -> SchemaWalk:
    """The schema of a kind of text: config, test or yaml."""
    return SchemaWalk(_SCHEMAS[kind]())


def _config() -> Schema:
    from gateway.config import json_schema

    return json_schema()


def _test() -> Schema:
    from gateway.commands.policy_tests.model import json_schema

    return json_schema()


def _policy() -> Schema:
    from gateway.documents.schema import policy_schema
    from gateway.policies import POLICIES

    return policy_schema(POLICIES)


_SCHEMAS = {"config": _config, "test": _test, "yaml": _policy}


def yaml_offers(text: str, offset: int, kind: str, project: Project | None) -> Offers | None:
    """What may be written at *offset* of a text of this *kind*; None where nothing is known."""
    place = place_in(text, offset)
    code = code_before(place)
    if code is not None:
        begin = offset - len(place.written)
        return code_offers(code, offset, set_before(text, begin, is_yaml=True)) or named_value_offers(
            text, offset, project
        )
    if place.kind != "key" and (named := named_value_offers(text, offset, project)):
        return named
    if place.kind in ("block", "nothing"):
        return None
    written = place.written.lstrip("\"'")
    offers = list(_offers(place, kind, project))
    return Offers(offset - len(written), offset, offers) if offers else None


def code_before(place: YamlPlace) -> str | None:
    """The expression that the cursor is in, up to it; None outside of expressions."""
    value = place.written if place.kind == "block" else unquoted(place.written)
    code = value.lstrip()
    if not code.startswith(("@(", "@{")):
        return None
    try:
        scan_expression(code, 0)
    except Unbalanced:
        return code
    return None


def _offers(place: YamlPlace, kind: str, project: Project | None) -> Iterator[Offer]:
    walk = schema_of(kind)
    schemas = walk.at(place.path)
    keys = [] if place.kind == "value" else [fact for fact in walk.keys(schemas) if fact.name not in place.siblings]
    yield from _keys(keys)
    if place.kind != "key":
        taken = {fact.name for fact in keys}
        yield from _values(fact for fact in walk.values(schemas) if fact.name not in taken)
        yield from entry_offers(project, _kind_of_entry(place.path, kind))


def _keys(described: Iterable[SchemaFact]) -> Iterator[Offer]:
    for fact in described:
        detail = "required" if fact.required else fact.description.partition("\n")[0]
        yield Offer(fact.name, "key", detail, fact.description, insert=f"{fact.name}: ", required=fact.required)


def _values(described: Iterable[SchemaFact]) -> Iterator[Offer]:
    for fact in described:
        yield Offer(fact.name, "value", fact.description.partition("\n")[0], fact.description)


def _kind_of_entry(path: tuple[str, ...], kind: str) -> str | None:
    """The mapping of the configuration that has what a value at *path* names."""
    keys = [step for step in path if step != ITEM]
    kinds = KINDS if kind == "yaml" else CONFIG_KINDS
    return kinds.get(keys[-1]) if keys else None
