"""HTTP statuses as grpc-status and back, and messages that any line can carry."""

from __future__ import annotations

from urllib.parse import unquote

import grpc
import pytest

from gateway.wire.grpc.status import GrpcStatus, as_http, encode_message, name_of, of_http, parse_status, status_lines


def test_the_names_are_those_of_the_library() -> None:
    """Numbers and names are the ones that gRPC's own library has."""
    assert {status.name: status.value for status in GrpcStatus} == {
        code.name: code.value[0] for code in grpc.StatusCode
    }


@pytest.mark.parametrize(
    ("http", "status"),
    [
        (400, "INVALID_ARGUMENT"),
        (401, "UNAUTHENTICATED"),
        (403, "PERMISSION_DENIED"),
        (404, "UNIMPLEMENTED"),
        (405, "UNIMPLEMENTED"),
        (408, "DEADLINE_EXCEEDED"),
        (413, "RESOURCE_EXHAUSTED"),
        (429, "RESOURCE_EXHAUSTED"),
        (499, "CANCELLED"),
        (500, "INTERNAL"),
        (502, "UNAVAILABLE"),
        (503, "UNAVAILABLE"),
        (504, "DEADLINE_EXCEEDED"),
        (200, "UNKNOWN"),
        (204, "UNKNOWN"),
        (302, "UNKNOWN"),
        (418, "UNKNOWN"),
    ],
)
def test_http_answers_mean_something(http: int, status: str) -> None:
    """Each answer of HTTP has one grpc-status; one that is no answer to a call, a success too, is UNKNOWN."""
    assert of_http(http).name == status


@pytest.mark.parametrize(
    ("status", "http"), [(0, 200), (1, 499), (5, 404), (12, 404), (14, 503), (4, 504), (2, 500), (13, 500), (99, 500)]
)
def test_statuses_count_as_http(status: int, http: int) -> None:
    """Breakers and the request log judge a call as the answer of HTTP that is closest; unknown numbers as 500."""
    assert as_http(status) == http


@pytest.mark.parametrize("text", ["plain", "50 %", "naïve — ünïcode", "two\r\nlines", "\x00\x7f", ""])
def test_messages_survive(text: str) -> None:
    """What goes out is printable ASCII, without a bare percent sign, and decodes to the text."""
    encoded = encode_message(text)
    assert encoded.isascii()
    assert not encoded or encoded.isprintable()
    assert unquote(encoded) == text
    assert encode_message("a b/c?d") == "a b/c?d"


@pytest.mark.parametrize(
    ("text", "status"),
    [(None, None), ("0", 0), ("14", 14), ("99", 99), ("", 2), ("-1", 2), ("1e3", 2), ("٣", 2), ("1" * 9, 2)],
)
def test_a_status_is_a_number(text: str | None, status: int | None) -> None:
    """A grpc-status that is no number is UNKNOWN, as libraries read it."""
    assert parse_status(text) == status


def test_names_and_lines() -> None:
    """A status is shown by its name, and ends a call as two fields."""
    assert (name_of(14), name_of(77)) == ("UNAVAILABLE", "77")
    assert status_lines(GrpcStatus.INTERNAL, "a%") == {
        "grpc-status": "grpc-status: 13",
        "grpc-message": "grpc-message: a%25",
    }
    assert status_lines(0, "") == {"grpc-status": "grpc-status: 0"}


def test_half_a_surrogate_pair_is_replaced() -> None:
    """JSON of a backend may hold one, which no UTF-8 has: the message goes out all the same."""
    assert encode_message("a\ud800b") == "a?b"
