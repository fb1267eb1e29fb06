"""check-header: whether a header is there and has one of the listed values."""

from __future__ import annotations

import pytest

from gateway.documents.model import Scope, Section
from gateway.errors import PolicyError
from gateway.pipeline.context import LastError
from gateway.pipeline.place import Place
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
        ([("X", "a")], _check().replace('ignore-case="false"', ""), None),
        ([("X", "a"), ("X", "a")], _check("<value>a</value>"), "HeaderValueNotAllowed"),
    ],
    ids="present absent listed case ignored-case nothing-to-compare twice".split(),
)
def test_check_header(bench: Bench, headers: list[tuple[str, str]], xml: str, reason: str | None) -> None:
    """Presence is enough without values; with values exactly one of them must be there."""
    if reason is None:
        assert bench.run(xml, get("/", headers)).outcome is None
        return
    with pytest.raises(PolicyError) as caught:
        bench.run(xml, get("/", headers))
    assert (caught.value.status, caught.value.reason, caught.value.public_message) == (403, reason, "No entry")


def test_the_log_does_not_have_the_value(bench: Bench) -> None:
    """A key with one wrong character is still a secret: on-error can read it, the log names the header only."""
    with pytest.raises(PolicyError) as caught:
        bench.run(_check("<value>a key</value>"), get("/", [("X", "a kez")]))
    refusal = LastError.of(caught.value, Place("check-header", Scope.API, Section.INBOUND, "check-header[1]"))
    assert refusal.message == "Header X value of a kez is not allowed. Access denied."
    assert refusal.logged_message == "Header X value of … is not allowed. Access denied."
