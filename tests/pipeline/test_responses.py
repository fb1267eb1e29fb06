"""The default error answer: what is remembered of one refusal for the next."""

from __future__ import annotations

import tracemalloc

import pytest

from gateway.errors import PolicyError
from gateway.pipeline.responses import error_response


@pytest.mark.parametrize("length", [10, 100_000])
def test_messages_of_any_length_take_no_memory(length: int) -> None:
    """An author's message may repeat what a caller has sent: what is remembered of refusals has a bound in bytes."""
    tracemalloc.start()
    try:
        for number in range(300):
            error_response(PolicyError(400, "Refused", "", f"{number} {'x' * length}"))
        assert tracemalloc.get_traced_memory()[0] < 2_000_000
    finally:
        tracemalloc.stop()


def test_what_becomes_of_one_answer_does_not_show_in_another() -> None:
    """Policies change an answer's fields in place; the next refusal of the same kind has its own."""
    refusal = PolicyError(401, "Refused", "", "No.", (("WWW-Authenticate", "Bearer"),))
    first, second = error_response(refusal), error_response(refusal)
    before = list(second.headers.items())
    first.headers.replace("WWW-Authenticate", "changed")
    first.headers.append("Set-Cookie", "caller=one")
    first.headers.remove("Cache-Control")
    assert list(second.headers.items()) == before == list(error_response(refusal).headers.items())
    assert first.body is not second.body
