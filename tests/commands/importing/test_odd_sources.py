"""Whatever a folder holds, each form reads it or refuses it with a place: never a traceback, never without end."""

from __future__ import annotations

import json
import os
import random
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest

from gateway.commands.importing.sources import proto
from gateway.commands.importing.sources.forms import FORMS, SourceForm, recognise
from gateway.commands.importing.sources.inputs import Inputs
from gateway.errors import LoadError
from tests.speed import on_this_machine

# A file of each form, by the name that makes the form look at it.
_API = "Microsoft.ApiManagement/service/apis"
_ANSWER = {
    "id": "/subscriptions/0/resourceGroups/g/providers/Microsoft.ApiManagement/service/s/apis/a",
    "name": "a",
    "properties": {"path": "a", "protocols": ["https"]},
}
_TEMPLATE = {
    "$schema": "https://schema.management.azure.com/schemas/2019-04-01/deploymentTemplate.json#",
    "contentVersion": "1.0.0.0",
    "parameters": {"p": {"type": "string", "defaultValue": "x"}},
    "resources": [
        {
            "type": _API,
            "apiVersion": "2022-08-01",
            "name": "[concat('s/', parameters('p'))]",
            "properties": {"path": "a", "protocols": ["https"]},
        }
    ],
}
_BICEP = f"""param p string = 'x'
resource api '{_API}@2022-08-01' = {{
  name: 's/${{p}}'
  properties: {{
    path: 'a'
    protocols: [
      'https'
    ]
  }}
}}
"""
_OPENAPI = "openapi: 3.0.0\ninfo: {title: a, version: '1'}\npaths: {/: {get: {responses: {}}}}\n"
SAMPLES = {
    "main.tf": b'resource "azurerm_api_management_api" "x" {\n  name = "a"\n  path = "p"\n}\n',
    "main.tf.json": b'{"resource": {"azurerm_api_management_api": {"x": {"name": "a", "path": "p"}}}}',
    "api.json": json.dumps({"value": [_ANSWER]}).encode(),
    "template.json": json.dumps(_TEMPLATE).encode(),
    "main.bicep": _BICEP.encode(),
    "apis/a/apiInformation.json": b'{"properties": {"path": "a", "protocols": ["https"]}}',
    "apis/a/policy.xml": b"<policies><inbound><base /></inbound></policies>",
    "apis/a/specification.yaml": _OPENAPI.encode(),
    "namedValues/n/namedValueInformation.json": b'{"properties": {"displayName": "n", "value": "v"}}',
    "orders.proto": b'syntax = "proto3"; message M {} service Orders { rpc Get (M) returns (M); }',
    "policy.xml": b"<policies><inbound /></policies>",
}
NESTED = b"[" * 5_000 + b"]" * 5_000
HUGE = 1 << 30


def _changed(change: Callable[[bytes], bytes]) -> Callable[[Path], None]:
    def write(folder: Path) -> None:
        for name, content in SAMPLES.items():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_bytes(change(content))

    return write


def _special(make: Callable[[Path], object]) -> Callable[[Path], None]:
    """Beside whole files, each name of a file once more as something that is not a regular file."""

    def write(folder: Path) -> None:
        _changed(lambda content: content)(folder)
        for name in SAMPLES:
            path = folder / name
            make(path.with_name(f"b{path.name}"))

    return write


def _only_special(make: Callable[[Path], object]) -> Callable[[Path], None]:
    def write(folder: Path) -> None:
        for name in SAMPLES:
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            make(folder / name)

    return write


def _huge(path: Path) -> None:
    path.write_bytes(SAMPLES["main.tf"])
    os.truncate(path, HUGE)


FOLDERS: dict[str, Callable[[Path], None]] = {
    "whole": _changed(lambda content: content),
    "nothing": lambda folder: None,
    "empty files": _changed(lambda content: b""),
    "byte order mark": _changed(lambda content: b"\xef\xbb\xbf" + content),
    "UTF-16": _changed(lambda content: content.decode().encode("utf-16")),
    "Latin-1": _changed(lambda content: content.replace(b"a", b"\xe4")),
    "zeros": _changed(lambda content: b"\0" * 100),
    "half": _changed(lambda content: content[: len(content) // 2]),
    "nested": _changed(lambda content: NESTED),
    "nested inside": _changed(lambda content: content.replace(b'"a"', b'"a", "b": ' + NESTED, 1)),
    "carriage returns": _changed(lambda content: content.replace(b"\n", b"\r")),
    "null": _changed(lambda content: b"null"),
    "list": _changed(lambda content: b"[1, null, {}]"),
    "pipes beside": _special(os.mkfifo),
    "folders beside": _special(lambda path: path.mkdir()),
    "circles beside": _special(lambda path: path.symlink_to(path)),
    "links to folders beside": _special(lambda path: path.symlink_to(path.parent)),
    "huge files beside": _special(_huge),
    "only pipes": _only_special(os.mkfifo),
    "only folders": _only_special(lambda path: path.mkdir()),
    "only circles": _only_special(lambda path: path.symlink_to(path)),
    "only huge files": _only_special(_huge),
}


def _read(form: SourceForm, folder: Path) -> None:
    with suppress(LoadError):
        form.read(folder, Inputs())


def _try_all(folder: Path) -> None:
    """Raises whatever is not a refusal with places."""
    with suppress(LoadError):
        recognise(folder)
    for form in FORMS:
        form.recognises(folder)
        _read(form, folder)


@pytest.mark.parametrize("name", FOLDERS)
def test_odd_folders(tmp_path: Path, name: str) -> None:
    """Every form reads every odd folder, or refuses it."""
    FOLDERS[name](tmp_path)
    started = time.process_time()
    _try_all(tmp_path)
    assert time.process_time() - started < on_this_machine(5)


@pytest.mark.parametrize("name", SAMPLES)
def test_odd_files(tmp_path: Path, name: str) -> None:
    """Each form reads a single file with pieces removed, doubled and replaced, or refuses it."""
    dice = random.Random(name)
    path = tmp_path / name
    path.parent.mkdir(parents=True, exist_ok=True)
    for turn in range(15):
        content = SAMPLES[name]
        for _ in range(dice.randint(1, 4)):
            place, length = dice.randrange(len(content)), dice.randint(0, 20)
            piece = dice.choice([b"", b"{", b"]", b'"', b"\0", b"\xff", b"${", b"[", b"'", b"<", content[:place]])
            content = content[:place] + piece + content[place + length :]
        path.write_bytes(content)
        _try_all(tmp_path)
        for form in FORMS:
            form.recognises(path)
            if turn == 0 or path.suffix == ".proto" or form.read is not proto.read:  # protoc is a process each time
                _read(form, path)
