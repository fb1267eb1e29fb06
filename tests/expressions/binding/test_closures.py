"""What runs for each request where an expression reads a property, an element or a cast."""

from __future__ import annotations

import sys
from operator import attrgetter, getitem
from pathlib import Path
from types import FrameType

import pytest

import gateway
from gateway.expressions.binding.bound import Frame, Run
from gateway.expressions.binding.closures import context_property, item_at, item_of, property_of, reference_cast
from gateway.expressions.primitives import INT, STRING
from gateway.expressions.thrown import Thrown
from gateway.telemetry.version import build_name
from gateway.tokens.jwt import Jwt
from tests.expressions.stubs import compiled, context

PACKAGE = Path(gateway.__file__).parent
SUBJECT = '@(((Jwt)context.Variables["jwt"]).Subject)'


def gives(value: object) -> Run:
    """A closure with this value."""
    return lambda frame: value


def not_reached(_frame: Frame) -> object:
    """An index that must not be computed."""
    raise AssertionError("computed all the same")


@pytest.mark.parametrize(
    ("run", "value"),
    [
        (context_property(attrgetter("real")), 7),
        (property_of(gives(3 + 4j), attrgetter("real")), 3),
        (item_of(gives({"a": 1}), getitem, gives("a")), 1),
        (item_at(gives({"a": 1}), getitem, "a"), 1),
        (reference_cast(gives("text"), STRING), "text"),
        (reference_cast(gives(None), STRING), None),
    ],
)
def test_gives(run: Run, value: object) -> None:
    """The property, the element, the value itself."""
    assert run([None, 7]) == value


@pytest.mark.parametrize(
    ("run", "name"),
    [
        (property_of(gives(None), attrgetter("real")), "NullReferenceException"),
        (item_of(gives(None), getitem, not_reached), "NullReferenceException"),
        (item_at(gives(None), getitem, "a"), "NullReferenceException"),
        (reference_cast(gives(None), INT), "NullReferenceException"),
        (reference_cast(gives("text"), INT), "InvalidCastException"),
    ],
)
def test_throws(run: Run, name: str) -> None:
    """A member of null, and a cast of a value of another type, throw."""
    with pytest.raises(Thrown) as caught:
        run([None, 7])
    assert caught.value.value.name == name


@pytest.mark.skipif(build_name() == "compiled", reason="compiled functions have no frames to count")
def test_a_claim_takes_few_closures() -> None:
    """The usual expression runs no code but the expression's own and these closures: the rest was done at load."""
    expression = compiled(SUBJECT)
    files: set[str] = set()
    given = context(variables={"jwt": Jwt.of({}, {"sub": "alice"})})

    def look(frame: FrameType, event: str, _argument: object) -> None:
        path = Path(frame.f_code.co_filename)
        if event == "call" and path.is_relative_to(PACKAGE):
            files.add(path.name)

    sys.setprofile(look)
    try:
        subject = expression(given)
    finally:
        sys.setprofile(None)
    assert subject == "alice"
    assert files == {"expression.py", "closures.py", "jwt.py"}
