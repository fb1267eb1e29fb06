"""Request bodies are understood in all the spellings that exist, and refused with a sentence that helps."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.notifications.api.problems import HttpProblem
from gateway.notifications.api.schema import parse_request
from gateway.notifications.workflow.watched_run import WatchedRun

URL = "https://a.azure.com/x"


@pytest.mark.parametrize("name", ["batchId", "BatchJobRecId", "batchJobId", "BATCHID", "batchjobrecid"])
@pytest.mark.parametrize("url_name", ["callbackUrl", "callBackUrl", "callBackUri", "callbackUri", "CALLBACKURL"])
@pytest.mark.parametrize("value", [5637515827, "5637515827"])
def test_names(name: str, url_name: str, value: object) -> None:
    """Every alias in any case is understood; only ADF's own spelling chooses ADF's profile."""
    found = parse_request(json.dumps({name: value, url_name: URL, "other": 1}).encode())
    assert (found.batch_id, found.url, found.from_adf) == (5637515827, URL, url_name == "callBackUri")


def test_options() -> None:
    """Profile and time-out may be given; null means that they are absent."""
    body: dict[str, Any] = {"batchId": 1, "callbackUrl": URL}
    found = parse_request(json.dumps({**body, "profile": "plain", "timeoutSeconds": 60}).encode())
    assert (found.profile, found.timeout_s) == ("plain", 60.0)
    found = parse_request(json.dumps({**body, "profile": None, "timeoutSeconds": None}).encode())
    assert (found.profile, found.timeout_s) == (None, None)


def test_agreeing_aliases() -> None:
    """Aliases with the same value are accepted."""
    found = parse_request(
        b'{"batchId": 1, "BatchJobRecId": "1", "callbackUrl": "https://a/", "callBackUri": "https://a/"}'
    )
    assert (found.batch_id, found.from_adf) == (1, True)


REFUSED = [
    b"",
    b"{",
    b"[]",
    b'"x"',
    b"null",
    b"\xff\xfe",
    b"[" * 100_000,
    b"{}",
    b'{"batchId": 1}',
    b'{"callbackUrl": "https://a/"}',
    b'{"batchId": 1, "batchId": 2, "callbackUrl": "https://a/"}',
    b'{"batchId": 1, "callbackUrl": "https://a/", "callBackUri": "https://b/"}',
    b'{"batchId": 0, "callbackUrl": "https://a/"}',
    b'{"batchId": -1, "callbackUrl": "https://a/"}',
    b'{"batchId": 1.5, "callbackUrl": "https://a/"}',
    b'{"batchId": true, "callbackUrl": "https://a/"}',
    b'{"batchId": null, "callbackUrl": "https://a/"}',
    b'{"batchId": "1 or 1 eq 1", "callbackUrl": "https://a/"}',
    b'{"batchId": "\\u0661", "callbackUrl": "https://a/"}',
    b'{"batchId": 9223372036854775808, "callbackUrl": "https://a/"}',
    b'{"batchId": {}, "callbackUrl": "https://a/"}',
    b'{"batchId": 1, "callbackUrl": 5}',
    b'{"batchId": 1, "callbackUrl": ""}',
    b'{"batchId": 1, "callbackUrl": {"batchId": 2}}',
    b'{"batchId": 1, "callbackUrl": "https://a/", "profile": "xml"}',
    b'{"batchId": 1, "callbackUrl": "https://a/", "profile": ["adf"]}',
    b'{"batchId": 1, "callbackUrl": "https://a/", "timeoutSeconds": 0}',
    b'{"batchId": 1, "callbackUrl": "https://a/", "timeoutSeconds": "6o"}',
    b'{"batchId": 1, "callbackUrl": "https://a/", "timeoutSeconds": NaN}',
    b'{"batchId": 1, "callbackUrl": "https://a/", "timeoutSeconds": 1e400}',
    b'{"batchId": 1, "callbackUrl": "https://a/", "timeoutSeconds": true}',
]


@pytest.mark.parametrize("body", REFUSED, ids=lambda body: body[:60].decode("latin-1"))
def test_refused(body: bytes) -> None:
    """What cannot be understood without guessing is 400."""
    with pytest.raises(HttpProblem) as caught:
        parse_request(body)
    assert (caught.value.status, caught.value.slug) == (400, "body-invalid")


@given(st.binary(max_size=200))
def test_any_bytes(body: bytes) -> None:
    """Any bytes lead to a request or to a 400."""
    try:
        parse_request(body)
    except HttpProblem as problem:
        assert problem.status == 400  # noqa: PT017 - both ends are fine


@pytest.mark.parametrize("name", ["timeoutSecond", "batchIds", "callbckUrl", "profil"])
def test_misspelt(name: str) -> None:
    """A member that is nearly one of ours is refused with the name that was meant; any other is ignored."""
    body = {"batchId": 1, "callbackUrl": "https://a/", name: "x"}
    with pytest.raises(HttpProblem, match="did you mean"):
        parse_request(json.dumps(body).encode())
    assert (
        parse_request(json.dumps({"batchId": 1, "callbackUrl": "https://a/", "pipeline": "x"}).encode()).batch_id == 1
    )


def test_timeout_as_text() -> None:
    """Data Factory's expressions turn numbers into text, which is accepted, as for the batch id."""
    body = {"batchId": "1", "callbackUrl": "https://a/", "timeoutSeconds": "600"}
    assert parse_request(json.dumps(body).encode()).timeout_s == 600.0


@pytest.mark.parametrize(
    ("more", "watched"),
    [
        ({}, WatchedRun.OURS),
        ({"start": None, "run": None}, WatchedRun.OURS),
        ({"start": True}, WatchedRun.OURS),
        ({"start": "True"}, WatchedRun.OURS),
        ({"start": False}, WatchedRun.CURRENT),
        ({"Start": "false"}, WatchedRun.CURRENT),
        ({"run": "next"}, WatchedRun.NEXT),
        ({"start": False, "run": "next"}, WatchedRun.NEXT),
    ],
)
def test_watched(more: dict[str, Any], watched: WatchedRun) -> None:
    """Without a start, a run that someone else starts is watched; with ``next``, the first one after this request."""
    assert parse_request(json.dumps({"batchId": 1, "callbackUrl": URL, **more}).encode()).watched is watched


@pytest.mark.parametrize(
    "more", [{"start": True, "run": "next"}, {"start": "no"}, {"start": 0}, {"start": []}, {"run": "last"}, {"run": 1}]
)
def test_watched_refused(more: dict[str, Any]) -> None:
    """A contradictory request, or a value that is not a boolean, is 400: nothing is started on a guess."""
    with pytest.raises(HttpProblem):
        parse_request(json.dumps({"batchId": 1, "callbackUrl": URL, **more}).encode())
