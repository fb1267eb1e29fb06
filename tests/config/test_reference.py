"""reference.py: the models, the example file and the documentation say the same."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import yaml
from jsonschema import Draft202012Validator

from gateway.config import json_schema, load
from gateway.config.reference import keys, markdown, models
from gateway.emulators.certificates import throw_away
from gateway.reading.settings import Block
from gateway.reading.yaml_nodes import Mapping, Sequence, YamlNode, compose
from tests.odata.shop import METADATA
from tests.soap.orders import WSDL

ROOT = Path(__file__).resolve().parents[2]
EXAMPLE = ROOT / "config.example.yaml"
DEFINITION = "openapi: 3.1.0\npaths: {/orders: {post: {operationId: createOrder, responses: {}}}}\n"
CALCULATOR = WSDL.replace('"OrderService"', '"Calculator"').replace('"OldPort"', '"CalculatorSoap"')
DESCRIPTIONS = {"specs/orders.yaml": DEFINITION, "specs/calculator.wsdl": CALCULATOR, "specs/shop.xml": METADATA}
PAGE = ROOT / "docs" / "configuration.md"


def written(node: YamlNode, path: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    """Every path of keys in the example; ``[]`` for an item of a list."""
    yield path
    if isinstance(node, Mapping):
        for key, value in node.entries:
            yield from written(value, (*path, key.value))
    if isinstance(node, Sequence):
        for item in node.items:
            yield from written(item, (*path, "[]"))


def matches(path: tuple[str, ...], pattern: tuple[str, ...]) -> bool:
    """Whether *path* is *pattern*, where NAME stands for any key."""
    return len(path) == len(pattern) and all(want in ("NAME", step) for step, want in zip(path, pattern, strict=True))


def everything() -> str:
    """The example with all that is switched off switched on; ``# `` and text is a remark."""
    return re.sub(r"^#(?! \S|$)", "", EXAMPLE.read_text(), flags=re.MULTILINE)


def test_example_shows_every_setting() -> None:
    """Each key of each mapping is in config.example.yaml."""
    shown = set(written(compose(everything(), "config.example.yaml")))
    wanted = [(*path, key) for path, model in models() for key in keys(model)]
    missing = [pattern for pattern in wanted if not any(matches(path, pattern) for path in shown)]
    # Shown as deny, with the keys of a caller; shown in part, with the keys of d365.
    ours = {("notifications", "default-caller"), ("notifications", "environments")}
    assert [pattern for pattern in missing if pattern[:2] not in ours and "value" not in pattern] == []


def test_example_loads_as_it_is() -> None:
    """config.example.yaml loads without any variable and with the files of this repository."""
    assert [api.id for api in load(EXAMPLE, {}).apis] == ["batch"]


def test_whole_example_loads(tmp_path: Path) -> None:
    """With everything switched on it loads where its files and variables exist."""
    text = everything()
    throw_away(tmp_path)
    pem = (tmp_path / "server.pem").read_text()
    for name in re.findall(r"[\w./-]+/[\w.-]+\.(?:pem|key|crl|yaml|xml|json|txt|wsdl|graphql)\b|secrets/[\w-]+", text):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        content = pem if name.endswith((".pem", ".key")) else DESCRIPTIONS.get(name, "x")
        (tmp_path / name).write_text(content)
    (tmp_path / "config.yaml").write_text(text)
    environ = dict.fromkeys(re.findall(r"\{env: (\w+)", text), "x")
    environ["CONSOLE_TOKEN"] = environ["MCP_SESSION_KEY"] = "x" * 16
    environ["CALLBACK_SECRET"] = "whsec_MDEyMzQ1Njc4OTAxMjM0NTY3ODk="
    loaded = load(tmp_path / "config.yaml", environ)
    assert loaded.notifications is not None
    assert loaded.notifications.callers[0].max_active == 10


def test_example_fits_the_schema() -> None:
    """Editors find nothing wrong with the example."""

    class TextDates(yaml.SafeLoader):
        """Dates as editors see them: text."""

    TextDates.yaml_implicit_resolvers = {
        first: [(tag, pattern) for tag, pattern in resolvers if not tag.endswith("timestamp")]
        for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
    }
    document = yaml.load(everything(), TextDates)
    assert [error.message for error in Draft202012Validator(json_schema()).iter_errors(document)] == []


def test_every_setting_says_what_it_means() -> None:
    """Every setting has a description, on the page and in editors."""
    silent = [f"{model.__name__}.{name}" for _, model in models() for name in _undescribed(model)]
    assert silent == []


def _undescribed(model: type[Block]) -> list[str]:
    return [name for name in model.model_fields if not model.meanings().get(name)]


def test_each_setting_is_declared_once() -> None:
    """The parts declare settings and the configuration composes them: no two declarations lead to one key."""
    for _, model in models():
        declared = [name for kind in model.__mro__ for name in vars(kind).get("__annotations__", {})]
        settings = [name for name in declared if name in model.model_fields]
        assert len(settings) == len(set(settings)), model


def test_page_is_up_to_date() -> None:
    """The table in docs/configuration.md is the one generated from the models."""
    assert markdown() in PAGE.read_text(), "run: make docs"
