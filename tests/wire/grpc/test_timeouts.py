"""The field grpc-timeout, read and written."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.wire.grpc.timeouts import format_timeout, parse_timeout


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("1H", 3600),
        ("2M", 120),
        ("3S", 3),
        ("250m", 0.25),
        ("5u", 5e-6),
        ("7n", 7e-9),
        ("99999999S", 99_999_999),
        ("0m", 0),
        ("100000000S", None),
        ("S", None),
        ("-1S", None),
        ("1.5S", None),
        ("1s", None),
        ("1 S", None),
        ("1S ", None),
        ("٣S", None),
        ("", None),
    ],
)
def test_reading(text: str, seconds: float | None) -> None:
    """Up to eight digits and one of six units; anything else is not a grpc-timeout."""
    assert parse_timeout(text) == (None if seconds is None else pytest.approx(seconds))


@given(st.floats(min_value=0.001, max_value=3e11, allow_nan=False))
def test_what_is_written_can_be_read(seconds: float) -> None:
    """Every time is written in eight digits at most, rounded up, by less than a thousandth or a millisecond."""
    again = parse_timeout(format_timeout(seconds))
    assert again is not None
    assert seconds * 0.999999 <= again <= max(seconds * 1.001, seconds + 0.001)


def test_a_deadline_never_becomes_none() -> None:
    """However little is left, it is written as a time."""
    assert format_timeout(0.0) == "1m"
