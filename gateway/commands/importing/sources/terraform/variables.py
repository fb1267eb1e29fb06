"""
The values of a root module's variables: from Terraform's files and from the command line, the later ones win.

Source: Terraform's documentation, "Variable Definition Precedence".
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from itertools import islice
from pathlib import Path

from gateway.commands.importing.sources.inputs import Inputs
from gateway.commands.importing.sources.terraform.evaluation import Evaluator, NoReferences, TermScope
from gateway.commands.importing.sources.terraform.folder import read_limited
from gateway.commands.importing.sources.terraform.functions.encodings import typed
from gateway.commands.importing.sources.terraform.parsing import ParsedFile, read_expression
from gateway.commands.importing.sources.terraform.values import EvaluationError
from gateway.errors import LoadError, Location, Problem
from gateway.reading.yaml_nodes import Mapping, Scalar, YamlNode, compose

_ALWAYS = ("terraform.tfvars", "terraform.tfvars.json")
_MOST_FILES = 50
_ENDS = (".tfvars", ".tfvars.json")


def automatic_files(folder: Path) -> list[Path]:
    """The files of values that Terraform reads unasked."""
    chosen = sorted(path for path in folder.glob("*.auto.tfvars*") if path.name.endswith(_ENDS))
    return [folder / name for name in _ALWAYS if (folder / name).is_file()] + chosen


def other_files(folder: Path, wanted: Iterable[str]) -> list[Path]:
    """Files of values that have to be named, such as ``dev.tfvars``, with the most of the variables *wanted* first."""
    automatic = set(automatic_files(folder))
    files = [path for path in islice(folder.rglob("*.tfvars"), _MOST_FILES) if path not in automatic]
    names = re.compile(rb"^\s*(?:" + b"|".join(re.escape(name.encode()) for name in wanted) + rb")\s*=", re.MULTILINE)
    counts = {path: len(names.findall(_beginning(path))) for path in sorted(files)}
    return sorted((path for path in counts if counts[path]), key=lambda path: -counts[path])


def _beginning(path: Path) -> bytes:
    try:
        return read_limited(path)
    except OSError:
        return b""


def given_values(folder: Path, inputs: Inputs, evaluator: Evaluator, problems: list[Problem]) -> dict[str, YamlNode]:
    """The value of each variable that has one; *problems* grows by the files that cannot be read."""
    values: dict[str, YamlNode] = {}
    for path in automatic_files(folder):
        values.update(_file(path, evaluator, problems))
    values.update(inputs.values)
    for path in inputs.files:
        if path.name.endswith(".tfvars"):
            values.update(_file(path, evaluator, problems))
    values.update({name: _setting(node, evaluator) for name, node in inputs.given.items()})
    return values


def _setting(node: YamlNode, evaluator: Evaluator) -> YamlNode:
    """``--set apis=["a","b"]`` is a list, as in Terraform; a text needs no quotes."""
    if not isinstance(node, Scalar):
        return node
    text = Scalar(node.value, node.location)
    is_collection = node.value.lstrip().startswith(("[", "{"))
    term = read_expression(node.value, node.location.file) if is_collection else None
    if term is None:
        return text
    try:
        return evaluator.evaluate(term, TermScope(NoReferences()))
    except EvaluationError:
        return text


def _file(path: Path, evaluator: Evaluator, problems: list[Problem]) -> dict[str, YamlNode]:
    try:
        content = read_limited(path)
        if path.name.endswith(".json"):
            root = typed(compose(content, str(path)), json_only=True)
            return {key.value: value for key, value in root.entries} if isinstance(root, Mapping) else {}
    except OSError as error:
        message = f"this file cannot be read: {error.strerror or error}"
        problems.append(Problem(Location(str(path)), "unreadable-file", message))
        return {}
    except LoadError as error:
        problems += error.problems
        return {}
    return _assignments(ParsedFile(content, str(path)), evaluator, problems)


def _assignments(parsed: ParsedFile, evaluator: Evaluator, problems: list[Problem]) -> dict[str, YamlNode]:
    problems += parsed.problems
    values: dict[str, YamlNode] = {}
    for name, argument in parsed.body.arguments.items():
        try:
            values[name] = evaluator.evaluate(argument.value, TermScope(NoReferences()))
        except EvaluationError as error:
            problems.append(Problem(error.location, "bad-value", error.message))
    return values
