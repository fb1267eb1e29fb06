"""YAML nodes as the values that their author meant: JSON's numbers and words, everything else text."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from gateway.errors import LoadError
from gateway.openapi import plain
from gateway.reading.yaml_nodes import YamlNode, compose


@pytest.mark.parametrize(
    ("written", "value"),
    [
        ("1", 1), ("-1", -1), ("1.5", 1.5), ("1e3", 1000.0), ("0", 0), ("true", True), ("false", False),
        ("null", None), ("~", None), ("''", ""), ("'1'", "1"), ('"true"', "true"),
        ("no", "no"), ("NO", "NO"), ("yes", "yes"), ("on", "on"), ("2024-01-01", "2024-01-01"), ("012", "012"),
        ("0x10", "0x10"), ("1_000", "1_000"), ("12:30", "12:30"), (".5", ".5"), ("1.", "1."), (".inf", ".inf"),
        ("[1, {a: no}]", [1, {"a": "no"}]),
    ],
)  # fmt: skip
def test_values(written: str, value: object) -> None:
    """A country code such as NO stays text, and so does a date."""
    assert plain.plain(compose(written, "f")) == value


@pytest.mark.parametrize(
    ("reads", "written", "value"),
    [
        (plain.text, "1.0", "1.0"), (plain.text, "a", "a"), (plain.flag, "true", True), (plain.number, "1.5", 1.5),
        (plain.count, "0", 0), (plain.count, "3.0", 3), (plain.texts, "[a, 1]", ["a", "1"]),
    ],
)  # fmt: skip
def test_what_has_to_be_there(reads: Callable[[YamlNode], Any], written: str, value: object) -> None:
    """A required member is read as its own kind."""
    assert reads(compose(written, "f")) == value


@pytest.mark.parametrize(
    ("reads", "written"),
    [
        (plain.mapping, "[]"), (plain.items, "{}"), (plain.text, "[]"), (plain.text, "{}"), (plain.flag, "'true'"),
        (plain.flag, "yes"), (plain.number, "true"), (plain.number, "'1'"), (plain.number, "1e999"),
        (plain.count, "-1"), (plain.count, "1.5"), (plain.texts, "[{}]"),
    ],
)  # fmt: skip
def test_what_is_something_else(reads: Callable[[YamlNode], Any], written: str) -> None:
    """Another kind is a problem at its place."""
    with pytest.raises(LoadError) as caught:
        reads(compose(written, "f.yaml"))
    assert [problem.code for problem in caught.value.problems] == ["bad-value"]
    assert caught.value.problems[0].location.file == "f.yaml"
