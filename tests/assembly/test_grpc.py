"""APIs of type grpc at load: what their policies may not do, and whether a client can reach them."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from gateway.assembly.app import Gateway, build
from gateway.config import parse
from gateway.errors import LoadError

_READING = "@(context.{}.Body.As&lt;string&gt;().Length > 1)"


def _gateway(folder: Path, api: str = "type: grpc", more: str = "", **documents: str) -> Gateway:
    for name, text in documents.items():
        (folder / f"{name}.xml").write_text(text)
    named = "".join(f", {name}: {name}.xml" for name in documents if name == "policy")
    text = f"apis: [{{id: orders, {api}, service-url: 'http://127.0.0.1:1'{named}}}]\n{more}"
    return build(parse(text, "config.yaml", folder, os.environ))


def _document(inbound: str = "", backend: str = "<base/>", outbound: str = "", on_error: str = "") -> str:
    return (
        f"<policies><inbound><base/>{inbound}</inbound><backend>{backend}</backend>"
        f"<outbound><base/>{outbound}</outbound><on-error>{on_error}</on-error></policies>"
    )


_CONDITION = '<choose><when condition="{}"><set-variable name="a" value="b"/></when></choose>'
REFUSED = {
    "set-body": _document("<set-body>x</set-body>"),
    "find-and-replace": _document(outbound='<find-and-replace from="a" to="b"/>'),
    "choose": _document(_CONDITION.format(_READING.format("Request"))),
    "set-variable": _document(outbound=f'<set-variable name="a" value="{_READING.format("Response")}"/>'),
    "forward-request": _document(backend='<forward-request buffer-request-body="true"/>'),
    "cache-store": _document(outbound='<cache-store duration="10"/>'),
    "json-to-xml": _document(outbound='<json-to-xml apply="always"/>'),
    "nested set-body": _document('<choose><when condition="@(true)"><set-body>x</set-body></when></choose>'),
}


@pytest.mark.parametrize("element", REFUSED)
def test_work_on_bodies_is_refused(tmp_path: Path, element: str) -> None:
    """A policy that reads or replaces bodies is named with its place; for other APIs the same document loads."""
    with pytest.raises(LoadError) as refused:
        _gateway(tmp_path, policy=REFUSED[element])
    problem = refused.value.problems[0]
    assert (problem.code, problem.location.file) == ("grpc-body", str(tmp_path / "policy.xml"))
    assert problem.message.startswith(element.removeprefix("nested "))
    assert _gateway(tmp_path, "type: http", policy=REFUSED[element])


def test_work_on_bodies_that_is_inherited(tmp_path: Path) -> None:
    """A global policy applies to the calls too."""
    with pytest.raises(LoadError) as refused:
        _gateway(tmp_path, more="global-policy: everywhere.xml", everywhere=REFUSED["find-and-replace"])
    assert refused.value.problems[0].location.file == str(tmp_path / "everywhere.xml")


@pytest.mark.parametrize(
    "document",
    [
        _document("<return-response><set-body>closed</set-body></return-response>"),
        _document(on_error='<set-body>{"message": "no"}</set-body>'),
        _document('<set-header name="x" exists-action="override"><value>1</value></set-header>'),
    ],
)
def test_answers_of_its_own_are_allowed(tmp_path: Path, document: str) -> None:
    """Bodies of answers that the gateway makes are not those of calls."""
    assert _gateway(tmp_path, policy=document)


@pytest.mark.parametrize(
    ("api", "more", "noted"),
    [
        ("type: grpc", "", True),
        ("type: grpc", "http2: {clear-text: true}", False),
        ("type: grpc, grpc: {web: true}", "", False),
        ("type: http", "", False),
    ],
)
def test_an_api_that_no_client_can_reach(tmp_path: Path, api: str, more: str, noted: bool) -> None:
    """Without HTTP/2 a client of gRPC gets nowhere; the note names the setting."""
    notes = [note for note in _gateway(tmp_path, api, more).notes if note.code == "no-http2"]
    assert bool(notes) is noted
    assert all("clear-text" in note.remedy for note in notes)
