"""The reference of every setting, made from the models: the generated part of ``docs/configuration.md``."""

from __future__ import annotations

import inspect
import types
from collections.abc import Iterable, Iterator
from typing import Annotated, Any, Union, get_args, get_origin

from pydantic import PlainSerializer, SecretStr
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

from gateway.config.model import Config
from gateway.reading import durations
from gateway.reading.settings import Block, key_of
from gateway.reading.values import WRITTEN_DURATION


def models(root: type[Block] = Config) -> Iterator[tuple[tuple[str, ...], type[Block]]]:
    """
    *root* and every model in it, with the path of keys that leads there.

    ``[]`` is an item of a list, ``NAME`` a key of one's own.
    """
    yield from _below((), root)


def _below(path: tuple[str, ...], model: type[Block]) -> Iterator[tuple[tuple[str, ...], type[Block]]]:
    yield path, model
    for name, field in model.model_fields.items():
        for step, inner in _models_in(field.annotation):
            yield from _below((*path, field.alias or key_of(name), *step), inner)


def _models_in(annotation: Any) -> Iterator[tuple[tuple[str, ...], type[Block]]]:
    """The models that a type holds, with the steps from the type to them."""
    origin, arguments = get_origin(annotation), get_args(annotation)
    if isinstance(annotation, type) and issubclass(annotation, Block):
        yield (), annotation
    elif origin in (tuple, list):
        yield from _behind("[]", arguments[0])
    elif origin is dict:
        yield from _behind("NAME", arguments[1])
    elif origin is Annotated:
        yield from _models_in(arguments[0])
    elif origin in (Union, types.UnionType):
        yield from _in_any(arguments)


def _behind(step: str, annotation: Any) -> Iterator[tuple[tuple[str, ...], type[Block]]]:
    return (((step, *steps), model) for steps, model in _models_in(annotation))


def _in_any(annotations: Iterable[Any]) -> Iterator[tuple[tuple[str, ...], type[Block]]]:
    for annotation in annotations:
        yield from _models_in(annotation)


def keys(model: type[Block]) -> list[str]:
    """The keys of *model*, as they are written."""
    return [field.alias or key_of(name) for name, field in model.model_fields.items()]


def markdown() -> str:
    """A table for every mapping of the configuration."""
    return "\n".join(line for path, model in models() for line in _table(path, model))


def _table(path: tuple[str, ...], model: type[Block]) -> Iterator[str]:
    title = ".".join(path).replace(".[]", "[]") or "The file"
    heading = f"`{title}`" if path else title
    yield f"### {heading}\n"
    yield f"{inspect.cleandoc(model.__doc__ or '')}\n"
    yield "| key | default | meaning |"
    yield "|---|---|---|"
    meanings = model.meanings()
    for name, field in model.model_fields.items():
        yield f"| `{field.alias or key_of(name)}` | {_default(field)} | {_meaning(meanings.get(name, ''))} |"
    yield ""


def _meaning(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")


def _default(field: FieldInfo) -> str:
    if field.default is PydanticUndefined:
        return "required"
    serializer = next((item for item in field.metadata if isinstance(item, PlainSerializer)), None)
    default = field.default if serializer is None else serializer.func(field.default)  # type: ignore[call-arg]
    text = _written(default, _is_duration(field))
    return f"`{text}`" if text else "–"


def _written(value: object, is_duration: bool) -> str:
    """A default as it is written in the file; empty if there is none worth showing."""
    match value:
        case bool():
            return str(value).lower()
        case float():
            return durations.format(value) if is_duration else f"{value:g}"
        case tuple() | frozenset():
            return ", ".join(map(str, value))
        case Block() | SecretStr() | None | dict():
            return ""
    return str(value)


def _is_duration(field: FieldInfo) -> bool:
    return any(item is WRITTEN_DURATION for item in field.metadata)
