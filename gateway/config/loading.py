"""
``config.yaml`` → ``Config``, or every mistake in it at once, each with its place and remedy.

Source: docs/configuration.md.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from collections.abc import Sequence as SequenceOf
from difflib import get_close_matches
from pathlib import Path

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from gateway import documentation
from gateway.config.endpoints import with_endpoints
from gateway.config.model import Config
from gateway.config.positions import Positions, plain
from gateway.config.reference import keys, models
from gateway.config.references import unresolved
from gateway.config.wording import worded
from gateway.errors import LoadError, Problem
from gateway.reading.files import read_bytes
from gateway.reading.settings import Block, Surroundings
from gateway.reading.yaml_nodes import Mapping as YamlMapping
from gateway.reading.yaml_nodes import compose
from gateway.wire.memory import loading

# pydantic's error types that have a name of our own; what is left is a bad value.
_CODES = {"extra_forbidden": "unknown-key", "missing": "missing-key"}
_FEW = 3  # places that a remedy lists


def load(path: str | os.PathLike[str], environ: Mapping[str, str] = os.environ) -> Config:
    """
    The configuration in the file at *path*; *environ* gives ``{env: NAME}``.

    Raises:
        LoadError: The file cannot be read, or with every mistake in it.
    """
    file = Path(path)
    content = read_bytes(file, "name it with -c FILE")
    return parse(content, str(file), file.resolve().parent, environ)


@loading()
def parse(text: str | bytes, file: str, directory: Path, environ: Mapping[str, str]) -> Config:
    """The configuration in *text*; *file* names it in errors, relative paths start at *directory*. Raises LoadError."""
    root = compose(text, file)
    if not isinstance(root, YamlMapping):
        message = "a configuration is a mapping"
        raise LoadError.at(root.location, "expected-mapping", message, "write keys such as listen: and apis:")
    positions, surroundings = Positions(root, lambda: compose(text, file)), Surroundings(directory, environ)
    try:
        config = Config.from_file(plain(root), surroundings)
    except ValidationError as error:
        raise LoadError(problems_of(error, positions)) from None
    config._positions, config._files = positions, frozenset(surroundings.files)
    config = _with_descriptions(_with_definitions(config))
    if any(api.type == "graphql" for api in config.apis):
        config = with_endpoints(config)
    if problems := sorted(unresolved(config), key=lambda problem: problem.location):
        raise LoadError(problems)
    return config


def _with_definitions(config: Config) -> Config:
    if not any(api.openapi for api in config.apis):
        return config
    from gateway.config.definitions import with_definitions  # loads JSON Schema, which nothing else here needs

    return with_definitions(config)


def _with_descriptions(config: Config) -> Config:
    if not any(api.wsdl or api.metadata for api in config.apis):
        return config
    from gateway.config.described import with_descriptions  # loads lxml, which nothing else here needs

    return with_descriptions(config)


def problems_of(
    error: ValidationError, positions: Positions, root: type[Block] = Config, page: str = "configuration"
) -> list[Problem]:
    """Every mistake that pydantic found, with its place and remedy; *page* describes the keys of *root*."""
    details = error.errors(include_url=False, include_input=False)
    problems = {_problem(detail, positions, root, page): None for detail in details}
    return sorted(problems, key=lambda problem: problem.location)


def _problem(detail: ErrorDetails, positions: Positions, root: type[Block], page: str) -> Problem:
    path, kind, context = detail["loc"], detail["type"], detail.get("ctx", {})
    code = _CODES.get(kind) or (kind if "-" in kind else "bad-value")
    name = _dotted(path)
    message = f"{name}: {detail['msg']}"
    remedy = str(context.get("remedy", ""))
    if code == "unknown-key":
        message, remedy = f"{name} is not a setting", _nearest(path, root, page)
    elif code == "missing-key":
        message, remedy = f"{name} is missing", f"add {path[-1]}"
    elif words := worded(kind, context):
        message, remedy = f"{name}: {words[0]}", words[1]
    place = (*path, *filter(None, [context.get("at")]))
    return Problem(positions.find(place, key=code == "unknown-key"), code, message, remedy)


def _dotted(path: Iterable[str | int]) -> str:
    """*path* as messages name it; ``[key]`` is pydantic's mark for a key that is refused itself."""
    return ".".join(str(step) for step in path if step != "[key]") or "the configuration"


def _nearest(path: tuple[str | int, ...], root: type[Block], page: str) -> str:
    """Which key was meant: one of the same mapping before those of others; or where it belongs."""
    key, places = str(path[-1]), {place: keys(model) for place, model in models(root)}
    close = _closest(key, [names for place, names in places.items() if _is_at(path[:-1], place)])
    return _instead(close, page) if close else _elsewhere(key, places, page)


def _elsewhere(key: str, places: Mapping[tuple[str, ...], list[str]], page: str) -> str:
    homes = [place for place, names in places.items() if key in names]
    if homes:
        return f"it belongs {_described(homes)}: see {documentation.page(page)}"
    return _instead(_closest(key, places.values()), page)


def _instead(close: str, page: str) -> str:
    return f"did you mean {close}?" if close else f"remove it; {documentation.page(page)} lists every setting"


def _closest(key: str, lists: Iterable[Iterable[str]]) -> str:
    """The known key that is nearest, case and ``_`` for ``-`` aside; empty where none is near."""
    known = sorted({name for names in lists for name in names})
    return next(iter(get_close_matches(key.replace("_", "-").lower(), known, n=1)), "")


def _described(places: SequenceOf[tuple[str, ...]]) -> str:
    """Where a key belongs; many places are not listed."""
    if len(places) > _FEW:
        return "elsewhere"
    names = (".".join(place).replace(".[]", "[]") for place in places)
    return " or ".join(f"under {name}" if name else "at the top level" for name in names)


def _is_at(path: tuple[str | int, ...], place: tuple[str, ...]) -> bool:
    """Whether *path* leads to *place*, in which ``NAME`` is any key and ``[]`` any item."""
    steps = zip(path, place, strict=False)
    return len(path) == len(place) and all(want in ("NAME", "[]", step) for step, want in steps)
