"""Texts that the remedies are made of."""

from __future__ import annotations

import pytest

from gateway.remedies.facts import Facts, first, listed, moment, span, text_of


@pytest.mark.parametrize(
    ("values", "text"),
    [
        ([], ""),
        (["a"], "a"),
        (["a", "b"], "a or b"),
        (["a", "b", "c"], "a, b or c"),
        (list("abcdef"), "a, b, c, d and 2 more"),
    ],
)
def test_lists(values: list[str], text: str) -> None:
    """Lists read like sentences, and long ones are cut."""
    assert listed(values) == text


@pytest.mark.parametrize(
    ("seconds", "text"), [(7, "7 s"), (1_800, "30 minutes"), (10_800, "3 hours"), (864_000, "10 days")]
)
def test_spans(seconds: float, text: str) -> None:
    """Durations are in the unit that people use."""
    assert span(seconds) == text


def test_moments() -> None:
    """A time is readable, and one beyond all calendars does no harm."""
    assert moment(0) == "1970-01-01 00:00:00 UTC"
    assert moment(1e300) == "1e+300"


def test_first() -> None:
    """The first remedy that knows decides."""
    assert first([lambda _: "", lambda _: "b", lambda _: "c"], Facts()) == "b"
    assert first([], Facts()) == ""


def test_text_of() -> None:
    """Only a text is one."""
    assert [text_of(value) for value in ("a", 1, None, ["a"])] == ["a", "", "", ""]


def test_issuer() -> None:
    """An issuer that is not a text is none."""
    assert [Facts(claims={"iss": iss}).issuer for iss in ("a", ["a"])] == ["a", ""]
