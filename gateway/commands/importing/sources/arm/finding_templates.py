"""
Which files of a folder are templates, where reading begins, and which parameters belong to a template.

A folder of the DevOps Resource Kit has a master template that links the others, or the others alone; an export from
the portal has ``template.json`` and ``parameters.json``.
"""

from __future__ import annotations

import re
from pathlib import Path

from gateway.commands.importing.json_nodes import read_source
from gateway.commands.importing.sources.arm import json_text
from gateway.commands.importing.sources.template import values
from gateway.commands.importing.sources.template.local_files import walk
from gateway.reading.yaml_nodes import Mapping, Scalar, YamlNode

_TEMPLATE = re.compile(rb"deploymentTemplate\.json", re.IGNORECASE)
_PARAMETERS = re.compile(rb"deploymentParameters\.json", re.IGNORECASE)
_PARAMETER_NAME = re.compile(r"parameters?\.json$", re.IGNORECASE)  # the Resource Kit's call themselves templates
_WANTED = re.compile(r"microsoft\.apimanagement/|microsoft\.resources/deployments", re.IGNORECASE)
_HEAD = 1 << 12  # bytes: the schema comes first


def is_template(path: Path) -> bool:
    """Whether the file at *path* says that it is an ARM template."""
    named_so = path.suffix.lower() in (".json", ".jsonc") and _PARAMETER_NAME.search(path.name) is None
    return named_so and _head_has(path, _TEMPLATE)


def has_template(folder: Path) -> bool:
    """Whether a file below *folder* is a template."""
    return any(is_template(path) for path in walk(folder))


def _head_has(path: Path, pattern: re.Pattern[bytes]) -> bool:
    try:
        if not path.is_file():
            return False
        with path.open("rb") as file:
            head = file.read(_HEAD)
    except OSError:
        return False
    return pattern.search(head.replace(b"\0", b"")) is not None


def roots(folder: Path) -> list[Path]:
    """The templates below *folder* that matter here and that no other one links."""
    texts = {path: _text(path) for path in walk(folder) if is_template(path)}
    texts = {path: text for path, text in texts.items() if _WANTED.search(text)}
    return [path for path in texts if not _is_named(path, texts)] or list(texts)


def _is_named(path: Path, texts: dict[Path, str]) -> bool:
    """Whether another template has the name of *path* in it."""
    name = re.compile(rf"(?<![\w.-]){re.escape(path.name)}", re.IGNORECASE)
    return any(other != path and name.search(text) for other, text in texts.items())


def _text(path: Path) -> str:
    try:
        with path.open("rb") as file:
            return file.read(json_text.MAX_CHARACTERS).replace(b"\0", b"").decode("utf-8", "replace")
    except OSError:
        return ""


def parameter_file(template: Path) -> Path | None:
    """The parameters beside *template* that are meant for it: by its name, or the only ones there."""
    beside = _json_beside(template)
    files = {path.name.lower(): path for path in beside if path != template and _has_parameters(path)}
    by_name = next((files[name] for name in _parameter_names(template) if name in files), None)
    return by_name or _only_one(files, beside)


def _only_one(files: dict[str, Path], beside: list[Path]) -> Path | None:
    """The one parameter file, if there is one template alone, or if it has no other's name."""
    if len(files) != 1:
        return None
    alone = sum(map(is_template, beside)) <= 1
    return next(iter(files.values())) if alone else files.get("parameters.json")


def _json_beside(template: Path) -> list[Path]:
    try:
        return sorted(path for path in template.parent.iterdir() if path.suffix.lower() == ".json")
    except OSError:
        return []


def _parameter_names(template: Path) -> list[str]:
    """What the parameters of *template* may be called, in lower case."""
    stem = template.name.lower().removesuffix(".json").removesuffix(".bicep").removesuffix(".template")
    prefix = stem.rpartition("-")[0]
    kit = f"{prefix}-parameters.json" if prefix else "parameters.json"
    return [f"{stem}.parameters.json", f"{stem}.param.json", kit]


def _has_parameters(path: Path) -> bool:
    return _PARAMETER_NAME.search(path.name) is not None or _head_has(path, _PARAMETERS)


def parameters_in(root: YamlNode) -> dict[str, YamlNode]:
    """The values in a parameter file; a reference to a Key Vault is a secret, null stands for nothing."""
    section = values.find_any_case(root, "parameters") if isinstance(root, Mapping) else None
    entries = section.entries if isinstance(section, Mapping) else ()
    given = ((name.value, _given(name, entry)) for name, entry in entries)
    return {name: value for name, value in given if value is not None}


def _given(name: Scalar, entry: YamlNode) -> YamlNode | None:
    if not isinstance(entry, Mapping):
        return None
    if entry.find("reference") is not None:
        return values.unknown(name.value, entry.location, secret=True)
    value = entry.find("value")
    return None if isinstance(value, Scalar) and value.null else value


def read_parameters(path: Path) -> dict[str, YamlNode]:
    """
    The values in the parameter file at *path*.

    Raises:
        LoadError: It cannot be read.
    """
    return parameters_in(json_text.parse(read_source(path), str(path)))
