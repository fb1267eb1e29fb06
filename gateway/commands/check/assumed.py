"""
Variables that are not set, where a check is not to fail for them: each has a value of the form that its place takes.

The first form is that of a hole which a deployment tool fills in, so that what policies make of it is judged as of any
text that is not there yet (and no two are the same); a setting that takes a URL or a number gets one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import TypeVar

from gateway.config import load
from gateway.config.model import Config
from gateway.documents.placeholders import UNRESOLVED
from gateway.errors import LoadError, Location, Problem
from gateway.reading.yaml_nodes import Mapping as NodeMapping
from gateway.reading.yaml_nodes import Scalar, Sequence, YamlNode, compose

T = TypeVar("T")

_FORMS = (
    "__{name}__",
    "redis://assumed.invalid:6379/0",
    "postgresql://assumed.invalid/assumed",
    "https://assumed.invalid",
)


class _AssumedEnvironment(dict[str, str]):
    """Environment variables, of which those that are not set have a value."""

    def __init__(self, environ: Mapping[str, str]) -> None:
        super().__init__(environ)
        self.forms: dict[str, int] = {}

    def __contains__(self, name: object) -> bool:
        return True

    def __missing__(self, name: str) -> str:
        return _FORMS[self.forms.get(name, 0)].format(name=name)

    def try_further(self, names: Iterable[str]) -> bool:
        """Give each of *names* its next form; whether one had another."""
        further = {name for name in names if self.forms.get(name, 0) + 1 < len(_FORMS)}
        self.forms.update({name: self.forms.get(name, 0) + 1 for name in further})
        return bool(further)


def build_assuming(path: Path, environ: Mapping[str, str], build: Callable[[Config], T]) -> T:
    """What *build* makes of the configuration at *path*, as if every variable were set. Raises LoadError."""
    assumed = _AssumedEnvironment(environ)
    failure: LoadError | None = None
    while failure is None or assumed.try_further(_refused(path, failure) - environ.keys()):
        try:
            return build(load(path, assumed))
        except LoadError as error:
            failure = error
    raise failure


def is_assumed(problem: Problem) -> bool:
    """Whether *problem* is only that a value is not there yet."""
    return problem.code == UNRESOLVED


def _refused(path: Path, failure: LoadError) -> set[str]:
    """Variables that the configuration names where something is wrong."""
    return set(_variables_at(path, {problem.location for problem in failure.problems}))


def _variables_at(path: Path, places: set[Location]) -> Iterator[str]:
    try:
        root = compose(path.read_bytes(), str(path))
    except (LoadError, OSError):
        return
    for node in _walk(root):
        name = node.find("env")
        if isinstance(name, Scalar) and node.location in places:
            yield name.value


def _walk(node: YamlNode) -> Iterator[NodeMapping]:
    """Every mapping in *node*."""
    match node:
        case NodeMapping():
            yield node
            for _, value in node.entries:
                yield from _walk(value)
        case Sequence():
            for item in node.items:
                yield from _walk(item)
