"""schema.py: editors get a JSON Schema that agrees with the loader."""

from __future__ import annotations

import json
from typing import Any

import pytest
import yaml
from jsonschema import Draft202012Validator

from gateway.documents.schema import policy_schema
from gateway.documents.shape import Attribute, Element
from gateway.documents.yaml.format import dump, parse
from gateway.policies import POLICIES
from tests.pipeline.samples import DOCUMENT, YAML_FORMS
from tests.pipeline.vocabulary import VOCABULARY, policy_type

SCHEMA = policy_schema(VOCABULARY)
VALIDATOR = Draft202012Validator(SCHEMA)


def test_schema_is_valid() -> None:
    """The schema is valid JSON Schema."""
    Draft202012Validator.check_schema(SCHEMA)


def test_good_documents_pass() -> None:
    """Documents from the writer pass."""
    document = parse(DOCUMENT, "p.yaml", VOCABULARY)
    assert list(VALIDATOR.iter_errors(yaml.safe_load(dump(document, VOCABULARY)))) == []


@pytest.mark.parametrize("text", YAML_FORMS.values(), ids=YAML_FORMS.keys())
def test_every_form_passes(text: str) -> None:
    """Every way to write a policy passes."""
    assert list(VALIDATOR.iter_errors(yaml.safe_load(f"inbound:\n  - {text}\n"))) == []


def test_defaults_are_shown() -> None:
    """An editor shows what an absent attribute means."""
    shape = Element("a", "", (Attribute("b", "", default="c"),))
    schema = policy_schema({"a": policy_type(shape)})["$defs"]["policy-a"]
    assert schema["anyOf"][0]["properties"]["b"]["default"] == "c"


BAD: dict[str, Any] = {
    "section": {"middle": []},
    "policy": {"inbound": ["nothing"]},
    "wrong section": {"inbound": ["forward-request"]},
    "attribute": {"inbound": [{"set-header": {"name": "a", "vlaue": "b"}}]},
    "missing": {"inbound": [{"set-header": {"value": "b"}}]},
    "choice": {"inbound": [{"set-header": {"name": "a", "exists-action": "maybe"}}]},
    "kind": {"inbound": [{"set-status": {"code": "many"}}]},
    "bounds": {"inbound": [{"set-status": {"code": 99}}]},
    "no name between braces": {"inbound": [{"set-status": {"code": "{{my code}}"}}]},
    "expression": {"inbound": [{"include-fragment": {"fragment-id": "@(a)"}}]},
    "two names": {"inbound": [{"set-method": "GET", "base": None}]},
    "fragment and section": {"fragment": [], "inbound": []},
}


@pytest.mark.parametrize("document", BAD.values(), ids=BAD.keys())
def test_mistakes_are_marked(document: Any) -> None:
    """An editor marks what the loader would refuse."""
    assert not VALIDATOR.is_valid(document)


def written_out(schema: Any, definitions: dict[str, Any]) -> Any:
    """*schema* with each element where it is named, as it was before elements were shared."""
    if isinstance(schema, list):
        return [written_out(item, definitions) for item in schema]
    if not isinstance(schema, dict):
        return schema
    name = str(schema.get("$ref", "")).removeprefix("#/$defs/")
    if name.startswith("element-"):
        return written_out(definitions[name], definitions)
    return {key: written_out(value, definitions) for key, value in schema.items()}


@pytest.mark.parametrize("document", [*BAD.values(), *({"inbound": [text]} for text in ("base", "nothing"))])
def test_sharing_elements_changes_no_verdict(document: Any) -> None:
    """A schema in which every element is written out judges each document alike."""
    definitions = SCHEMA["$defs"]
    whole = {name: inner for name, inner in definitions.items() if not name.startswith("element-")}
    alone = written_out({**SCHEMA, "$defs": whole}, definitions)
    assert "element-" not in str(alone)
    assert Draft202012Validator(alone).is_valid(document) == VALIDATOR.is_valid(document)


def test_an_editor_loads_it_quickly() -> None:
    """The schema of all policies has a few hundred kilobytes: each element is defined once, and used."""
    schema = json.dumps(policy_schema(POLICIES))
    definitions = json.loads(schema)["$defs"]
    assert len(schema) < 300_000
    assert [name for name in definitions if f'"#/$defs/{name}"' not in schema] == []
