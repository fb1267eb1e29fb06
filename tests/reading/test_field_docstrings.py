"""The documentation of settings: what a schema and a page say of a field is the string below it."""

from __future__ import annotations

import pytest
from pydantic import Field

from gateway.config.reference import models
from gateway.reading.field_docstrings import field_docstrings
from gateway.reading.settings import Block


class Kettle(Block):
    """A mapping."""

    litres: float = 1.0
    """How much
    it holds."""

    whistles: bool = True
    """Whether it can be heard."""

    colour: str = "red"

    made_in: str = Field("", description="Where it is from.")
    """What a page says."""


class Samovar(Kettle):
    """One that inherits."""

    whistles: bool = False

    colour: str = "gold"
    """What one sees."""


@pytest.mark.parametrize(
    ("model", "documented"),
    [
        (
            Kettle,
            {
                "litres": "How much\nit holds.",
                "whistles": "Whether it can be heard.",
                "made_in": "What a page says.",
            },
        ),
        (Samovar, {"litres": "How much\nit holds.", "colour": "What one sees.", "made_in": "What a page says."}),
        (type("Unwritten", (Block,), {"__annotations__": {"litres": float}}), {}),
    ],
)
def test_a_field_is_documented_by_the_string_below_it(model: type[Block], documented: dict[str, str]) -> None:
    """What is inherited keeps its documentation, what is declared anew has its own; a class without source has none."""
    assert field_docstrings(model) == documented


def test_a_schema_says_what_fields_mean() -> None:
    """A schema has the docstring under the field's key, unless the field has a description."""
    properties = Kettle.model_json_schema()["properties"]
    assert {key: field.get("description") for key, field in properties.items()} == {
        "litres": "How much\nit holds.",
        "whistles": "Whether it can be heard.",
        "colour": None,
        "made-in": "Where it is from.",
    }


def test_no_source_is_read_to_define_a_model() -> None:
    """A start does not read the source of the configuration's models: that was a tenth of its processor time."""
    assert not any(model.model_config.get("use_attribute_docstrings") for _, model in models())
