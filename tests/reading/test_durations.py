"""Durations: what is written in configuration means what it says, and nothing else is accepted."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.reading import durations


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("500ms", 0.5),
        ("10s", 10),
        ("1.5s", 1.5),
        ("9m30s", 570),
        ("2h", 7200),
        ("1d12h", 129_600),
        ("1m500ms", 60.5),
        ("0s", 0),
        (" 10s ", 10),
    ],
)
def test_parse(text: str, seconds: float) -> None:
    """Every documented form gives its length in seconds."""
    assert durations.parse(text) == pytest.approx(seconds)


@pytest.mark.parametrize(
    "text", ["", "10", "10 s", "-5s", "30s9m", "5x", "1.5h", "5s5s", "s", "١s", "1e3s", "ms", "10S"]
)
def test_parse_refuses(text: str) -> None:
    """Anything that is not clearly a duration is refused, with the accepted form in the message."""
    with pytest.raises(ValueError, match="write it as"):
        durations.parse(text)


@pytest.mark.parametrize(("seconds", "text"), [(0, "0s"), (570, "9m30s"), (0.5, "500ms"), (90_061.001, "1d1h1m1s1ms")])
def test_format(seconds: float, text: str) -> None:
    """A length is written in the largest units that fit."""
    assert durations.format(seconds) == text


@pytest.mark.parametrize("seconds", [-1, float("inf"), float("nan")])
def test_format_refuses(seconds: float) -> None:
    """What no configuration could hold cannot be written either."""
    with pytest.raises(ValueError, match="not a duration"):
        durations.format(seconds)


@given(st.integers(min_value=0, max_value=10**11))
def test_round_trip(milliseconds: int) -> None:
    """Writing a duration and reading it again gives the same length."""
    assert durations.parse(durations.format(milliseconds / 1000)) == pytest.approx(milliseconds / 1000)
