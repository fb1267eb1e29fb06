"""``gateway import`` of .proto files: services and methods, kinds of streams, imports, and mistakes with places."""

from __future__ import annotations

from pathlib import Path

import pytest

from gateway.commands.importing.plan import plan
from gateway.commands.importing.sources.inputs import read_inputs
from gateway.errors import LoadError
from tests.commands.importing.instances import answer, saved

ORDERS = """syntax = "proto3";
package acme.orders.v1;
import "common/item.proto";
import "google/protobuf/empty.proto";

// Everything about orders.
service Orders {
  rpc Get (acme.common.Item) returns (google.protobuf.Empty);
  rpc Watch (acme.common.Item) returns (stream acme.common.Item);
  rpc Upload (stream acme.common.Item) returns (acme.common.Item);
  rpc Chat (stream acme.common.Item) returns (stream acme.common.Item) { option deprecated = true; }
}
"""
ITEM = """syntax = "proto3";
package acme.common;
message Item { message Nested { string id = 1; } Nested nested = 1; }
service Items { rpc List (Item.Nested) returns (Item); }
"""
BARE = 'syntax = "proto2"; message M {} service S { rpc Do (M) returns (M); }'


def save(folder: Path, **files: str) -> Path:
    """*folder* with files; ``__`` in a name is a slash."""
    for name, text in files.items():
        path = folder / f"{name.replace('__', '/')}.proto"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return folder


def test_a_file(tmp_path: Path) -> None:
    """Its services become one API, each method an operation; what it imports is read, and not made an operation."""
    folder = save(tmp_path, orders=ORDERS, common__item=ITEM)
    (api,) = plan(folder / "orders.proto", read_inputs((), ["service-url=http://127.0.0.1:50051"])).config["apis"]
    operations = api.pop("operations")
    assert api == {
        "id": "orders",
        "path": "",
        "service-url": "http://127.0.0.1:50051",
        "subscription-required": False,
        "type": "grpc",
    }
    assert [(one["id"], one["name"], one["method"], one["url-template"]) for one in operations] == [
        (
            f"acme-orders-v1-Orders-{name}",
            f"acme.orders.v1.Orders/{name}{kind}",
            "POST",
            f"/acme.orders.v1.Orders/{name}",
        )
        for name, kind in {
            "Get": "",
            "Watch": " (server streaming)",
            "Upload": " (client streaming)",
            "Chat": " (bidirectional streaming)",
        }.items()
    ]


def test_a_folder(tmp_path: Path) -> None:
    """All services of all files below it, with and without a package; a service whose place is not given needs you."""
    folder = save(tmp_path / "protos", orders=ORDERS, common__item=ITEM, bare=BARE)
    planned = plan(folder)
    (api,) = planned.config["apis"]
    templates = [operation["url-template"] for operation in api["operations"]]
    assert "/S/Do" in templates
    assert "/acme.common.Items/List" in templates
    assert len(templates) == 6
    assert ".invalid" in api["service-url"]
    assert any(finding.outcome.value == "needs you" for finding in planned.findings)


@pytest.mark.parametrize(
    ("text", "line", "column", "code", "message"),
    [
        (
            'syntax = "proto3";\nservice S { rpc Do (Lost) returns (Lost); }',
            2,
            21,
            "bad-proto",
            '"Lost" is not defined',
        ),
        ('syntax = "proto3";\nservice S {\n  rpc Do\n}', 4, 1, "bad-proto", 'Expected "("'),
        ('syntax = "proto3";\nimport "lost.proto";\nservice S {}', 1, 1, "bad-proto", "lost.proto: File not found"),
        ('syntax = "proto3";\nmessage M {}', 1, 1, "empty-definition", "no service"),
        ('syntax = "proto9";', 1, 10, "bad-proto", "proto9"),
    ],
)
def test_mistakes_have_places(tmp_path: Path, text: str, line: int, column: int, code: str, message: str) -> None:
    """What is wrong is reported as the compiler sees it, with file, line and column."""
    file = save(tmp_path, orders=text) / "orders.proto"
    with pytest.raises(LoadError) as refused:
        plan(file)
    problem = refused.value.problems[0]
    assert (problem.location.file, problem.location.line, problem.location.column) == (str(file), line, column)
    assert (problem.code, message in problem.message) == (code, True), problem


def test_an_instance_with_a_definition(tmp_path: Path) -> None:
    """An API of API Management whose definition is a .proto file has the operations of that."""
    resources = answer("apis/orders", path="", apiType="grpc", format="grpc", value=BARE, serviceUrl="https://a.test")
    (api,) = plan(saved(tmp_path, resources)).config["apis"]
    assert (api["type"], [operation["url-template"] for operation in api["operations"]]) == ("grpc", ["/S/Do"])
    broken = answer("apis/orders", path="", apiType="grpc", format="grpc", value="service S {")
    assert plan(saved(tmp_path, broken)).config["apis"] == []


def test_the_extra_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without grpcio-tools the import says what to install."""
    monkeypatch.setattr("gateway.commands.importing.sources.proto.services.find_spec", lambda _: None)
    with pytest.raises(LoadError) as refused:
        plan(save(tmp_path, orders=BARE) / "orders.proto")
    assert "[grpc]" in refused.value.problems[0].remedy
