"""What the management API answers, and what the command line gives to a source."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from gateway.commands.importing.json_nodes import json_text, nodes_of
from gateway.commands.importing.resources import Unresolved
from gateway.commands.importing.sources import management
from gateway.commands.importing.sources.inputs import NO_INPUTS, read_inputs
from gateway.errors import LoadError
from gateway.reading.yaml_nodes import Mapping, Scalar
from tests.commands.importing.instances import SERVICE, answer, api, policy


def put(folder: Path, name: str, content: object) -> Path:
    """A JSON file below *folder*."""
    file = folder / name
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps(content), encoding="utf-8")
    return file


def test_answers_come_in_any_order(tmp_path: Path) -> None:
    """Resources alone, pages and plain lists are one instance; a longer answer replaces a shorter one."""
    put(tmp_path, "z/apis.json", {"value": api()[:1], "count": 1})
    put(tmp_path, "a.json", policy("apis/orders/operations/read"))
    put(tmp_path, "operations.json", api()[1:])
    put(tmp_path, "service.json", {"id": SERVICE, "name": "demo", "properties": {}})
    put(tmp_path, "workspace.json", answer("workspaces/team/apis/a"))
    put(
        tmp_path,
        "one.json",
        answer("apis/orders", path="longer", displayName="a", description="b", protocols=[], x=1, y=2),
    )
    assert management.recognises(tmp_path)
    harvest = management.read(tmp_path, NO_INPUTS)
    names = {(resource.kind, resource.name, resource.workspace) for resource in harvest.resources}
    assert names == {
        ("", (), ""),
        ("apis", ("orders",), ""),
        ("apis/operations", ("orders", "read"), ""),
        ("apis/operations/policies", ("orders", "read", "policy"), ""),
        ("apis", ("a",), "team"),
    }
    (own,) = (resource for resource in harvest.resources if resource.name == ("orders",))
    assert own.properties.find("path") == Scalar("longer", own.properties.find("path").location)  # type: ignore[union-attr]


def test_an_export_belongs_to_its_api(tmp_path: Path) -> None:
    """The answer to ?export=true is the definition of the API."""
    put(tmp_path, "api.json", api()[0])
    put(
        tmp_path,
        "export.json",
        {"id": f"{SERVICE}/apis/orders", "format": "openapi+json", "value": {"openapi": "3.0.1"}},
    )
    (own,) = management.read(tmp_path, NO_INPUTS).resources
    assert isinstance(own.properties.find("value"), Mapping)


def test_what_cannot_be_read_is_reported(tmp_path: Path) -> None:
    """Lists that continue elsewhere and JSON that is no resource are findings."""
    put(tmp_path, "a.json", {"value": api(), "nextLink": "https://management.azure.com/x?$skip=100"})
    put(tmp_path, "b.json", [{"hello": 1}])
    messages = [finding.message for finding in management.read(tmp_path, NO_INPUTS).findings]
    assert [message.split(":")[0] for message in messages] == [
        "this is not a resource of an API Management service",
        "the list continues at https",
    ]


@pytest.mark.parametrize(
    "content", ["[]", "{}", '{"value": []}', '{"id": "/subscriptions/s/providers/Microsoft.Web/x"}']
)
def test_other_json_is_not_an_instance(tmp_path: Path, content: str) -> None:
    """A folder of JSON without an id of an API Management service is something else."""
    (tmp_path / "a.json").write_text(content)
    assert not management.recognises(tmp_path)


JSON = [
    (rb'{"a": "\ud83d\ude00"}', "\U0001f600"),
    (rb'{"a": "\\ud83d\\ude00"}', r"\ud83d\ude00"),
    (rb'{"a": "x\/y"}', "x/y"),
    ('{"a": "é"}'.encode("utf-16"), "é"),
    ('\ufeff{"a": "é"}'.encode(), "é"),
]


@pytest.mark.parametrize(("content", "value"), JSON)
def test_json_is_read_as_json(content: bytes, value: str) -> None:
    """Escapes of UTF-16, slashes and byte order marks are what they are in JSON."""
    node = nodes_of(content, "a.json")
    assert isinstance(node, Mapping)
    assert node.entries[0][1].value == value  # type: ignore[union-attr]


def test_json_is_written_as_it_was() -> None:
    """Numbers, truth values, null and texts that look like them stay what they were."""
    data = {"a": [1, 1.5, True, None, "1", "true", "null", ""], "b": {"c": "x"}}
    assert json.loads(json_text(nodes_of(json.dumps(data).encode(), "a.json"))) == data


def test_parameters(tmp_path: Path) -> None:
    """Parameter files are ARM's or plain ones; later files win, --set wins over all, names have no case."""
    vault = {"reference": {"keyVault": {"id": "x"}, "secretName": "y"}}
    first = put(tmp_path, "a.json", {"parameters": {"host": {"value": "a"}, "env": {"value": "dev"}, "key": vault}})
    second = tmp_path / "b.yaml"
    second.write_text("env: test\nname: plain\n")
    third = tmp_path / "c.tfvars"
    third.write_text("x = 1\n")
    inputs = read_inputs([first, second, third], ["name=set=1"])
    values = {name: inputs.find(name.upper()) for name in ("host", "env", "name", "key", "lost")}
    assert {name: node.value for name, node in values.items() if isinstance(node, Scalar)} == {
        "host": "a", "env": "test", "name": "set=1", "key": "{key}",
    }  # fmt: skip
    key = values["key"]
    assert isinstance(key, Unresolved)
    assert key.secret
    assert values["lost"] is None
    assert inputs.files == (first, second, third)
    assert list(inputs.given) == ["name"]


def test_a_parameter_file_that_is_not_there(tmp_path: Path) -> None:
    """A misspelt --parameters is an error, whatever its form."""
    for name in ("lost.json", "lost.tfvars"):
        with pytest.raises(LoadError, match="unreadable-file"):
            read_inputs([tmp_path / name])
