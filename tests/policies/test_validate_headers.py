"""validate-headers: which response headers may leave, by a list and by an OpenAPI definition."""

from __future__ import annotations

from typing import Any

import pytest

from gateway.openapi import OperationDefinition
from tests.policies.bench import Bench, answer, get, new_context
from tests.policies.operation import called


@pytest.mark.parametrize(("name", "refused"), [("X-Known", False), ("X-Secret", True), ("Date", False)])
def test_validate_headers(bench: Bench, name: str, refused: bool) -> None:
    """Headers not listed are prevented; those that HTTP itself needs never are."""
    listed = '<header name="x-known" action="ignore"/>'
    xml = (
        '<validate-headers specified-header-action="ignore" unspecified-header-action="prevent">'
        f"{listed}</validate-headers>"
    )
    bench.judge(xml, new_context(response=answer(200, "", [(name, "1")])), refused)


@pytest.mark.parametrize(
    ("headers", "inner", "found"),
    [
        ([("X-Left", "1"), ("X-Note", "a"), ("Date", "x")], "", None),
        ([], "", ("X-Left", "IncorrectMessage")),
        ([("X-Left", "x")], "", ("X-Left", "IncorrectMessage")),
        ([("X-Left", "x")], '<header name="x-left" action="ignore" />', None),
        ([("X-Left", "1"), ("X-Left", "2")], "", ("X-Left", "IncorrectMessage")),
        ([("X-Left", "1"), ("X-Debug", "sql")], "", ("x-debug", "Unspecified")),
        ([("X-Left", "1"), ("X-Debug", "sql")], '<header name="X_Debug" action="ignore" />', None),
    ],
)
def test_response_headers(
    bench: Bench,
    definition: OperationDefinition,
    headers: list[tuple[str, str]],
    inner: str,
    found: tuple[str, str] | None,
) -> None:
    """Declared headers must be there and fit; others are unspecified."""
    xml = (
        '<validate-headers specified-header-action="detect" unspecified-header-action="detect"'
        f' errors-variable-name="e">{inner}</validate-headers>'
    )
    context = called(definition, get("/"), answer(200, "", headers))
    told: Any = bench.run(xml, section="outbound", context=context).variables.get("e", [])
    assert [(each["Name"], each["ValidationRule"]) for each in told] == ([] if found is None else [found])
    assert {each["Type"] for each in told} <= {"ResponseHeader"}
