"""figures.py: numbers as people read them."""

from __future__ import annotations

import pytest

from gateway.management.console import figures

SPACE = "\N{NARROW NO-BREAK SPACE}"


@pytest.mark.parametrize(
    ("shown", "wanted"),
    [
        (figures.count(1234567), f"1{SPACE}234{SPACE}567"),
        (figures.rate(0.04), "0.0"),
        (figures.rate(99.94), "99.9"),
        (figures.rate(12345.6), f"12{SPACE}346"),
        (figures.share(1, 3), "33.3 %"),
        (figures.share(0, 0), "–"),
        (figures.milliseconds(0.00123), "1.2 ms"),
        (figures.milliseconds(2.5), f"2{SPACE}500 ms"),
        (figures.milliseconds(None), "–"),
        (figures.age(59.9), "59s"),
        (figures.age(3_725), "1h2m"),
        (figures.age(200_000), "2d7h"),
        (figures.age(-1), "0s"),
        (figures.age(None), "never"),
        (figures.moment(0), "1970-01-01 00:00:00"),
    ],
)
def test_figures(shown: str, wanted: str) -> None:
    """Large numbers are grouped, small ones keep a digit, times have two units, and what is not known is a dash."""
    assert shown == wanted
