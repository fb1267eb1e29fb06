"""What in a text still has to be filled in: named values, and the holes of deployment tools."""

from __future__ import annotations

import pytest

from gateway.documents.placeholders import NAMED_VALUE, is_unresolved, mentions_named_value


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("{{a}}", ["a"]),
        ("x{{ a.b_c-1 }}y{{d}}", ["a.b_c-1", "d"]),
        ('$"{{{x}}}"', []),
        ("{{}}", []),
        ("{{a b}}", []),
        ("{a}", []),
        ("{{" + "n" * 256 + "}}", ["n" * 256]),
        ("{{" + "n" * 257 + "}}", []),
    ],
    ids="one several interpolation empty space single longest too-long".split(),
)
def test_named_values(text: str, names: list[str]) -> None:
    """``{{name}}``, with spaces inside; three braces are C#'s interpolation."""
    assert NAMED_VALUE.findall(text) == names
    assert mentions_named_value(text) is bool(names)


@pytest.mark.parametrize(
    ("text", "unresolved"),
    [
        ("${var.tenant}", True), ("a-%{ if x }", True), ("{tenant}", True), ("#{Tenant}#", True), ("#{Tenant}", True),
        ("__TENANT__", True), ("<tenant id>", True), ("YOUR-TENANT", True), ("REPLACE_ME", True), ("TENANT_ID", True),
        (" {tenant} ", True), ("{{tenant}}", True),
        ("contoso", False), ("api://{tenant}/x", False), ("HTTP", False), ("x-TENANT_ID", False), ("a<b>", False),
        ("", False),
    ],
)  # fmt: skip
def test_holes(text: str, unresolved: bool) -> None:
    """The forms of Terraform, Octopus and templates; text that merely contains a brace or capitals is literal."""
    assert is_unresolved(text) is unresolved
