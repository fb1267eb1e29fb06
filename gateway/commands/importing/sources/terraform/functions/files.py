"""
Functions of files and paths. Nothing outside of the source's repository is read.

Source: Terraform's documentation, "Filesystem Functions".
"""

from __future__ import annotations

import base64
import hashlib
import os
import posixpath
from collections.abc import Callable

from gateway.commands.importing.sources.terraform.functions.calls import FunctionCall, TerraformFunction
from gateway.commands.importing.sources.terraform.values import text_node
from gateway.reading.yaml_nodes import YamlNode


def _file(call: FunctionCall) -> YamlNode:
    content = call.folder.text(call.text(0), call.location)
    call.bounds.made(call.location, content.value)
    return content


def _fileset(call: FunctionCall) -> YamlNode:
    names = call.folder.matching(call.text(0), call.text(1), call.location)
    return call.listed([text_node(name, call.location) for name in names])


def _hash(name: str, encode: Callable[[bytes], str]) -> TerraformFunction:
    def hashed(call: FunctionCall) -> YamlNode:
        content = call.folder.content(call.text(0), call.location)
        return call.made(encode(hashlib.new(name, content, usedforsecurity=False).digest()))

    return hashed


def _base64(content: bytes) -> str:
    return base64.b64encode(content).decode()


def _absolute(call: FunctionCall) -> YamlNode:
    return call.made(os.path.abspath(call.folder.root / call.text(0)))


FUNCTIONS: dict[str, TerraformFunction] = {
    "abspath": _absolute,
    "basename": lambda call: call.made(posixpath.basename(call.text(0).rstrip("/"))),
    "dirname": lambda call: call.made(posixpath.dirname(call.text(0)) or "."),
    "file": _file,
    "filebase64": lambda call: call.made(_base64(call.folder.content(call.text(0), call.location))),
    "filebase64sha256": _hash("sha256", _base64),
    "filebase64sha512": _hash("sha512", _base64),
    "fileexists": lambda call: call.made(call.folder.exists(call.text(0), call.location)),
    "filemd5": _hash("md5", bytes.hex),
    "fileset": _fileset,
    "filesha1": _hash("sha1", bytes.hex),
    "filesha256": _hash("sha256", bytes.hex),
    "filesha512": _hash("sha512", bytes.hex),
    "pathexpand": lambda call: call.made(call.text(0)),
}
