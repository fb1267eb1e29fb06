"""The formats that are checked, each with what fits and what does not."""

from __future__ import annotations

import pytest

from gateway.openapi.formats import FORMATS

CASES: dict[str, tuple[list[object], list[object]]] = {
    "date": (
        ["2024-02-29", "1970-01-01"],
        ["2023-02-29", "2024-2-9", "20240229", "2024-02-29T00:00:00Z", "٢٠٢٤-02-29"],
    ),
    "time": (
        ["12:00:00Z", "23:59:60z", "00:00:00.123+05:30"],
        ["12:00:00", "24:00:00Z", "12:60:00Z", "12:00:00+25:00", "12:00Z"],
    ),
    "date-time": (
        ["2024-02-29T12:00:00Z", "2024-02-29t12:00:00z", "2024-02-29 12:00:00Z"],
        ["2024-02-29", "2024-02-30T12:00:00Z", "2024-02-29T12:00:00", "2024-02-29_12:00:00Z"],
    ),
    "uuid": (
        ["123e4567-e89b-12d3-a456-426614174000", "123E4567-E89B-12D3-A456-426614174000"],
        ["123e4567", "123e4567e89b12d3a456426614174000", "123e4567-e89b-12d3-a456-42661417400g"],
    ),
    "email": (["a@b"], ["a", "a@", "@b", "a b@c", "a@b@c"]),
    "hostname": (["a", "a-b.test", "a" * 63], ["", "-a", "a-", "a..b", "a" * 64, "a_b", ".".join(["a" * 63] * 4)]),
    "ipv4": (["192.0.2.1"], ["192.0.2", "192.0.2.256", "2001:db8::1", "192.0.2.01"]),
    "ipv6": (["2001:db8::1", "::"], ["192.0.2.1", "2001:db8", ":::"]),
    "uri": (["https://a.test/b", "urn:a:b"], ["/a", "a", "https://a b", "https://a\u0000"]),
    "byte": (["", "YQ==", "YWI="], ["Y", "YQ", "Y$=="]),
    "int32": ([0, 2**31 - 1, -(2**31)], [2**31, -(2**31) - 1]),
    "int64": ([2**63 - 1, -(2**63)], [2**63, -(2**63) - 1]),
}


def test_every_format_has_its_cases() -> None:
    """A new format comes with cases."""
    assert FORMATS.keys() == CASES.keys()


@pytest.mark.parametrize("name", CASES)
def test_formats(name: str) -> None:
    """Valid values pass, invalid ones do not, and a format does not apply to values of another type."""
    fits, breaks = CASES[name]
    other: object = "text" if name.startswith("int") else 1
    assert [value for value in [*fits, other, None, ["x"]] if not FORMATS[name](value)] == []
    assert [value for value in breaks if FORMATS[name](value)] == []
