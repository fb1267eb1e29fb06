"""Ids and names of imported operations, as APIM makes them."""

from __future__ import annotations

import pytest

from gateway.openapi.identifiers import MAX_ID, MAX_NAME, normalized, operation_id, operation_name


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("GET-/foo/{bar}", "get-foo-bar"),
        ("  List__Pets!  ", "list-pets"),
        ("---", ""),
        ("ä", ""),
        ("x" * 200, "x" * MAX_ID),
    ],
)
def test_normalized(text: str, expected: str) -> None:
    """Lower case, one dash for each run of other marks, none at the ends, within the limit."""
    assert normalized(text) == expected


@pytest.mark.parametrize(
    ("written", "taken", "expected"),
    [
        ("listPets", set(), "listpets"),
        ("", set(), "get-pets-id"),
        ("!!!", set(), "get-pets-id"),
        ("listPets", {"listpets"}, "listpets-1"),
        ("listPets", {"listpets", "listpets-1", "listpets-2"}, "listpets-3"),
    ],
    ids="written missing nothing-left taken taken-often".split(),
)
def test_operation_ids(written: str, taken: set[str], expected: str) -> None:
    """The operationId, or method and path; unique among those taken."""
    assert operation_id(written, "GET", "/pets/{id}", taken) == expected


def test_ids_stay_within_apims_limit() -> None:
    """Ids stay within APIM's limit, even a long one with a suffix."""
    taken = {"x" * MAX_ID, *("x" * MAX_ID + f"-{number}" for number in range(1, 100))}
    assert len(operation_id("x" * 200, "GET", "/", taken)) <= 80


@pytest.mark.parametrize(
    ("summary", "written", "expected"),
    [("List", "listPets", "List"), ("", "listPets", "listPets"), ("", "", "GET - /a"), ("s" * 999, "", "s" * MAX_NAME)],
)
def test_operation_names(summary: str, written: str, expected: str) -> None:
    """Summary before operationId before method and path."""
    assert operation_name(summary, written, "GET", "/a") == expected
