"""check-header: whether a header is there and has one of the listed values."""

from __future__ import annotations

import pytest

from gateway.errors import PolicyError
from tests.policies.bench import Bench, get


def _check(values: str = "", ignore_case: str = "false") -> str:
    return (
        '<check-header name="X" failed-check-httpcode="403" failed-check-error-message="No entry" '
        f'ignore-case="{ignore_case}">{values}</check-header>'
    )


@pytest.mark.parametrize(
    ("headers", "xml", "reason"),
    [
        ([("x", "anything")], _check(), None),
        ([], _check(), "HeaderNotFound"),
        ([("X", "a")], _check("<value>a</value><value>b</value>"), None),
        ([("X", "A")], _check("<value>a</value>"), "HeaderValueNotAllowed"),
        ([("X", "A")], _check("<value>a</value>", "true"), None),
        ([("X", "a"), ("X", "a")], _check("<value>a</value>"), "HeaderValueNotAllowed"),
    ],
    ids="present absent listed case ignored-case twice".split(),
)
def test_check_header(bench: Bench, headers: list[tuple[str, str]], xml: str, reason: str | None) -> None:
    """Presence is enough without values; with values exactly one of them must be there."""
    if reason is None:
        assert bench.run(xml, get("/", headers)).outcome is None
        return
    with pytest.raises(PolicyError) as caught:
        bench.run(xml, get("/", headers))
    assert (caught.value.status, caught.value.reason, caught.value.public_message) == (403, reason, "No entry")
